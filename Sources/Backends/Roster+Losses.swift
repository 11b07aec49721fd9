// Roster+Losses: what a source stops naming. One instance fewer is believed at once. Less than half of
// what it named within `lossWindow` is no scale-down: a registry lost its mind, or the checks that it
// runs fail one by one, which leaves one instance with all of the traffic before it leaves none. Then
// all that were lost within that time are held, as long as their own checks pass.
//
// So that they can be, a drained backend stays on the roster for `lossWindow` (`BackendState.Drain`).

extension Roster {
    /// Takes note of the backends that a good answer does not name.
    /// - Complexity: O(n).
    func lose(
        _ absent: [Backend], naming count: Int, _ place: UInt8, now: ContinuousClock.Instant
    ) {
        let index = Int(place)
        sources[index].peak.note(count, now: now, window: options.lossWindow)
        // A loss in one answer is measured against the one before, in which others may have come in
        // place of those; what was missing or held before is none.
        let before = backendsByID.values.count {
            $0.place == place && $0.naming == .named && !$0.state.isLeaving
        }
        let lost = absent.filter { $0.naming == .named && !$0.state.isLeaving }
        let peak = sources[index].peak.count(now: now, window: options.lossWindow)
        let isAtOnce = before >= 3 && lost.count > before / 2
        let isBitByBit = peak >= 3 && count * 2 < peak
        guard isAtOnce || isBitByBit else {
            for backend in absent { miss(backend, now: now) }
            return
        }
        hold(lost + absent.filter { isLostLately($0, now: now) }, of: max(peak, before), place, now)
        for backend in absent where backend.naming != .named || backend.state.isLeaving {
            miss(backend, now: now)
        }
    }

    /// Takes note that the server at `place` speaks and names nothing: what it named last is held
    /// for that, and so is what it stopped naming just before.
    func loseAll(_ place: UInt8, now: ContinuousClock.Instant) {
        let peak = sources[Int(place)].peak.count(now: now, window: options.lossWindow)
        guard peak >= 3, leavingCount > 0 else { return }
        let lost = backends { $0.place == place && isLostLately($0, now: now) }
        hold(lost, of: peak, place, now)
    }

    /// Brings back what discovery lost within the last seconds, since nothing else is up. Its checks
    /// may fail as well, as those of all others do; live evidence may not stand against it.
    /// - Complexity: O(1) unless a backend was lost, or its evidence has changed, since the last call;
    ///   else O(n log n).
    func recallLost(now: ContinuousClock.Instant) {
        guard mayRecall, options.whenNoneUp != .never else { return }
        mayRecall = false
        let lost = backends { isLostLately($0, now: now) && $0.state.isWorthRecall }
        guard !lost.isEmpty else { return }
        for backend in lost { recall(backend, now: now) }
        record(.lostRecalled(count: lost.count), now: now)
    }

    // MARK: Holding

    private func hold(
        _ lost: [Backend], of count: Int, _ place: UInt8, _ now: ContinuousClock.Instant
    ) {
        // One that drains and is not up has the evidence against it too.
        let new = lost.filter {
            $0.heldUntil == nil && (!$0.state.isLeaving || $0.state.isUpBehindDrain)
        }
        guard !new.isEmpty else { return }
        sources[Int(place)].failures[.massLoss, default: 0] += 1
        record(.massLoss(lost: new.count, of: count, hold: options.holds.massLoss), now: now)
        for backend in new {
            recall(backend, now: now)
            leaveHeld(backend.id, now: now)
        }
    }

    /// Whether a source stopped naming it within the last seconds.
    private func isLostLately(_ backend: Backend, now: ContinuousClock.Instant) -> Bool {
        guard let lostAt = backend.lostAt else { return false }
        return now < lostAt + options.lossWindow
    }

    /// Holds a backend that is not named, and cancels its drain.
    private func recall(_ backend: Backend, now: ContinuousClock.Instant) {
        let until = now + options.holds.massLoss
        update(backend.id) { backend in
            backend.naming = .held(until: until)
            backend.missingUntil = nil
            backend.lostAt = backend.lostAt ?? now
        }
        send(.recalled, to: backend.id, now: now)
    }

    /// Lets a held backend go that the evidence is against too. Not in an emergency: there it is
    /// against all of them, and each is wanted.
    func leaveHeld(_ id: BackendID, now: ContinuousClock.Instant) {
        guard emergency == nil else { return }
        leaveUnlessUp(id, .massLossConfirmed, now: now)
    }

    // MARK: Missing

    private func miss(_ backend: Backend, now: ContinuousClock.Instant) {
        if backend.state.isLeaving {
            send(.absenceConfirmed, to: backend.id, now: now)
            return
        }
        let answers: Int
        switch backend.naming {
        case .held: return
        case .named: answers = 1
        case .missing(let before): answers = before + 1
        }
        var flaps = backend.flaps
        if let last = backend.lastFlap, last.duration(to: now) >= options.flapMemory { flaps = 0 }
        let stands = sources[Int(backend.place)].answersStand
        let waits = options.misses(afterFlaps: flaps) - answers
        // One that leaves at once has its absence confirmed a little later.
        let until = stands ? now + options.missingTime * max(1, waits) : nil
        update(backend.id) { backend in
            if backend.naming == .named { backend.lostAt = now }
            backend.naming = .missing(answers: answers)
            backend.missingUntil = backend.missingUntil ?? until
            backend.flaps = flaps
        }
        if answers >= options.misses(afterFlaps: flaps) {
            send(.leave(.missing(answers: answers)), to: backend.id, now: now)
            // The answers that a flapping record had to be missing from have confirmed it already.
            if answers > 1 { send(.absenceConfirmed, to: backend.id, now: now) }
        }
    }
}
