// Roster+Rotation: which backends may get traffic. That depends on a backend's own state and on the
// other backends (`Eligibility`): while none is up, those about which nothing is known, or those
// that an emergency brings back. Each change of a state says at once whether it matters to that;
// the rotation is built when it is asked for.

internal import Endpoints

extension Roster {
    /// The backends that may get new traffic: those that are up. While none is, those of which
    /// nothing is known yet, neither good nor bad: at the start a request is better tried on them
    /// than refused, and a dial that fails goes on to the next. In an emergency also those that it
    /// brings back.
    ///
    /// The same object as before unless something changed that matters to traffic. Built when asked
    /// for: take it once per turn of the loop, not per event.
    /// - Complexity: O(1) if nothing changed, O(n) if other backends may get traffic, O(n log n) if
    ///   some have come or gone.
    package var rotation: Rotation {
        guard isPublishedStale else { return published }
        isPublishedStale = false
        sortIfStale()
        let eligibility = eligibility
        var contenders: [Rotation.Contender] = []
        for id in order {
            guard let index = table.index(of: id) else { continue }
            table.read(index) {
                if eligibility.admits($0.state) { contenders.append($0.contender) }
            }
        }
        let tiers = Rotation.tiers(of: contenders, strength, waiting: returningPlaces)
        if tiers != published.tiers {
            published = Rotation(
                service: service, generation: published.generation + 1, tiers: tiers)
        }
        return published
    }

    /// Whether any backend may get new traffic; O(1).
    package var hasMembers: Bool {
        switch eligibility {
        case .up: upCount > 0
        case .untried: untriedCount > 0
        case .upOrOutByChecksAlone: upCount > 0 || census.outByChecksAlone > 0
        case .staying: stayingCount > 0
        }
    }

    /// Which states get traffic now.
    enum Eligibility {
        /// Backends that are up get traffic.
        case up
        /// None is up: backends about which nothing is known.
        case untried
        /// An emergency: those against which live evidence speaks are left out.
        case upOrOutByChecksAlone
        /// An emergency in which it speaks against all: all that do not drain.
        case staying

        func admits(_ state: BackendState) -> Bool {
            switch self {
            case .up: state.phase == .up
            case .untried: state.isUntried
            case .upOrOutByChecksAlone: state.phase == .up || state.isOutByChecksAlone
            case .staying: state.phase != .draining && state.phase != .gone
            }
        }
    }

    /// Which states get traffic now; O(1).
    var eligibility: Eligibility {
        guard emergency?.mode == .routingToUnhealthy else { return upCount > 0 ? .up : .untried }
        // Evidence against everybody is evidence against nobody: live answers decide then.
        let suffices = upCount > 0 || census.outByChecksAlone > 0
        return options.whenNoneUp == .evidence && suffices ? .upOrOutByChecksAlone : .staying
    }

    /// Records a change of a backend's state, nil for one that has just come, after the census has:
    /// the rotation is stale if the change matters to it.
    func recordChange(
        from before: BackendState?, to after: BackendState, since old: Eligibility
    ) {
        guard !isPublishedStale else { return }
        let eligibility = eligibility
        let was = before.map(old.admits) ?? false
        let isTrustOther = before?.isOnProbation != after.isOnProbation
        isPublishedStale =
            eligibility != old || was != eligibility.admits(after) || (was && isTrustOther)
            || (options.failoverPercent > 0 && before?.isStaying != after.isStaying)
    }

    private func sortIfStale() {
        guard isOrderStale else { return }
        isOrderStale = false
        var keyed: [(Tier, Endpoint, BackendID)] = []
        keyed.reserveCapacity(count)
        table.forEach { keyed.append(($0.tier, $0.endpoint, $0.id)) }
        order = keyed.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }

    private var strength: Rotation.Strength {
        var strength = Rotation.Strength(failoverPercent: options.failoverPercent)
        guard options.failoverPercent > 0 else { return strength }
        table.forEach { if $0.state.isStaying { strength.totals[$0.tier, default: 0] += 1 } }
        return strength
    }
}

extension BackendState {
    /// Whether it is there and does not drain.
    fileprivate var isStaying: Bool { phase != .draining && phase != .gone }
}
