// Census: how many backends of a roster are in which state, kept up to date with every change, so
// that no event has to count them.

/// Counts over the backends of one roster. Value type, control thread.
struct Census: Equatable {
    /// Backends that are up.
    private(set) var up = 0
    /// Backends that are up and not on probation.
    private(set) var trusted = 0
    /// Backends that drain in order to leave.
    private(set) var leaving = 0
    /// Backends that drain for whatever reason.
    private(set) var draining = 0
    /// New backends with nothing against them.
    private(set) var untried = 0
    /// Backends that only checks keep out, or that have had no check yet.
    private(set) var outByChecksAlone = 0
    /// Backends that are down or ejected.
    private(set) var out = 0
    /// Backends of which nothing is known yet: discovered, or in their first checks.
    private(set) var pending = 0
    /// Backends ejected for what their live requests came to.
    private(set) var ejectedByAnswers = 0

    /// Counts a backend in this state.
    mutating func add(_ state: BackendState) {
        count(state, 1)
    }

    /// Removes a backend from the count of this state.
    mutating func remove(_ state: BackendState) {
        count(state, -1)
    }

    private mutating func count(_ state: BackendState, _ step: Int) {
        switch state.phase {
        case .up:
            up += step
            if !state.isOnProbation { trusted += step }
        case .discovered, .checking: pending += step
        case .down, .ejected: out += step
        case .draining: draining += step
        case .gone: break
        }
        if state.isLeaving { leaving += step }
        if state.isUntried { untried += step }
        if state.isOutByChecksAlone { outByChecksAlone += step }
        if state.isEjectedByAnswers { ejectedByAnswers += step }
    }
}
