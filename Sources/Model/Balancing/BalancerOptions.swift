// BalancerOptions: which policy a service has, and which requests belong together.

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
    /// What `Policy.consistentHash` makes its hash of.
    package var hashBy = HashBy.client
    /// Whether clients stay with a backend.
    package var sticky = Sticky()

    /// A policy by which no client sticks; the default one unless told otherwise.
    package init(policy: Policy = .roundRobin) {
        self.policy = policy
    }

    /// What makes requests belong together.
    package enum HashBy: Sendable, Hashable {
        /// The client's address.
        case client
        /// The path, without query; HTTP only.
        case path
        /// The value of the field of this name, in any letter case; requests without it are spread.
        /// HTTP only.
        case header(String)
        /// The value of the cookie of this name; requests without it are spread. HTTP only.
        case cookie(String)
    }

    /// Whether a client stays with the backend that answered it first.
    package struct Sticky: Sendable, Equatable {
        /// The name of the cookie that remembers (`Balancer.place(of:)`); nil for none.
        package var cookie: String?
        /// Makes it impossible to tell from the cookie which backend it is; the same in all
        /// processes that are to understand each other's. Nil hides nothing.
        package var secret: String?

        /// No client sticks.
        package init() {}

        /// What tokens are made with; the same in every process with the same secret.
        package var seed: UInt64 { HashKey.of(Array((secret ?? "").utf8).span) }
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
        if options.sticky.cookie != nil { balancer.stick(secret: options.sticky.seed) }
        return balancer
    }
}
