// Goal: a backend that keeps what it gets is passed over, limits hold, and nobody is refused who could
// be served.
// Method: rotations made by hand; requests begin, and end when the test says so.

import Backends
import Balancing
import Endpoints
import Testing

@Suite struct LoadTests {
    private func rotation(
        _ weights: [UInt32], onProbation: Set<Int> = []
    ) -> Rotation {
        let members = weights.enumerated().map { index, weight in
            Rotation.Member(
                id: BackendID(rawValue: UInt32(index)),
                endpoint: Endpoint(.loopback, UInt16(index + 1)), weight: weight, priority: 0,
                isOnProbation: onProbation.contains(index))
        }
        return Rotation(service: ServiceID(index: 0), generation: 1, tiers: [members])
    }

    private func balancer(
        _ weights: [UInt32], inFlightMax: Int? = nil, onProbation: Set<Int> = []
    ) -> RoundRobin {
        let balancer = RoundRobin()
        balancer.update(
            to: rotation(weights, onProbation: onProbation), inFlightMax: inFlightMax
        ) { _ in 0 }
        return balancer
    }

    /// Begins a request; nil when nobody takes it.
    private func begin(_ balancer: Balancer, isRepeatable: Bool = true) -> Int? {
        var request = PickRequest()
        request.isRepeatable = isRepeatable
        guard case .backend(let place) = balancer.pick(request) else { return nil }
        balancer.began(place)
        return place
    }

    @Test("one of three that never answers gets four requests while the others have two each")
    func hang() {
        let balancer = balancer([1, 1, 1])
        var open: [Int] = []
        var stuck = 0
        // Five requests are under way at a time, as at 250 a second that take 20 ms.
        for _ in 0..<1000 {
            guard let place = begin(balancer) else { break }
            if place == 0 { stuck += 1 } else { open.append(place) }
            while open.count > 4 { balancer.ended(open.removeFirst()) }
        }
        #expect(stuck <= 4)
        #expect(open.count == 4)
    }

    @Test("weights are kept to while requests are under way, as long as all answer alike")
    func weights() {
        let balancer = balancer([10, 1])
        var open: [Int] = []
        var counts = [0, 0]
        for _ in 0..<11_000 {
            guard let place = begin(balancer) else { break }
            counts[place] += 1
            open.append(place)
            if open.count > 20 { balancer.ended(open.removeFirst()) }
        }
        #expect(abs(counts[0] - 10_000) <= 100)
    }

    @Test("what is in flight is carried into the next rotation")
    func carried() {
        let balancer = balancer([1, 1])
        for _ in 0..<6 { _ = begin(balancer) }
        let before = balancer.loads
        balancer.update(to: rotation([1, 1]), inFlightMax: nil) { before.inFlight($0) }
        #expect(balancer.loads.inFlight(0) + balancer.loads.inFlight(1) == 6)
    }

    @Test("nobody gets more than the limit, and the pick says so")
    func limit() {
        let balancer = balancer([1, 5], inFlightMax: 2)
        for _ in 0..<4 { #expect(begin(balancer) != nil) }
        #expect(balancer.pick(PickRequest()) == .full)
        balancer.ended(1)
        #expect(balancer.pick(PickRequest()) == .backend(1))
    }

    @Test("a full tier is not left for the next one")
    func fullTier() {
        let members = (0..<2).map { index in
            Rotation.Member(
                id: BackendID(rawValue: UInt32(index)),
                endpoint: Endpoint(.loopback, UInt16(index + 1)), weight: 1,
                priority: UInt16(index))
        }
        let balancer = RoundRobin()
        balancer.update(
            to: Rotation(
                service: ServiceID(index: 0), generation: 1, tiers: members.map { [$0] }),
            inFlightMax: 1
        ) { _ in 0 }
        #expect(begin(balancer) == 0)
        #expect(balancer.pick(PickRequest()) == .full)
    }

    @Test("on probation: one request at a time, and only such as may be repeated")
    func probation() {
        let balancer = balancer([1, 1], onProbation: [0])
        for _ in 0..<10 { #expect(begin(balancer, isRepeatable: false) == 1) }
        var places: [Int] = []
        for _ in 0..<10 {
            if let place = begin(balancer) { places.append(place) }
        }
        #expect(places.count { $0 == 0 } == 1)
    }

    @Test("whoever is alone gets everything, on probation or not")
    func alone() {
        let balancer = balancer([3], onProbation: [0])
        for _ in 0..<100 { #expect(begin(balancer, isRepeatable: false) == 0) }
    }

    @Test("somebody is always within the share", arguments: 1...12)
    func somebody(seed: Int) {
        var generator = SystemRandomNumberGenerator()
        let weights = (0..<seed).map { _ in UInt32.random(in: 1...20, using: &generator) }
        let balancer = balancer(weights)
        for _ in 0..<500 {
            #expect(begin(balancer) != nil)
            let place = Int.random(in: weights.indices, using: &generator)
            if balancer.loads.inFlight(place) > 0 { balancer.ended(place) }
        }
    }
}
