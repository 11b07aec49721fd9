// RoundRobin: smooth weighted round robin, bounded by load.

internal import Backends

/// The default policy: the backends of a tier take turns by weight, exactly within one worker. One
/// that has more in flight than its share (Loads.swift) loses its turn. Worker thread only.
package final class RoundRobin: Balancer {
    private var rotation: Rotation?
    private var turns: [WeightedTurns] = []

    /// A policy without backends. Workers pass their number as `offset`, so that each begins with
    /// another backend.
    package override init(offset: Int = 0) {
        super.init(offset: offset)
    }

    /// Backends that stay, with their weight, keep their place in the order of turns; new ones join as
    /// if they had just had their share.
    override func rebuild(_ next: Rotation) {
        var progress: [BackendID: WeightedTurns.Progress] = [:]
        if let rotation {
            for (tier, turns) in zip(rotation.tiers, turns) {
                for (index, member) in turns.progress() { progress[tier[index].id] = member }
            }
        }
        turns = next.tiers.map { tier in
            WeightedTurns(
                weights: tier.map(\.weight), progress: { progress[tier[$0].id] }, offset: offset)
        }
        rotation = next
    }

    override func pick(_ request: PickRequest, in tier: Int) -> Pick {
        let start = tiers[tier].lowerBound
        // As many turns as there are backends: whoever is over its share after that has no better.
        for _ in tiers[tier] {
            guard let index = turns[tier].first else { break }
            switch loads.verdict(start + index, request) {
            case .admitted:
                turns[tier].takeFirst()
                return .backend(start + index)
            case .passedOver, .onProbation, .full:
                turns[tier].takeFirst()
            case .tried:
                return pickElsewhere(request, in: tier)
            }
        }
        return leastLoaded(request, in: tier)
    }

    /// It is the turn of one that was tried: that turn stays due, and the next best gets the request.
    /// A retry is rare, so a walk over all will do.
    private func pickElsewhere(_ request: PickRequest, in tier: Int) -> Pick {
        let start = tiers[tier].lowerBound
        let next = turns[tier].take { index in
            if case .admitted = loads.verdict(start + index, request) { true } else { false }
        }
        return next.map { .backend(start + $0) } ?? leastLoaded(request, in: tier)
    }
}
