// FirstFit: the first backend that has room, in the order of the rotation, which is that of
// endpoints. Load stays on as few backends as can bear it, and the others may be stopped: for
// applications that are paid for by the instance, or whose caches are best kept warm in few places.
//
// A limit of requests in flight says what a backend can bear; without one the first gets
// everything, so the configuration asks for it. One that hangs fills up to its limit and costs no
// more than that.
//
// Who has room is a bit each: 10,000 backends are 157 words, and one word is looked at a step.

internal import Backends

/// The first backend with room. Worker thread only.
package final class FirstFit: Balancer {
    /// Bits of the places that can take more, 64 to a word, each tier from a word of its own.
    private var rooms: [UInt64] = []
    /// The first word of each tier.
    private var starts: [Int] = []

    /// A policy without backends.
    package init() {
        super.init(offset: 0)
    }

    override func rebuild(_ rotation: Rotation) {
        starts = []
        var count = 0
        for tier in tiers {
            starts.append(count)
            count += (tier.count + 63) / 64
        }
        starts.append(count)
        rooms = Array(repeating: 0, count: count)
        for place in 0..<loads.count { loadChanged(place) }
    }

    override func loadChanged(_ place: Int) {
        let tier = loads.tier(place)
        let index = place - tiers[tier].lowerBound
        let bit: UInt64 = 1 << UInt64(index % 64)
        if loads.canTakeMore(place) {
            rooms[starts[tier] + index / 64] |= bit
        } else {
            rooms[starts[tier] + index / 64] &= ~bit
        }
    }

    override func pick(_ request: PickRequest, in tier: Int) -> Pick {
        for word in starts[tier]..<starts[tier + 1] {
            var left = rooms[word]
            while left != 0 {
                let index = (word - starts[tier]) * 64 + left.trailingZeroBitCount
                let place = tiers[tier].lowerBound + index
                switch loads.verdict(place, request) {
                // More than its share is what this policy is for.
                case .admitted, .passedOver: return .backend(place)
                case .onProbation, .full, .tried: left &= left - 1
                }
            }
        }
        return leastLoaded(request, in: tier)
    }
}
