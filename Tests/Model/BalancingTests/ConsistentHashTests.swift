// Goal: keys stay where they are when backends come and go, everywhere and after restarts, and a
// backend that has too much sends the rest to its neighbours.
// Method: the places of many keys, under one rotation and under another.

import Backends
import Balancing
import Endpoints
import Testing

@Suite struct ConsistentHashTests {
    /// The endpoint of each key, by number.
    private func endpoints(_ rotation: Rotation, keys: Int) -> [Endpoint] {
        let balancer = ConsistentHash()
        balancer.update(to: rotation)
        let members = Array(rotation.members)
        return (0..<keys).compactMap { number in
            balancer.place(key: key(number)).map { members[$0].endpoint }
        }
    }

    private func moved(_ left: [Endpoint], _ right: [Endpoint]) -> Double {
        let moved = zip(left, right).count { $0 != $1 }
        return Double(moved) / Double(left.count)
    }

    @Test(
        "one more of n takes about 1/n of the keys, and nothing else moves", arguments: [3, 10, 50])
    func adding(count: Int) {
        let (left, right) = addingOne(to: count)
        let share = moved(left, right) * Double(count + 1)
        #expect((0.75...1.3).contains(share), "\(share) times its share")
        let newcomer = Endpoint(.loopback, UInt16(count + 1))
        for (before, after) in zip(left, right) { #expect(before == after || after == newcomer) }
    }

    @Test("among so many that the ring is full, all give up some points for one more: 2/n move")
    func addingToMany() {
        let (left, right) = addingOne(to: 300)
        #expect(moved(left, right) * 301 < 2.5)
    }

    private func addingOne(to count: Int) -> ([Endpoint], [Endpoint]) {
        let before = rotation([[UInt32](repeating: 1, count: count)])
        let after = rotation([[UInt32](repeating: 1, count: count + 1)])
        return (endpoints(before, keys: 10_000), endpoints(after, keys: 10_000))
    }

    @Test("one that leaves gives its keys to many, and takes none from others")
    func removing() {
        let weights = [UInt32](repeating: 1, count: 10)
        let left = endpoints(rotation([weights]), keys: 10_000)
        let right = endpoints(rotation([Array(weights.dropLast())]), keys: 10_000)
        let gone = Endpoint(.loopback, 10)
        var heirs: Set<Endpoint> = []
        for (before, after) in zip(left, right) {
            if before == gone { heirs.insert(after) } else { #expect(before == after) }
        }
        #expect(heirs.count == 9)
    }

    @Test("the number of a backend in this process does not matter")
    func stable() {
        let members = (0..<5).map { index in
            Rotation.Member(
                id: BackendID(rawValue: UInt32(90 - index)),
                endpoint: Endpoint(.loopback, UInt16(index + 1)), weight: 1, priority: 0)
        }
        let renamed = Rotation(service: ServiceID(index: 7), generation: 4, tiers: [members])
        let weights = [UInt32](repeating: 1, count: 5)
        #expect(
            endpoints(renamed, keys: 1000) == endpoints(rotation([weights]), keys: 1000))
        // The same forever: these were noted when the policy was written.
        let ports = endpoints(renamed, keys: 12).map(\.port)
        #expect(ports == [5, 1, 5, 3, 1, 4, 5, 4, 4, 4, 3, 4])
    }

    @Test("shares are near the weights")
    func shares() {
        let balancer = ConsistentHash()
        balancer.update(to: rotation([[4, 2, 1, 1]]))
        let counted = counts((0..<20_000).compactMap { balancer.place(key: key($0)) })
        for (place, share) in [0.5, 0.25, 0.125, 0.125].enumerated() {
            #expect(abs(Double(counted[place] ?? 0) / 20_000 - share) <= 0.02)
        }
    }

    @Test("a key that everyone wants does not drown its backend: a quarter above average, and on")
    func bounded() {
        let balancer = ConsistentHash()
        balancer.update(to: rotation([[UInt32](repeating: 1, count: 8)]))
        for _ in 0..<800 { _ = balancer.begin(key: 42) }
        for place in 0..<8 { #expect(balancer.loads.inFlight(place) <= 127) }
    }

    @Test("when its backend hangs, a key goes to one other, not to all")
    func overflow() {
        let balancer = ConsistentHash()
        balancer.update(to: rotation([[UInt32](repeating: 1, count: 8)]))
        let home = balancer.place(key: 42)
        for _ in 0..<40 { if let home { balancer.began(home) } }
        let places = Set((0..<50).compactMap { _ in balancer.place(key: 42) })
        #expect(places.count == 1 && places.first != home)
    }

    @Test("ten thousand backends all have keys")
    func many() {
        let balancer = ConsistentHash()
        balancer.update(to: rotation([[UInt32](repeating: 1, count: 10_000)]))
        let counted = counts((0..<40_000).compactMap { balancer.place(key: key($0)) })
        #expect(counted.count > 9_500)
        #expect((counted.values.max() ?? 0) < 25)
    }
}
