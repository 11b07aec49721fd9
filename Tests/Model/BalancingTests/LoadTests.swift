// Goal: a backend that keeps what it gets is passed over, limits hold, and nobody is refused who
// could be served. Method: rotations made by hand; requests begin, and end when the test says so.

import Backends
import Balancing
import Endpoints
import Testing

@Suite struct LoadTests {
    private func balancer(
        _ weights: [UInt32], inFlightMax: Int? = nil, onProbation: Set<Int> = []
    ) -> RoundRobin {
        let balancer = RoundRobin()
        balancer.update(to: rotation([weights], onProbation: onProbation), inFlightMax: inFlightMax)
        return balancer
    }

    @Test("one of three that never answers gets four requests while the others have two each")
    func hang() {
        let balancer = balancer([1, 1, 1])
        var open: [Int] = []
        var stuck = 0
        // Five requests are under way at a time, as at 250 a second that take 20 ms.
        for _ in 0..<1000 {
            guard let place = balancer.begin() else { break }
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
            guard let place = balancer.begin() else { break }
            counts[place] += 1
            open.append(place)
            if open.count > 20 { balancer.ended(open.removeFirst()) }
        }
        #expect(abs(counts[0] - 10_000) <= 100)
    }

    @Test("streams cost no turns: requests go to those that hold many as to those that hold none")
    func streams() {
        let balancer = balancer([1, 1, 1])
        for place in [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1] {
            balancer.began(place)
            balancer.becameStream(place)
        }
        var places: [Int] = []
        for _ in 0..<30 { if let place = balancer.place() { places.append(place) } }
        #expect(counts(places) == [0: 10, 1: 10, 2: 10])
    }

    @Test("streams are weighed among streams, and waiting requests do not count there")
    func streamTurns() {
        let balancer = balancer([1, 1, 1])
        for _ in 0..<8 { balancer.began(2) }
        for place in [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] {
            balancer.began(place)
            balancer.becameStream(place)
        }
        var request = PickRequest()
        request.isStream = true
        for _ in 0..<3 {
            #expect(balancer.pick(request) == .backend(2))
            balancer.began(2)
            balancer.becameStream(2)
        }
        // Of what waits, the eight count against it as ever.
        #expect(balancer.pick(PickRequest()) != .backend(2))
        balancer.streamEnded(0)
        balancer.ended(0)
        #expect(balancer.loads.inFlight(0) == 5)
    }

    @Test("what is in flight is carried into the next rotation")
    func carried() {
        let balancer = balancer([1, 1])
        for _ in 0..<6 { _ = balancer.begin() }
        let before = balancer.loads
        balancer.update(to: rotation([[1, 1]]), inFlightMax: nil) { before.inFlight($0) }
        #expect(balancer.loads.inFlight(0) + balancer.loads.inFlight(1) == 6)
    }

