// Roster+Overrides: an operator's word goes before discovery's and before the evidence: a weight takes
// the place of the SRV weight, a drain takes a backend out of the rotation, whatever its checks say.
// Both end with the override: the backend is then what discovery and checks make of it.

extension Roster {
    /// Makes `overrides` the operator's word, in place of all that was said before. They hold for
    /// backends that are there and for those that come.
    /// - Complexity: O(n log n).
    package func setOverrides(_ overrides: BackendOverrides, now: ContinuousClock.Instant) {
        guard overrides != self.overrides else { return }
        self.overrides = overrides
        for backend in backends { override(backend, by: overrides[backend.endpoint], now: now) }
        settle(now: now)
    }

    /// Makes `override` hold for a backend.
    func override(_ backend: Backend, by override: BackendOverride?, now: ContinuousClock.Instant) {
        guard backend.override != override else { return }
        update(backend.id) { $0.override = override }
        record(.override(from: backend.override, to: override), backend, now: now)
        let isDrained = override?.isDrained ?? false
        if isDrained != (backend.override?.isDrained ?? false) {
            let end = now + options.drainLimit
            update(backend.id) { $0.operatorDrainEnd = isDrained ? end : nil }
            if isDrained { arm(end) }
            send(isDrained ? .drainOrdered : .drainLifted, to: backend.id, now: now)
        }
    }

    /// An operator's drain has reached its limit, if it has: what runs on the backend is ended.
    func endOperatorDrain(_ backend: Backend, now: ContinuousClock.Instant) {
        guard let end = backend.operatorDrainEnd, end <= now else { return }
        update(backend.id) { $0.operatorDrainEnd = nil }
        expel(backend.id)
        record(.operatorDrainLimit, backend, now: now)
    }
}
