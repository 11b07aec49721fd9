// ConsistentHash: requests with the same key go to the same backend, and go on doing so when others
// come and go: one more of n backends moves about 1/n of the keys (HashRing.swift).
//
// Its load is bounded (Mirrokni, Thorup, Zadimoghaddam 2016; the bound is that of Loads.swift, a
// quarter above the average): a key that everyone wants, or a backend that hangs, sends the rest
// along the ring, to the same neighbour as long as that one has room. The same goes for retries.

internal import Backends

/// The backend that a request's key belongs to. Worker thread only.
package final class ConsistentHash: Balancer {
    /// Points that are looked at before the least loaded backend gets the request. When three of
    /// four can't take it, one in 2^26 requests gets there.
    private static let pointsMax = 64
    /// What places a backend's points; not `HashKey`'s, so that no client's address has one of
    /// them.
    private static let key = SipHash.Key(0x706F_696E_7473_206F, 0x6620_7468_6520_7269)

    private var rings: [HashRing] = []

    /// A policy without backends.
    package init() {
        super.init(offset: 0)
    }

    override func rebuild(_ rotation: Rotation) {
        rings = rotation.tiers.map { tier in
            HashRing(tier, ofRotationWith: rotation.count) {
                EndpointHash.of($0.endpoint, Self.key)
            }
        }
    }

    override func pick(_ request: PickRequest, in tier: Int) -> Pick {
        let start = tiers[tier].lowerBound
        let index = rings[tier].first(from: request.key, limit: Self.pointsMax) { index in
            loads.verdict(start + index, request) == .admitted
        }
        return index.map { .backend(start + $0) } ?? leastLoaded(request, in: tier)
    }
}
