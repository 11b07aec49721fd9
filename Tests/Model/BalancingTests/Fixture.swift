// What the tests of all policies share: rotations made by hand, and requests that begin and end.

import Backends
import Balancing
import Endpoints

/// A rotation whose tiers hold backends of the given weights, numbered from `firstID` on; their
/// ports are these numbers plus one.
func rotation(
    _ tiers: [[UInt32]], firstID: UInt32 = 0, onProbation: Set<Int> = []
) -> Rotation {
    var id = firstID
    let tiers = tiers.enumerated().map { priority, weights in
        weights.map { weight in
            defer { id += 1 }
            return Rotation.Member(
                id: BackendID(rawValue: id), endpoint: Endpoint(.loopback, UInt16(id + 1)),
                weight: weight, priority: UInt16(priority),
                isOnProbation: onProbation.contains(Int(id)))
        }
    }
    return Rotation(service: ServiceID(index: 0), generation: 1, tiers: tiers)
}

/// A balancer whose choices are the same in every run.
func balancer(_ policy: Policy, worker: Int = 0) -> Balancer {
    switch policy {
    case .randomOfTwo: RandomOfTwo(seed: UInt64(worker) + 1)
    case .leastTime: LeastTime(seed: UInt64(worker) + 1)
    default: Balancer.make(BalancerOptions(policy: policy), worker: worker)
    }
}

extension Balancer {
    /// Takes up a rotation in which nothing is in flight.
    func update(to rotation: Rotation, inFlightMax: Int? = nil) {
        update(to: rotation, inFlightMax: inFlightMax) { _ in 0 }
    }

    /// Begins a request; nil when nobody takes it.
    func begin(
        avoiding tried: TriedBackends = TriedBackends(), key: UInt64 = 0, isRepeatable: Bool = true
    ) -> Int? {
        var request = PickRequest()
        request.tried = tried
        request.key = key
        request.isRepeatable = isRepeatable
        guard case .backend(let place) = pick(request) else { return nil }
        began(place)
        return place
    }

    /// Where a request goes that is over at once; nil for nowhere.
    func place(avoiding tried: TriedBackends = TriedBackends(), key: UInt64 = 0) -> Int? {
        guard let place = begin(avoiding: tried, key: key) else { return nil }
        ended(place)
        return place
    }
}

extension TriedBackends {
    /// The backends with these numbers.
    init(_ ids: UInt32...) {
        self.init()
        for id in ids { insert(BackendID(rawValue: id)) }
    }
}

/// A key for the request with this number, as good as `HashKey.of` makes them and quicker.
func key(_ number: Int) -> UInt64 {
    UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15
}

/// How often each place was chosen.
func counts(_ places: [Int]) -> [Int: Int] {
    places.reduce(into: [:]) { $0[$1, default: 0] += 1 }
}

extension BalancerOptions {
    /// Round robin among clients that stick, with tokens made with this secret.
    init(stickyWith secret: String) {
        self.init()
        sticky.cookie = "any"
        sticky.secret = secret
    }
}

/// What stands for a backend in the cookie of a service with this secret.
func cookieToken(of endpoint: Endpoint, secret: String) -> UInt64 {
    Balancer.token(of: endpoint, secret: BalancerOptions(stickyWith: secret).sticky.seed)
}
