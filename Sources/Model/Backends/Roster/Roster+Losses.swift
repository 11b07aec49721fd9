// Roster+Losses: what a source stops naming. Make before break:
//
// | what the answer, or those of `lossWindow`, did     | what becomes of those that are not named       |
// |----------------------------------------------------|------------------------------------------------|
// | it names at least half as many as there were, and  | they serve until as many of the new ones are up|
// |  most of them are others (a deploy)                | as went, and drain then                        |
// | it names less than half, at once or bit by bit     | they wait for `holds.massLoss` in a tier behind|
// |                                                    | those named, unless not up                     |
// |  … and each of those named would have three times  | they serve beside them, until half of what     |
// |  its load, or has four times                       | there was is named                             |
// |  … and then others are named instead               | as for a deploy                                |
// |  … since the registry's checks of them fail        | they wait in the same way, whatever load those |
// |                                                    | named have                                     |
// | anything else (a scale-down, a canary rolled back) | they drain at once, and are not brought back   |
// | it is of a file, or lists them as in maintenance   | the same, however many they are                |
//
// DNS can't tell a scale-down, whose instances may live on for a while and must get nothing new,
// from a registry that lost its mind, where the instances that are left must not be crushed. Load
// can.
//
// Backends that went one by one are only brought back when the bit-by-bit rule fires. To make that
// possible, a drained backend stays on the roster for `lossWindow` (`BackendState.Drain`).

internal import Endpoints

extension Roster {
    /// A backend can't be expected to carry more than this many times the load that it had.
    private static let loadTimesMax = 3
    /// Measured values swing more than counted ones.
    private static let measuredTimesMax = 4.0
    /// This many requests in flight on a backend are never much.
    private static let smallLoad = 2.0

    /// Endpoints that an answer lists besides the instances that it names.
    struct Listed {
        /// Instances whose checks by the registry fail.
        let critical: Set<Endpoint>
        /// Instances that somebody took out of service, each with the reason: a clause.
        let withdrawn: [Endpoint: String]

        /// Without the endpoints that it names as well.
        func besides(_ named: Set<Endpoint>) -> Listed {
            Listed(
                critical: critical.subtracting(named),
                withdrawn: withdrawn.filter { !named.contains($0.key) })
        }
    }

    /// Records the backends that a good answer of `count` instances does not name; `arrivals` of
    /// the instances that it names are new.
    /// - Complexity: O(n).
    func lose(
        _ absent: [Backend], naming count: Int, arrivals: Int, _ other: Listed, _ place: UInt8,
        now: ContinuousClock.Instant
    ) {
        let withdrawn = other.withdrawn
        let index = Int(place)
        let isStaying = { (backend: Backend) in
            backend.place == place && backend.naming == .named && !backend.state.isLeaving
                && withdrawn[backend.endpoint] == nil
        }
        // A loss in one answer is measured against the one before; what was missing or held before
        // is none.
        let before = table.count(where: isStaying)
        let lost = absent.filter { isStaying($0) }
        let isDeliberate = sources[index].isDeliberate
        let listed = count + withdrawn.keys.count { idsByEndpoint[$0] != nil }
        sources[index].peak.add(listed, now: now, window: options.lossWindow)
        let peak = sources[index].peak.count(now: now, window: options.lossWindow)
        let isMost = lost.count * 2 > before
        if isMost, arrivals > 0, count * 2 >= before {
            replace(lost, arrivals: arrivals, place, now)
        } else if !isDeliberate, before >= 3, count * 2 < before {
            hold(lost, of: before, place, now)
            // Further losses are measured from here.
            sources[index].peak.forget()
            sources[index].lostMostAt = now
        } else if !isDeliberate, peak >= 3, listed * 2 < peak {
            hold(lost + absent.filter { isLostLately($0, now: now) }, of: peak, place, now)
        }
        // The registry says that these are unwell, which the load of the others does not outweigh.
        let isByHealth = lost.contains { other.critical.contains($0.endpoint) }
        if isByHealth { sources[index].loss?.isByHealth = true }
        for backend in absent {
            // Its state may have changed.
            guard let backend = self.backend(backend.id) else { continue }
            miss(backend, withdrawnFor: withdrawn[backend.endpoint], now: now)
        }
    }

