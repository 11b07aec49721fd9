// Roster+Emergency: what follows when no backend is up and none is untried. Every public method
// that changes the roster ends with `settle`, so that nobody sees it between two states.
//
// | `whenNoneUp` | the rotation                                                                     |
// |--------------|----------------------------------------------------------------------------------|
// | evidence     | those that only checks speak against, or discovery within the last seconds; none, |
// |              | while live requests fail as well (`Emergency`). Without checks, which alone could |
// |              | end that: as `always`                                                             |
// | always       | all that do not drain                                                             |
// | never        | none                                                                              |
//
// New backends about which nothing is known are in it anyway.

extension Roster {
    /// Fewer results prove nothing.
    private static let resultsMin = 5

    /// Whether checks continue at their fast pace, since much depends on the next one.
    package var wantsFastChecks: Bool { emergency != nil }

    /// What the live requests of this service came to over the last 2 s, over all backends: how
    /// many had a good answer, how many failed on a backend, and how many bytes came from backends,
    /// which is all that TCP connections and long streams show. Report it about once a second while
    /// `emergency` is not nil; at other times it means nothing.
    package func liveWeight(
        answered: Int, failed: Int, bytes: Int, now: ContinuousClock.Instant
    ) {
        advance(to: now)
        emergency?.weigh(isGood: answered > 0 || (failed == 0 && bytes > 0), now: now)
        guard emergency != nil, options.whenNoneUp == .evidence, options.checks != nil else {
            return
        }
        guard upCount == 0, answered == 0, failed >= Self.resultsMin else { return }
        setMode(.failingFast, now: now)
    }

    /// Whether requests get to backends that serve them, as far as is known: always while a backend
    /// is up. In an emergency that routes to others, while live requests show it
    /// (`Emergency.isProven`), or where none is to show it (`WhenNoneUp.always`).
    package func isServed(now: ContinuousClock.Instant) -> Bool {
        guard let emergency else { return upCount > 0 }
        guard emergency.mode == .routingToUnhealthy, hasMembers else { return false }
        return upCount > 0 || options.whenNoneUp == .always || emergency.isProven(now: now)
    }

    /// Begins or ends an emergency if necessary.
    func settle(now: ContinuousClock.Instant) {
        replaceLost(now: now)
        failOver(now: now)
        if upCount == 0, emergency != nil || untriedCount == 0 { recallLost(now: now) }
        guard let emergency else {
            if upCount == 0, untriedCount == 0, stayingCount > 0 { beginEmergency(now: now) }
            return
        }
        if stayingCount == 0 {
            endEmergency(emergency, now: now)
        } else if upCount > 0 {
            recover(emergency, now: now)
        } else {
            if emergency.recoveryEnd != nil { self.emergency?.recoveryEnd = nil }
            reconsider(emergency, now: now)
        }
    }

    /// When `settle` will have something to do; nil for never.
    var emergencyDeadline: ContinuousClock.Instant? {
        guard let emergency else { return nil }
        if let end = emergency.recoveryEnd { return end }
        let retries = options.whenNoneUp == .evidence && emergency.mode == .failingFast
        return retries ? emergency.modeSince + options.refuseTime : nil
    }

    // MARK: Beginning and end

    private func beginEmergency(now: ContinuousClock.Instant) {
        let mode: Emergency.Mode
        switch options.whenNoneUp {
        case .always: mode = .routingToUnhealthy
        case .never: mode = .failingFast
        case .evidence:
            let isHopeful = options.checks == nil || census.outByChecksAlone > 0
            mode = isHopeful ? .routingToUnhealthy : .failingFast
        }
        emergencies += 1
        emergencyChanged(to: Emergency(mode, since: now))
        armEmergency()
        record(.emergencyBegan(mode), now: now)
    }

    /// Some are up. If the emergency ended with the first, that backend would get all of the
    /// traffic that many had until then: so the others, whose checks pass in the next moments, stay
    /// for a while.
    private func recover(_ emergency: Emergency, now: ContinuousClock.Instant) {
        let isOver = emergency.recoveryEnd.map { $0 <= now } ?? false
        if isOver || emergency.mode == .failingFast || upCount * 2 >= stayingCount {
            endEmergency(emergency, now: now)
        } else if emergency.recoveryEnd == nil {
            self.emergency?.recoveryEnd = now + options.lossWindow
            armEmergency()
        }
    }

    /// None is up, and time has passed or the options have changed.
    private func reconsider(_ emergency: Emergency, now: ContinuousClock.Instant) {
        switch options.whenNoneUp {
        case .always: setMode(.routingToUnhealthy, now: now)
        case .never: setMode(.failingFast, now: now)
        case .evidence:
            let isTired = emergency.modeSince + options.refuseTime <= now
            if options.checks == nil || isTired { setMode(.routingToUnhealthy, now: now) }
        }
    }

    private func setMode(_ mode: Emergency.Mode, now: ContinuousClock.Instant) {
        guard var emergency, emergency.mode != mode else { return }
        emergency.mode = mode
        emergency.modeSince = now
        // Journalled once, since a long outage has many tries.
        if mode == .failingFast, !emergency.hasRefused {
            emergency.hasRefused = true
            record(.emergencyRefuses, now: now)
        }
        emergencyChanged(to: emergency)
        armEmergency()
    }

    private func endEmergency(_ emergency: Emergency, now: ContinuousClock.Instant) {
        emergencyChanged(to: nil)
        record(.emergencyEnded(after: emergency.since.duration(to: now)), now: now)
    }

    private func armEmergency() {
        if let deadline = emergencyDeadline { arm(deadline) }
    }
}
