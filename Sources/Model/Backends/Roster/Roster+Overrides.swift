// Roster+Overrides: an operator's decision goes before discovery's and before the evidence: a
// weight takes the place of the SRV weight, a drain takes a backend out of the rotation, whatever
// its checks say. Both end with the override: the backend is then what discovery and checks make of
// it.

extension Roster {
    /// Puts `overrides` in the place of all earlier ones. They hold for present backends and for
    /// those that come. `origin` says where they are from.
    /// - Complexity: O(n log n).
    package func setOverrides(
        _ overrides: BackendOverrides, by origin: OperatorOrigin = .store,
        now: ContinuousClock.Instant
    ) {
        guard overrides != self.overrides else { return }
        self.overrides = overrides
        for backend in backends {
            override(backend, by: overrides[backend.endpoint], origin, now: now)
        }
        settle(now: now)
    }

    /// Makes `override` hold for a backend.
    func override(
        _ backend: Backend, by override: BackendOverride?, _ origin: OperatorOrigin = .store,
        now: ContinuousClock.Instant
    ) {
        guard backend.override != override else { return }
        update(backend.id) { $0.override = override }
        record(.override(from: backend.override, to: override, by: origin), backend, now: now)
        let isDrained = override?.isDrained ?? false
        if isDrained != (backend.override?.isDrained ?? false) {
            let end = now + options.drainLimit
            let streamsEnd = end - StreamEnds.lead(of: options.drainLimit)
            update(backend.id) {
                $0.operatorDrainEnd = isDrained ? end : nil
                $0.operatorStreamsEnd = isDrained ? streamsEnd : nil
            }
            send(isDrained ? .drainOrdered(origin) : .drainLifted(origin), to: backend.id, now: now)
        }
        if override?.isCutOff == true, backend.override?.isCutOff != true {
            update(backend.id) { $0.operatorDrainEnd = nil }
            expel(backend.id)
        }
    }

    /// An operator wants a backend checked at once; for the journal.
    package func checkOrdered(
        _ id: BackendID, by origin: OperatorOrigin, now: ContinuousClock.Instant
    ) {
        guard let backend = backend(id) else { return }
        record(.checkOrdered(origin), backend, now: now)
    }

    /// Ejects a backend as if live requests had failed on it: for the time of an ejection, unless
    /// it is the last one that could be trusted with requests.
    package func eject(
        _ id: BackendID, by origin: OperatorOrigin, now: ContinuousClock.Instant
    ) -> OperatorEjection {
        guard let state = backend(id)?.state else { return .notUp(.gone) }
        guard state.phase == .up else { return .notUp(state.phase) }
        if upCount == 1 || (!state.isOnProbation && census.trusted == 1) { return .refused(.last) }
        send(.ejectOrdered(origin), to: id, jitter: drawJitter(), now: now)
        settle(now: now)
        return .done
    }

    /// An operator's drain has reached its limit, if it has: what runs on the backend is ended.
    func endOperatorDrain(_ backend: Backend, now: ContinuousClock.Instant) {
        if let at = backend.operatorStreamsEnd, at <= now {
            update(backend.id) { $0.operatorStreamsEnd = nil }
            endStreams(on: backend.id, within: StreamEnds.time(of: options.drainLimit))
        }
        guard let end = backend.operatorDrainEnd, end <= now else { return }
        update(backend.id) { $0.operatorDrainEnd = nil }
        expel(backend.id)
        record(.operatorDrainLimit, backend, now: now)
    }
}