    /// Records that the server at `place` answers and names nothing: what it named last is held,
    /// and so is what it stopped naming just before, if that was most.
    func loseAll(_ place: UInt8, until: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        let index = Int(place)
        if leavingCount > 0, let last = sources[index].lastGoodAnswer?.instances {
            let peak = sources[index].peak.count(now: now, window: options.lossWindow)
            if peak >= 3, last * 2 < peak {
                let lost = backends { $0.place == place && isLostLately($0, now: now) }
                hold(lost, of: peak, place, now)
            }
        }
        guard sources[index].loss != nil else { return }
        // The registry names neither these nor the others, which stay for its hold.
        for backend in backends(where: { $0.place == place }) {
            guard case .held(let end) = backend.naming, end < until else { continue }
            update(backend.id) { $0.naming = .held(until: until) }
        }
        reconsiderLoss(place, now: now)
    }

    /// Brings back what discovery lost within the last seconds, since nothing else is up. Its
    /// checks may fail as well, as those of all others do; live evidence may not stand against it.
    /// - Complexity: O(1) unless a backend was lost, or its evidence has changed, since the last
    ///   call; else O(n log n).
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
        // The evidence is also against one that drains and is not up.
        let new = lost.filter {
            $0.heldUntil == nil && (!$0.state.isLeaving || $0.state.isUpBehindDrain)
        }
        guard !new.isEmpty else { return }
        let index = Int(place)
        sources[index].failures[.massLoss, default: 0] += 1
        record(.massLoss(lost: new.count, of: count, hold: options.holds.massLoss), now: now)
        recordLoss(of: count, place, now)
        for backend in new {
            recall(backend, now: now)
            leaveHeld(backend.id, now: now)
        }
    }

    /// Whether a source stopped naming it within the last seconds, and not before it lost most at
    /// once.
    private func isLostLately(_ backend: Backend, now: ContinuousClock.Instant) -> Bool {
        guard let lostAt = backend.lostAt, now < lostAt + options.lossWindow else { return false }
        guard let lostMostAt = sources[Int(backend.place)].lostMostAt else { return true }
        return lostAt > lostMostAt
    }

    /// Holds a backend that is not named, and cancels its drain.
    private func recall(_ backend: Backend, now: ContinuousClock.Instant) {
        let until = now + options.holds.massLoss
        let loss = sources[Int(backend.place)].loss
        update(backend.id) { backend in
            backend.naming = .held(until: until)
            backend.missingUntil = nil
            backend.lostAt = backend.lostAt ?? now
            backend.isReserve = loss.map { !$0.hasJoined } ?? false
        }
        send(.recalled, to: backend.id, now: now)
    }

    /// Releases a backend that is not named and has the evidence against it too. Not in an
    /// emergency: there it is against all of them, and each is wanted.
    func leaveHeld(_ id: BackendID, now: ContinuousClock.Instant) {
        guard emergency == nil else { return }
        leaveUnlessUp(id, .massLossConfirmed, now: now)
    }

    // MARK: Replacing

    /// Lets these serve until as many of those that come in their place are up.
    private func replace(
        _ lost: [Backend], arrivals: Int, _ place: UInt8, _ now: ContinuousClock.Instant
    ) {
        record(.replacing(old: lost.count, new: arrivals), now: now)
        recordLoss(of: lost.count, place, now)
        // As long as a registry that names nothing usable would be believed to be wrong.
        let until = now + options.holds.nodata
        for backend in lost {
            update(backend.id) { backend in
                backend.naming = .replaced(until: until)
                backend.lostAt = now
            }
            leaveUnlessUp(backend.id, .replaced, now: now)
        }
    }

    private func recordLoss(of count: Int, _ place: UInt8, _ now: ContinuousClock.Instant) {
        let index = Int(place)
        if sources[index].loss == nil {
            sources[index].loss = .init(at: now, before: count, lost: 0)
        } else {
            let before = sources[index].loss?.before ?? 0
            sources[index].loss?.before = max(before, count)
        }
    }

    /// Records a backend that an answer names again while others that it lost are still there.
    func recordArrival(_ id: BackendID, _ place: UInt8) {
        guard sources[Int(place)].loss != nil, let backend = backend(id) else { return }
        guard sources[Int(place)].loss?.arrivals.insert(id).inserted == true else { return }
        if backend.state.phase == .up { sources[Int(place)].loss?.arrivalsUp += 1 }
    }

    /// Records that a backend has come up, or is no longer up.
    func recordArrival(_ backend: Backend, isUp: Bool) {
        let index = Int(backend.place)
        guard sources.indices.contains(index),
            sources[index].loss?.arrivals.contains(backend.id) == true
        else { return }
        sources[index].loss?.arrivalsUp += isUp ? 1 : -1
        mayReplace = true
    }

    /// Releases the old backends whose successors are up; O(1) unless some have come up.
    func replaceLost(now: ContinuousClock.Instant) {
        guard mayReplace else { return }
        mayReplace = false
        for index in sources.indices {
            guard let loss = sources[index].loss, loss.isReplaced else { continue }
            let old = backends { Int($0.place) == index && $0.isLostAndStays }
            sources[index].loss = nil
            record(.replaced(old: old.count, new: loss.arrivalsUp), now: now)
            for backend in old {
                send(.leave(.replaced), to: backend.id, now: now)
                // It has been missing all the while.
                send(.absenceConfirmed, to: backend.id, now: now)
            }
        }
    }

    // MARK: Whether those lost serve

    /// Decides again whether those that `place` lost wait behind those that it names, after an
    /// answer.
    /// - Complexity: O(1) without a loss, else O(n).
    func reconsiderLoss(_ place: UInt8, now: ContinuousClock.Instant) {
        let index = Int(place)
        guard sources[index].loss != nil else { return }
        let stays = backends { $0.place == place && $0.isLostAndStays }
        guard !stays.isEmpty else {
            sources[index].loss = nil
            return
        }
        sources[index].loss?.lost = stays.count
        // A drain that is cancelled, and what has come up meanwhile.
        let arrivals: Set<BackendID> =
            sources[index].loss?.arrivals.filter { backend($0)?.naming == .named } ?? []
        sources[index].loss?.arrivals = arrivals
        sources[index].loss?.arrivalsUp = arrivals.count { backend($0)?.state.phase == .up }
        guard let loss = sources[index].loss else { return }
        let isSpoken = sources[index].outage.map { $0.kind == .nxdomain || $0.kind == .nodata }
        let named = table.count { $0.place == place && $0.carriesLoad }
        // A registry that names nothing says nothing for the new ones.
        mayReplace = isSpoken != true
        if isSpoken == true {
            join(place, .none, now: now)
        } else if !loss.isByHealth, named * Self.loadTimesMax <= loss.before {
            join(place, .few(named: named, of: loss.before), now: now)
        } else if named * 2 >= loss.before {
            stepBack(place, now: now)
        }
    }

    /// The requests in flight on each backend that serves without the lost ones, now and before the
    /// loss, as means over some seconds. Call it about once a second while a loss is in force.
    package func weighLoad(now perBackend: Double, before: Double, now: ContinuousClock.Instant) {
        advance(to: now)
        for index in sources.indices where sources[index].loss?.hasJoined == false {
            let limit = before * Self.measuredTimesMax + Self.smallLoad
            if perBackend > limit, sources[index].loss?.isByHealth == false {
                let times = Int(perBackend / max(before, 0.1))
                join(UInt8(index), .load(times: times), now: now)
            } else {
                reconsiderLoss(UInt8(index), now: now)
            }
        }
        settle(now: now)
    }

    /// Whether backends that discovery lost wait behind others, so that `weighLoad` has something
    /// to do.
    package var hasReserve: Bool { sources.contains { $0.loss?.hasJoined == false } }

    /// The backends that a source stopped naming and that serve anyway, by source.
    /// - Complexity: O(1) without any, else O(n).
    package var losses: [LossStatus] {
        sources.indices.compactMap { index in
            guard let loss = sources[index].loss else { return nil }
            var held: [Backend] = []
            var replaced = 0
            for backend in backends(where: { Int($0.place) == index && $0.isLostAndStays }) {
                if case .replaced = backend.naming { replaced += 1 } else { held.append(backend) }
            }
            let until = held.compactMap(\.heldUntil).max()
            return LossStatus(
                at: loss.at, named: sources[index].lastGoodAnswer?.instances ?? 0,
                held: held.count, until: until, hasJoined: loss.hasJoined, replaced: replaced,
                arrivals: loss.arrivals.count, arrivalsUp: loss.arrivalsUp)
        }
    }

    private func join(
        _ place: UInt8, _ reason: JournalEvent.LossReason, now: ContinuousClock.Instant
    ) {
        guard sources[Int(place)].loss?.hasJoined == false else { return }
        sources[Int(place)].loss?.hasJoined = true
        let count = setReserve(false, place)
        if count > 0 { record(.lostServe(count: count, reason), now: now) }
    }

    private func stepBack(_ place: UInt8, now: ContinuousClock.Instant) {
        guard sources[Int(place)].loss?.hasJoined == true else { return }
        sources[Int(place)].loss?.hasJoined = false
        let count = setReserve(true, place)
        if count > 0 { record(.lostWait(count: count), now: now) }
    }

    /// How many are held.
    private func setReserve(_ isReserve: Bool, _ place: UInt8) -> Int {
        let held = backends { backend in
            guard backend.place == place, !backend.state.isLeaving, case .held = backend.naming
            else { return false }
            return true
        }
        for backend in held { update(backend.id) { $0.isReserve = isReserve } }
        return held.count
    }

    // MARK: Missing

    private func miss(
        _ backend: Backend, withdrawnFor why: String?, now: ContinuousClock.Instant
    ) {
        let isWithdrawn = why != nil
        if backend.state.isLeaving {
            send(.absenceConfirmed, to: backend.id, now: now)
            return
        }
        let answers: Int
        switch backend.naming {
        case .held where !isWithdrawn, .replaced where !isWithdrawn: return
        case .held, .replaced, .named: answers = 1
        case .missing(let before): answers = before + 1
        }
        var flaps = backend.flaps
        if let last = backend.lastFlap, last.duration(to: now) >= options.flapMemory { flaps = 0 }
        let isMeant = isWithdrawn || sources[Int(backend.place)].isDeliberate
        let stands = sources[Int(backend.place)].answersStand
        let waits = options.misses(afterFlaps: flaps) - answers
        // The absence of one that leaves at once is confirmed a little later.
        let until = stands ? now + options.missingTime * max(1, waits) : nil
        update(backend.id) { backend in
            // One that somebody took out is not lost, and never brought back as such.
            if backend.naming == .named { backend.lostAt = isMeant ? nil : now }
            backend.naming = .missing(answers: answers)
            backend.isReserve = false
            backend.missingUntil = backend.missingUntil ?? until
            backend.flaps = flaps
        }
        // What somebody says on purpose is no flap, however often it changes.
        if isWithdrawn || answers >= options.misses(afterFlaps: flaps) {
            let cause = why.map { Cause.withdrawn($0) } ?? .missing(answers: answers)
            send(.leave(cause), to: backend.id, now: now)
            // The answers without a flapping record have confirmed it already.
            if answers > 1 { send(.absenceConfirmed, to: backend.id, now: now) }
        }
    }
}

extension Backend {
    /// Whether its source has stopped naming it, and it stays for a while.
    fileprivate var isLostAndStays: Bool { heldUntil != nil }

    /// Whether it is named and nothing speaks against it.
    fileprivate var carriesLoad: Bool {
        guard naming == .named, !state.isLeaving else { return false }
        switch state.phase {
        case .up, .discovered, .checking: return true
        case .ejected, .down, .draining, .gone: return false
        }
    }
}
