// TierTurns: the turns of each tier of a rotation, carried over from one rotation to the next.

internal import Backends

/// Turns by tier. Value type.
struct TierTurns {
    private var rotation: Rotation?
    private var tiers: [WeightedTurns] = []

    /// Backends that stay keep their place in the order of turns, by the fraction of a turn if they
    /// have another weight; new ones join as if they had just had their share.
    mutating func update(to next: Rotation, offset: Int) {
        var progress: [BackendID: WeightedTurns.Progress] = [:]
        if let rotation {
            progress.reserveCapacity(rotation.count)
            for (tier, turns) in zip(rotation.tiers, tiers) {
                for (member, known) in zip(tier, turns.progress()) { progress[member.id] = known }
            }
        }
        tiers = next.tiers.map { tier in
            WeightedTurns(
                weights: tier.map(\.weight), progress: { progress[tier[$0].id] }, offset: offset)
        }
        rotation = next
    }

    // Each pick asks these, which read where the turns are: to lend out those of a tier counts
    // references to them.

    /// The member of `tier` whose turn it is; nil when there are none.
    func first(in tier: Int) -> Int? { tiers[tier].first }

    /// Takes the turn of the member of `tier` whose turn it is.
    ///
    /// - Precondition: there is one.
    mutating func pickFirst(in tier: Int) { tiers[tier].pickFirst() }

    /// The turns of one tier.
    subscript(tier: Int) -> WeightedTurns {
        _read { yield tiers[tier] }
        _modify { yield &tiers[tier] }
    }
}
