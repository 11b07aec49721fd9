// Goal: what every policy keeps to: shares by weight, no more than a few requests for a backend
// that hangs, limits, probation, retries elsewhere, and sums that stay right when rotations change.
// Method: the same requests for each policy, with seeded choices.

import Backends
import Balancing
import Random
import Testing

@Suite struct PolicyTests {
    /// Policies that share out by weight. Points on a ring come near it; first-fit does not try.
    static let sharing: [Policy] = [.roundRobin, .randomOfTwo, .leastConnections, .leastTime]

    /// How the requests of a run are spread, each over when so many others have begun after it.
    private func shares(
        _ balancer: Balancer, requests: Int, inFlight: Int, answerTime: UInt64 = 20_000_000
    ) -> [Double] {
        var open: [Int] = []
        var counted = [Int](repeating: 0, count: balancer.loads.count)
        for number in 0..<requests {
            if open.count == inFlight {
                let place = open.removeFirst()
                balancer.ended(place)
                balancer.answered(place, after: answerTime, now: UInt64(number) * 1_000_000)
            }
            guard let place = balancer.begin(key: key(number)) else { continue }
            counted[place] += 1
            open.append(place)
        }
        return counted.map { Double($0) / Double(requests) }
    }

    @Test(
        "shares are within 1 % of weights, one request at a time or many; 2 % where chance decides",
        arguments: sharing, [1, 13, 64])
    func share(policy: Policy, inFlight: Int) {
        let isRandom = policy == .randomOfTwo || policy == .leastTime
        for weights in [[1, 1, 1], [3, 2, 1], [10, 1], [2, 2, 2, 2, 1]] as [[UInt32]] {
            let balancer = balancer(policy)
            balancer.update(to: rotation([weights]))
            let got = shares(balancer, requests: 15_000, inFlight: inFlight)
            for (share, weight) in zip(got, weights) {
                let expected = Double(weight) / Double(weights.reduce(0, +))
                #expect(abs(share - expected) <= (isRandom ? 0.02 : 0.01), "\(weights): \(got)")
            }
        }
    }

    @Test("weights of 1000 to 1 are kept to as well", arguments: sharing, [1, 13])
    func lopsided(policy: Policy, inFlight: Int) {
        let balancer = balancer(policy)
        balancer.update(to: rotation([[1000, 1]]))
        let got = shares(balancer, requests: 60_000, inFlight: inFlight)
        #expect((0.0003...0.003).contains(got[1]), "\(got)")
    }

    @Test(
        "one of three that hangs keeps a few requests, and then gets none",
        arguments: Policy.allCases)
    func hang(policy: Policy) {
        let balancer = balancer(policy)
        balancer.update(to: rotation([[1, 1, 1]]), inFlightMax: policy == .firstFit ? 5 : nil)
        var open: [Int] = []
        var stuck = 0
        // Five requests are under way besides, as at 250 a second that take 20 ms.
        for number in 0..<30_000 {
            guard let place = balancer.begin(key: key(number)) else { continue }
            if place == 0 { stuck += 1 } else { open.append(place) }
            if open.count > 5 {
                let ended = open.removeFirst()
                balancer.ended(ended)
                balancer.answered(ended, after: 20_000_000, now: UInt64(number) * 4_000_000)
            }
        }
        #expect(stuck <= 5, "\(policy): \(stuck)")
        #expect(open.count == 5)
    }

    @Test("a retry goes to each of the others, and then nowhere", arguments: Policy.allCases)
    func retries(policy: Policy) {
        let balancer = balancer(policy)
        balancer.update(to: rotation([[1, 5, 1000], [1]]), inFlightMax: 10)
        for number in 0..<100 {
            var tried = TriedBackends()
            var places: [Int] = []
            while let place = balancer.place(avoiding: tried, key: key(number)) {
                places.append(place)
                tried.insert(balancer.loads.id(place))
            }
            #expect(Set(places.prefix(3)) == [0, 1, 2] && places.count == 4 && places[3] == 3)
        }
    }

