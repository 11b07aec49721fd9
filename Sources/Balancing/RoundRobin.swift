// RoundRobin: smooth weighted round robin over the best tier of a rotation.

package import Backends

/// The default policy: backends of the best priority tier take turns by weight, exactly within one
/// worker; a lower tier is used when every backend of those above it was already tried.
/// Value type; each worker has one per service.
package struct RoundRobin {
    private var rotation: Rotation?
    private var tiers: [WeightedTurns] = []
    private let offset: Int

    /// A policy without backends. Workers pass their number as `offset`, so that each begins with
    /// another backend.
    package init(offset: Int = 0) {
        self.offset = offset
    }

    /// Takes up a new rotation. Backends that stay, with their weight, keep their place in the
    /// order of turns; new ones join as if they had just had their share.
    ///
    /// - Complexity: O(n).
    package mutating func update(to next: Rotation) {
        var progress: [BackendID: WeightedTurns.Progress] = [:]
        if let rotation {
            for (tier, turns) in zip(rotation.tiers, tiers) {
                for (index, member) in turns.progress() { progress[tier[index].id] = member }
            }
        }
        tiers = next.tiers.map { tier in
            WeightedTurns(
                weights: tier.map(\.weight), progress: { progress[tier[$0].id] }, offset: offset)
        }
        rotation = next
    }

    /// The backend whose turn it is, by its place in the rotation's tiers laid end to end; nil when
    /// there is none that was not tried.
    ///
    /// - Complexity: O(log n); O(n) while `tried` holds the one whose turn it would be.
    package mutating func pick(avoiding tried: TriedBackends = TriedBackends()) -> Int? {
        var before = 0
        if tried.count == 0 {
            for tier in tiers.indices {
                if let index = tiers[tier].takeFirst() { return before + index }
                before += tiers[tier].count
            }
            return nil
        }
        guard let rotation else { return nil }
        for tier in tiers.indices {
            let members = rotation.tiers[tier]
            let isAllowed = { (index: Int) in !tried.contains(members[index].id) }
            if let index = tiers[tier].take(isAllowed) { return before + index }
            before += members.count
        }
        return nil
    }
}