    @Test("no backend gets more than the limit, and the pick says so")
    func limit() {
        let balancer = balancer([1, 5], inFlightMax: 2)
        for _ in 0..<4 { #expect(balancer.begin() != nil) }
        #expect(balancer.pick(PickRequest()) == .full)
        balancer.ended(1)
        #expect(balancer.pick(PickRequest()) == .backend(1))
    }

    @Test("a full tier is not left for the next one")
    func fullTier() {
        let balancer = RoundRobin()
        balancer.update(to: rotation([[1], [1]]), inFlightMax: 1)
        #expect(balancer.begin() == 0)
        #expect(balancer.pick(PickRequest()) == .full)
    }

    /// One backend, and behind it one that its source has stopped naming.
    private func balancerWithReserve(isSticky: Bool = false) -> Balancer {
        let tiers = [false, true].enumerated().map { number, isReserve in
            [
                Rotation.Member(
                    id: BackendID(rawValue: UInt32(number)),
                    endpoint: Endpoint(.loopback, UInt16(1 + number)), weight: 1, priority: 0,
                    isReserve: isReserve)
            ]
        }
        let balancer = Balancer.make(
            isSticky ? BalancerOptions(stickyWith: "7") : BalancerOptions(), worker: 0)
        let rotation = Rotation(service: ServiceID(index: 0), generation: 1, tiers: tiers)
        balancer.update(to: rotation, inFlightMax: 1) { _ in 0 }
        return balancer
    }

    @Test("a full tier is left for its reserve, and for nothing else")
    func reserve() {
        let balancer = balancerWithReserve()
        for _ in 0..<3 { #expect(balancer.pick(PickRequest()) == .backend(0)) }
        balancer.began(0)
        #expect(balancer.pick(PickRequest()) == .backend(1))
        balancer.began(1)
        #expect(balancer.pick(PickRequest()) == .full)
        balancer.ended(0)
        #expect(balancer.pick(PickRequest()) == .backend(0))
    }

    @Test("a client that sticks to a reserve goes elsewhere while there is another")
    func stickyReserve() {
        let balancer = balancerWithReserve(isSticky: true)
        let tokens = [1, 2].map { cookieToken(of: Endpoint(.loopback, $0), secret: "7") }
        #expect(balancer.place(of: tokens[0]) == 0)
        #expect(balancer.place(of: tokens[1]) == nil)
    }

    @Test("on probation: one request at a time, and only such as may be repeated")
    func probation() {
        let balancer = balancer([1, 1], onProbation: [0])
        for _ in 0..<10 { #expect(balancer.begin(isRepeatable: false) == 1) }
        var places: [Int] = []
        for _ in 0..<10 {
            if let place = balancer.begin() { places.append(place) }
        }
        #expect(places.count { $0 == 0 } == 1)
    }

    @Test("a call of gRPC is risked on probation as well: none may be repeated")
    func callOnProbation() {
        let balancer = balancer([1, 1], onProbation: [0])
        var call = PickRequest()
        call.isRepeatable = false
        call.isCall = true
        var places: [Pick] = []
        for _ in 0..<10 {
            let pick = balancer.pick(call)
            if case .backend(let place) = pick { balancer.began(place) }
            places.append(pick)
        }
        #expect(places.count { $0 == .backend(0) } == 1)
    }

    @Test("when all are on probation, none is: they share what there is")
    func allOnProbation() {
        let balancer = balancer([1, 1, 1], onProbation: [0, 1, 2])
        let places = (0..<30).compactMap { _ in balancer.begin(isRepeatable: false) }
        #expect(counts(places) == [0: 10, 1: 10, 2: 10])
    }

    @Test("those on probation do not count among the others: what the rest may have is the same")
    func shareBesidesProbation() {
        let balancer = balancer([1, 1, 1, 1], onProbation: [2, 3])
        let places = (0..<22).compactMap { _ in balancer.begin() }
        #expect(counts(places) == [0: 10, 1: 10, 2: 1, 3: 1])
    }

    @Test("when the others are full or tried, several on probation share it by load")
    func probationByLoad() {
        let balancer = balancer([1, 1, 1], onProbation: [1, 2])
        let places = (0..<9).compactMap { _ in balancer.begin(avoiding: TriedBackends(0)) }
        let counted = counts(places)
        #expect(abs((counted[1] ?? 0) - (counted[2] ?? 0)) <= 1)
    }

    @Test("a backend that is alone gets everything, on probation or not")
    func alone() {
        let balancer = balancer([3], onProbation: [0])
        for _ in 0..<100 { #expect(balancer.begin(isRepeatable: false) == 0) }
    }

    @Test("somebody is always within the share", arguments: 1...12)
    func somebody(seed: Int) {
        var generator = SystemRandomNumberGenerator()
        let weights = (0..<seed).map { _ in UInt32.random(in: 1...20, using: &generator) }
        let balancer = balancer(weights)
        for _ in 0..<500 {
            #expect(balancer.begin() != nil)
            let place = Int.random(in: weights.indices, using: &generator)
            if balancer.loads.inFlight(place) > 0 { balancer.ended(place) }
        }
    }
}