    @Test(
        "no backend has more than the limit, and every one has that many",
        arguments: Policy.allCases)
    func limit(policy: Policy) {
        let balancer = balancer(policy)
        balancer.update(to: rotation([[1, 20, 3]]), inFlightMax: 7)
        var places: [Int] = []
        for number in 0..<21 { places.append(balancer.begin(key: key(number)) ?? -1) }
        #expect(counts(places) == [0: 7, 1: 7, 2: 7])
        #expect(balancer.pick(PickRequest()) == .full)
        var request = PickRequest()
        request.tried = TriedBackends(0)
        #expect(balancer.pick(request) == .full)
        request.tried = TriedBackends(0, 1, 2)
        #expect(balancer.pick(request) == .none)
        balancer.ended(2)
        #expect(balancer.begin() == 2)
    }

    @Test(
        "on probation: one that may be repeated at a time, until another rotation says otherwise",
        arguments: Policy.allCases)
    func probation(policy: Policy) {
        let balancer = balancer(policy)
        let members: [UInt32] = [1, 1, 1, 1]
        balancer.update(to: rotation([members], onProbation: [0]), inFlightMax: 100)
        for number in 0..<40 { #expect(balancer.begin(key: key(number), isRepeatable: false) != 0) }
        for number in 0..<80 { _ = balancer.begin(key: key(number)) }
        #expect(balancer.loads.inFlight(0) == 1)
        let before = balancer.loads
        balancer.update(to: rotation([members]), inFlightMax: 100) { before.inFlight($0) }
        for number in 0..<80 { _ = balancer.begin(key: key(number)) }
        #expect(balancer.loads.inFlight(0) > 5)
    }

    @Test(
        "requests begin, end and rotations change: sums hold, and somebody always takes it",
        arguments: Policy.allCases)
    func changes(policy: Policy) {
        var generator = SplitMix64(seed: 5)
        let balancer = balancer(policy)
        var inFlight: [UInt32: Int] = [:]
        for _ in 0..<200 {
            let first = UInt32.random(in: 0..<4, using: &generator)
            let weights = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                UInt32.random(in: 1...300, using: &generator)
            }
            let next = rotation([weights, [1, 2]], firstID: first)
            let ids = next.members.map(\.id.rawValue)
            balancer.update(to: next, inFlightMax: 1000) { inFlight[ids[$0], default: 0] }
            for number in 0..<30 {
                if let place = balancer.begin(key: key(number)) {
                    inFlight[ids[place], default: 0] += 1
                }
                let place = Int.random(in: ids.indices, using: &generator)
                if balancer.loads.inFlight(place) > 0 {
                    balancer.ended(place)
                    inFlight[ids[place], default: 0] -= 1
                }
            }
            for (place, id) in ids.enumerated() {
                #expect(balancer.loads.inFlight(place) == inFlight[id, default: 0])
            }
            #expect(balancer.begin().map { $0 < weights.count } == true)
            balancer.update(to: next, inFlightMax: 1000) { inFlight[ids[$0], default: 0] }
        }
    }

    @Test("nothing to choose from", arguments: Policy.allCases)
    func empty(policy: Policy) {
        let balancer = balancer(policy)
        #expect(balancer.pick(PickRequest()) == .none)
        balancer.update(to: rotation([[1]]))
        #expect(balancer.place() == 0)
        balancer.update(to: rotation([]))
        #expect(balancer.pick(PickRequest()) == .none)
    }

    @Test(
        "ten thousand backends with two requests each, and then a limit", arguments: Policy.allCases
    )
    func many(policy: Policy) {
        let balancer = balancer(policy)
        let all = rotation([[UInt32](repeating: 1, count: 10_000)])
        balancer.update(to: all, inFlightMax: 4)
        var places: [Int] = []
        for number in 0..<20_000 { places.append(balancer.begin(key: key(number)) ?? -1) }
        let most = counts(places).values.max() ?? 0
        #expect(most <= 4)
        #expect(!places.contains(-1))
        if policy == .roundRobin || policy == .leastConnections { #expect(most == 2) }
        for place in places { balancer.ended(place) }
        #expect((0..<10_000).allSatisfy { balancer.loads.inFlight($0) == 0 })
    }
}
