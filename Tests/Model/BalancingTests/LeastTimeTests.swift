// Goal: requests go where they are answered soon; a backend that was slow is tried again, and a new
// one is neither flooded nor shunned. Method: answers that take as long as the test says, on a
// clock that the test sets.

import Backends
import Balancing
import Testing

@Suite struct LeastTimeTests {
    private static let millisecond: UInt64 = 1_000_000

    /// Spreads requests, one every so many milliseconds, each answered before the next begins.
    private func spread(
        _ balancer: LeastTime, _ requests: Int, from start: UInt64,
        everyMilliseconds step: UInt64 = 4,
        milliseconds: [UInt64]
    ) -> [Int: Int] {
        var places: [Int] = []
        for number in 0..<requests {
            guard let place = balancer.place() else { continue }
            places.append(place)
            let now = (start + UInt64(number) * step) * Self.millisecond
            balancer.answered(place, after: milliseconds[place] * Self.millisecond, now: now)
        }
        return counts(places)
    }

    @Test("one that answers slowly gets little, until it is quick again")
    func slow() {
        let balancer = LeastTime(seed: 3)
        balancer.update(to: rotation([[1, 1, 1]]))
        let slow = spread(balancer, 5_000, from: 0, milliseconds: [700, 20, 20])
        #expect((slow[0] ?? 0) < 50)
        #expect(abs((slow[1] ?? 0) - (slow[2] ?? 0)) < 300)
        // What was noted wears off: by the end of a minute its share is as before.
        _ = spread(balancer, 15_000, from: 20_000, milliseconds: [20, 20, 20])
        let quick = spread(balancer, 6_000, from: 80_000, milliseconds: [20, 20, 20])
        #expect(abs((quick[0] ?? 0) - 2_000) < 200)
    }

    @Test("a little quicker is no better: shares stay by weight")
    func margin() {
        let balancer = LeastTime(seed: 3)
        balancer.update(to: rotation([[2, 1, 1]]))
        let counted = spread(balancer, 20_000, from: 0, milliseconds: [21, 20, 19])
        #expect(abs((counted[0] ?? 0) - 10_000) < 300)
        #expect(abs((counted[1] ?? 0) - 5_000) < 300)
    }

    @Test("a new backend has the mean of the others: no flood, no shunning")
    func newcomer() {
        let balancer = LeastTime(seed: 3)
        balancer.update(to: rotation([[1, 1]]))
        _ = spread(balancer, 1_000, from: 0, milliseconds: [20, 20])
        balancer.update(to: rotation([[1, 1, 1]]))
        var places: [Int] = []
        // Nothing is answered for a while: only what was known before counts.
        for _ in 0..<3_000 {
            if let place = balancer.place() { places.append(place) }
        }
        #expect(abs((counts(places)[2] ?? 0) - 1_000) < 150)
    }

    @Test("what is known of a backend is kept from rotation to rotation, by its number")
    func carried() {
        let balancer = LeastTime(seed: 3)
        balancer.update(to: rotation([[1, 1, 1]]))
        _ = spread(balancer, 1_000, from: 0, milliseconds: [20, 20, 700])
        // The first one left, so that all have another place.
        balancer.update(to: rotation([[1, 1]], firstID: 1))
        let counted = counts((0..<1_000).compactMap { _ in balancer.place() })
        #expect((counted[1] ?? 0) < 20)
    }
}
