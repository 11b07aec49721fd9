// fairlead-bench-balancing: what it costs to choose a backend, by policy and number of backends.
// One request more begins, on whom the policy says, and the oldest ends; so there are as many
// requests in flight as backends all the time, and every order that a policy keeps is at work.

import Backends
import Balancing
import Endpoints
import Glibc
import Random

@main
enum PickCost {
    private static let sizes = [10, 1_000, 10_000]
    private static let rounds = 5

    static func main() {
        print(
            "ns of processor time for pick, began, answered and ended; the best of \(rounds) rounds"
        )
        print(
            "| policy | \(sizes.map { "\($0) backends" }.joined(separator: " | ")) | new rotation |"
        )
        print("|---|\(sizes.map { _ in "---:|" }.joined())---:|")
        for policy in Policy.allCases {
            let costs = sizes.map { size in
                String((0..<rounds).map { _ in pickNanoseconds(policy, size) }.min() ?? 0)
            }
            let change = (0..<rounds).map { _ in updateMicroseconds(policy) }.min() ?? 0
            print(
                "| \(policy.rawValue) | \(costs.joined(separator: " | ")) | \(change) µs |")
        }
    }

    /// For one request, with as many backends.
    private static func pickNanoseconds(_ policy: Policy, _ size: Int) -> UInt64 {
        let balancer = Balancer.make(BalancerOptions(policy: policy), worker: 0)
        // First-fit is about limits: half of the backends are full.
        balancer.update(to: rotation(size), inFlightMax: policy == .firstFit ? 2 : nil) { _ in 0 }
        var keys = SplitMix64(seed: 1)
        var open: [Int] = []
        for _ in 0..<size { open.append(begin(balancer, &keys)) }
        let requests = 1_000_000
        let start = nanoseconds()
        for request in 0..<requests {
            let place = begin(balancer, &keys)
            let oldest = request % size
            balancer.answered(open[oldest], after: 20_000_000, now: UInt64(request) * 1_000)
            balancer.ended(open[oldest])
            open[oldest] = place
        }
        return (nanoseconds() - start) / UInt64(requests)
    }

    private static func begin(_ balancer: Balancer, _ keys: inout SplitMix64) -> Int {
        var request = PickRequest()
        request.key = keys.next()
        guard case .backend(let place) = balancer.pick(request) else {
            preconditionFailure("there is always a backend with room")
        }
        balancer.began(place)
        return place
    }

    /// For taking up a rotation of 10,000 backends.
    private static func updateMicroseconds(_ policy: Policy) -> UInt64 {
        let balancer = Balancer.make(BalancerOptions(policy: policy), worker: 0)
        let rotation = rotation(10_000)
        balancer.update(to: rotation, inFlightMax: 100) { _ in 0 }
        let start = nanoseconds()
        balancer.update(to: rotation, inFlightMax: 100) { _ in 1 }
        return (nanoseconds() - start) / 1_000
    }

    private static func rotation(_ size: Int) -> Rotation {
        let members = (0..<size).map { index in
            Rotation.Member(
                id: BackendID(rawValue: UInt32(index)),
                endpoint: Endpoint(.v4(0x0A00_0000 + UInt32(index)), 80), weight: 1, priority: 0)
        }
        return Rotation(service: ServiceID(index: 0), generation: 1, tiers: [members])
    }

    /// Of processor time: whatever else the machine does is not in it.
    private static func nanoseconds() -> UInt64 {
        var time = timespec()
        unsafe _ = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
