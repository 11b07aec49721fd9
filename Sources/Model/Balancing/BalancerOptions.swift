// BalancerOptions: which policy a service has, and what it needs to know.

internal import Random

/// How backends are chosen, by the names that operators write. Any thread.
package enum Policy: String, CaseIterable, Sendable {
    /// In turns by weight, bounded by load.
    case roundRobin = "round-robin"
    /// The less loaded of two at random.
    case randomOfTwo = "random-of-two"
    /// The fewest requests in flight for the weight.
    case leastConnections = "least-connections"
    /// Of two at random, where the answer is likely to come sooner.
    case leastTime = "least-time"
    /// Requests with one key go to one backend.
    case consistentHash = "consistent-hash"
    /// The first that has room.
    case firstFit = "first-fit"
}

/// What one service's backends are chosen by. Value type, any thread.
package struct BalancerOptions: Sendable, Equatable {
    /// How a backend is chosen.
    package var policy: Policy
    /// Whether clients stick to the backend that their cookie names (`Balancer.place(of:)`).
    package var isSticky: Bool
    /// What tokens are made with, if clients stick: the same in all processes that are to
    /// understand each other's, and hard to guess.
    package var secret: UInt64

    /// Round robin, with nobody sticking, unless told otherwise.
    package init(policy: Policy = .roundRobin, isSticky: Bool = false, secret: UInt64 = 0) {
        self.policy = policy
        self.isSticky = isSticky
        self.secret = secret
    }
}

extension Balancer {
    /// A balancer without backends for the worker with this number.
    package static func make(_ options: BalancerOptions, worker: Int) -> Balancer {
        var seeds = SplitMix64()
        let balancer: Balancer =
            switch options.policy {
            case .roundRobin: RoundRobin(offset: worker)
            case .randomOfTwo: RandomOfTwo(seed: seeds.next())
            case .leastConnections: LeastConnections(offset: worker)
            case .leastTime: LeastTime(seed: seeds.next())
            case .consistentHash: ConsistentHash()
            case .firstFit: FirstFit()
            }
        if options.isSticky { balancer.stick(secret: options.secret) }
        return balancer
    }
}
