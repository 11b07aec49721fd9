// Rotation+Building: from backends that may get traffic to tiers with effective weights.

internal import Endpoints

extension Rotation {
    /// A backend that may get traffic, before its tier is known.
    struct Contender: Equatable {
        /// With the weight of SRV, or the operator's.
        let member: Member
        /// How many instances share that weight; 1 or more.
        var sharers: UInt32 = 1
        /// How much of its weight a slow start gives it: 1 to 16, which is all of it.
        let sixteenths: UInt32
    }

    /// How much of a tier there is, whether it may get traffic or not.
    struct Strength {
        /// Backends by tier, without those that drain.
        var totals: [Tier: Int] = [:]
        /// A tier with fewer members than this share of its backends is joined by the next one, in
        /// percent.
        var failoverPercent = 0

        fileprivate func suffices(_ tier: [Contender]) -> Bool {
            guard failoverPercent > 0 else { return true }
            let total = Set(tier.map(\.member.tier)).reduce(0) { $0 + totals[$1, default: 0] }
            return tier.count * 100 >= total * failoverPercent
        }
    }

    /// Groups contenders into tiers, the best first; those of the sources at places that are
    /// `waiting` come behind all others.
    /// - Complexity: O(n log n).
    static func tiers(
        of contenders: [Contender], _ strength: Strength = Strength(), waiting: Set<UInt8> = []
    ) -> [[Member]] {
        let sorted = contenders.sorted {
            ($0.member.tier, $0.member.endpoint) < ($1.member.tier, $1.member.endpoint)
        }
        var tiers: [[Contender]] = []
        for contender in sorted {
            if let last = tiers.last?.first, last.member.tier == contender.member.tier {
                tiers[tiers.count - 1].append(contender)
            } else {
                tiers.append([contender])
            }
        }
        if !waiting.isEmpty {
            let isWaiting = { (tier: [Contender]) in
                tier.first.map { waiting.contains($0.member.tier.place) } ?? false
            }
            tiers = tiers.filter { !isWaiting($0) } + tiers.filter(isWaiting)
        }
        join(&tiers, strength)
        return tiers.map(members)
    }

    /// Lets the best tier be joined by those below it until enough of its backends are there: what
    /// is left of it keeps its share, and does not get all of the traffic. Backends on probation
    /// can't take all of it either.
    private static func join(_ tiers: inout [[Contender]], _ strength: Strength) {
        while tiers.count > 1 {
            let isTrusted = tiers[0].contains { !$0.member.isOnProbation }
            if isTrusted, strength.suffices(tiers[0]) { return }
            tiers[0] += tiers.remove(at: 1)
        }
    }

    /// The members of one tier, with their effective weights.
    ///
    /// Weights are used as they are: 10 to 1 is 10 to 1. Weight 0 means "a very small chance"
    /// beside others, and no preference among its like (RFC 2782): if all of a tier have it, all
    /// get 1; else they get 1 and the positive ones are multiplied by 256, which leaves the ratios
    /// among those exact and fits in 24 bits, since SRV weights have 16.
    ///
    /// A weight that several addresses share is divided among them (`Divisor`).
    ///
    /// A slow start takes its sixteenths of that, or, where weights are not multiplied already, of
    /// 16 times the weight. It only works beside others: where the whole tier starts, no other
    /// backend could take the rest of the traffic. The same is true of probation.
    private static func members(of tier: [Contender]) -> [Member] {
        let hasZero = tier.contains { $0.member.weight == 0 }
        let allZero = tier.allSatisfy { $0.member.weight == 0 }
        let starts = tier.contains { $0.sixteenths < Ramp.full }
        let allStart = tier.allSatisfy { $0.sixteenths < Ramp.full }
        let ramps = starts && !allStart
        let allOnTrial = tier.allSatisfy(\.member.isOnProbation)
        let factor: UInt32 = hasZero && !allZero ? 256 : ramps ? Ramp.full : 1
        let divisor = Divisor(tier, factor: factor)
        return tier.map { contender in
            let member = contender.member
            let weight = allZero ? 1 : member.weight
            // The very small chance of weight 0: 1, where a weight of 1 is 256.
            let whole = divisor.share(max(1, weight * factor), of: contender.sharers)
            let share =
                ramps
                ? UInt32(UInt64(whole) * UInt64(contender.sixteenths) / UInt64(Ramp.full)) : whole
            return member.with(
                weight: max(1, share), isOnProbation: member.isOnProbation && !allOnTrial)
        }
    }
}

extension Rotation {
    /// How the weights of one tier are divided where several instances share one, so that a record
    /// gets its share of the traffic however many addresses its host has.
    ///
    /// Every weight is multiplied by the least common multiple of the numbers of sharers, so that
    /// each division is exact: weights 1 (of one address) and 1 (of four) become 4 and 1, 1, 1, 1.
    /// Beyond a multiple of 5040, or a weight of 24 bits, shares are rounded to the nearest, and
    /// are never less than 1.
    private struct Divisor {
        private static let multipleMax: UInt64 = 5040
        private static let weightMax: UInt64 = 1 << 24

        private let multiple: UInt64
        /// What every share is divided by, for the greatest to keep within 24 bits.
        private let scale: UInt64

        init(_ tier: [Contender], factor: UInt32) {
            var multiple: UInt64 = 1
            for sharers in Set(tier.map(\.sharers)) where sharers > 1 {
                let sharers = UInt64(sharers)
                multiple *= sharers / multiple.greatestCommonDivisor(with: sharers)
                if multiple > Self.multipleMax { break }
            }
            let most = tier.reduce(UInt64(0)) { most, contender in
                max(most, UInt64(contender.member.weight * factor) / UInt64(contender.sharers))
            }
            self.multiple = min(multiple, Self.multipleMax)
            scale = max(1, (most * self.multiple + Self.weightMax - 1) / Self.weightMax)
        }

        func share(_ weight: UInt32, of sharers: UInt32) -> UInt32 {
            guard multiple > 1 else { return weight }
            let divisor = UInt64(sharers) * scale
            return UInt32(max(1, (UInt64(weight) * multiple + divisor / 2) / divisor))
        }
    }
}
