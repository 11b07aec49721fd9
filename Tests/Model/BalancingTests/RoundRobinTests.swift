// Goal: shares are exact, smooth, stable across rotations, and retries go elsewhere.
// Method: rotations made by hand, picks counted.

import Backends
import Balancing
import Testing

@Suite struct RoundRobinTests {
    private func picks(_ policy: RoundRobin, _ count: Int) -> [Int] {
        (0..<count).compactMap { _ in policy.place() }
    }

    @Test("equal weights go round in order")
    func equal() {
        let policy = RoundRobin()
        policy.update(to: rotation([[1, 1, 1]]))
        #expect(picks(policy, 7) == [0, 1, 2, 0, 1, 2, 0])
    }

    @Test("turns go on in their order when all weights change alike, as 100/n at each scale")
    func rescaled() {
        let policy = RoundRobin()
        policy.update(to: rotation([[33, 33, 33]]))
        #expect(picks(policy, 4) == [0, 1, 2, 0])
        policy.update(to: rotation([[20, 20, 20]]))
        #expect(picks(policy, 4) == [1, 2, 0, 1])
        policy.update(to: rotation([[25, 25, 25, 25]]))
        let counted = counts(picks(policy, 40))
        #expect(counted == [0: 10, 1: 10, 2: 10, 3: 10])
        policy.update(to: rotation([[33, 33, 33]]))
        let first = picks(policy, 3)
        #expect(Set(first) == [0, 1, 2])
        policy.update(to: rotation([[50, 50, 50]]))
        #expect(picks(policy, 3) == first)
    }

    @Test("workers begin with different backends")
    func offsets() {
        let first = (0..<3).map { worker in
            let policy = RoundRobin(offset: worker)
            policy.update(to: rotation([[1, 1, 1]]))
            return picks(policy, 1)
        }
        #expect(Set(first).count == 3)
    }

    @Test(
        "over a whole period shares are exactly the weights",
        arguments: [
            [3, 2, 1], [10, 1], [1, 1], [7], [65535, 1], [65535 * 256, 256, 1], [5, 0 + 5, 3, 13],
        ] as [[UInt32]])
    func exact(weights: [UInt32]) {
        let policy = RoundRobin()
        policy.update(to: rotation([weights]))
        let period = min(Int(weights.reduce(0, +)), 200_000)
        guard period == Int(weights.reduce(0, +)) else {
            // A period too long to walk: the share so far is within one turn of exact.
            let counted = counts(picks(policy, period))
            for (index, weight) in weights.enumerated() {
                let share = Double(period) * Double(weight) / Double(weights.reduce(0, +))
                #expect(abs(Double(counted[index] ?? 0) - share) <= 1)
            }
            return
        }
        for _ in 0..<3 {
            let counted = counts(picks(policy, period))
            for (index, weight) in weights.enumerated() { #expect(counted[index] == Int(weight)) }
        }
    }

    @Test("heavy backends are spread over the period, not served in a row")
    func smooth() {
        let policy = RoundRobin()
        policy.update(to: rotation([[5, 1, 1]]))
        #expect(picks(policy, 7) == [0, 0, 0, 1, 2, 0, 0])
    }

    @Test("only the best tier gets traffic, and a retry falls through to the next")
    func tiers() {
        let policy = RoundRobin()
        let two = rotation([[1, 1], [1]])
        policy.update(to: two)
        #expect(Set(picks(policy, 10)) == [0, 1])
        var tried = TriedBackends()
        tried.insert(BackendID(rawValue: 0))
        #expect(policy.place(avoiding: tried) == 1)
        tried.insert(BackendID(rawValue: 1))
        #expect(policy.place(avoiding: tried) == 2)
        tried.insert(BackendID(rawValue: 2))
        #expect(policy.place(avoiding: tried) == nil)
    }

    @Test("a retry does not cost the backend it avoided its turn")
    func retryKeepsTurns() {
        let policy = RoundRobin()
        policy.update(to: rotation([[1, 1, 1]]))
        var tried = TriedBackends()
        tried.insert(BackendID(rawValue: 0))
        #expect(policy.place(avoiding: tried) == 1)
        #expect(picks(policy, 2) == [0, 2])
    }

    @Test("a new rotation with the same members changes nothing in the order of turns")
    func carryOver() {
        let steady = RoundRobin()
        let updated = RoundRobin()
        steady.update(to: rotation([[3, 2, 1]]))
        updated.update(to: rotation([[3, 2, 1]]))
        var expected: [Int] = []
        var got: [Int] = []
        for _ in 0..<30 {
            expected += picks(steady, 1)
            got += picks(updated, 1)
            updated.update(to: rotation([[3, 2, 1]]))
        }
        #expect(got == expected)
    }

    @Test("a backend that joins gets its share from then on, not a burst")
    func joining() {
        let policy = RoundRobin()
        policy.update(to: rotation([[1, 1]]))
        _ = picks(policy, 1001)
        policy.update(to: rotation([[1, 1, 1]]))
        let counted = counts(picks(policy, 30))
        for index in 0..<3 { #expect(abs((counted[index] ?? 0) - 10) <= 1) }
    }

    @Test("weights that all change every few turns cost no backend a turn, and give none a burst")
    func changingWeights() {
        let policy = RoundRobin()
        // As in a slow start: two have their whole weight, the third has more of it each time.
        var expected = [0.0, 0.0, 0.0]
        var got = [0, 0, 0]
        for step in 1...256 {
            let weights: [UInt32] = [256, 256, UInt32(step)]
            policy.update(to: rotation([weights]))
            let sum = weights.reduce(0, +)
            for place in picks(policy, 7) {
                got[place] += 1
                for index in weights.indices {
                    expected[index] += Double(weights[index]) / Double(sum)
                }
                for index in weights.indices {
                    #expect(abs(Double(got[index]) - expected[index]) < 2)
                }
            }
        }
    }

    @Test("when all weights are multiplied, the order of turns goes on")
    func multipliedWeights() {
        let changing = RoundRobin()
        changing.update(to: rotation([[3, 2, 1]]))
        var counted = [0, 0, 0]
        for turn in 1...120 {
            changing.update(to: rotation([turn % 2 == 0 ? [3, 2, 1] : [768, 512, 256]]))
            for place in picks(changing, 1) { counted[place] += 1 }
        }
        #expect(counted == [60, 40, 20])
    }

    @Test(
        "neighbours fail together, so of three turns in a row one goes elsewhere",
        arguments: [12, 30, 1000])
    func neighbours(count: Int) {
        let policy = RoundRobin()
        policy.update(to: rotation([[UInt32](repeating: 1, count: count)]))
        // A third of them, next to each other, are dead.
        let dead = 0..<count / 3
        for _ in 0..<count {
            let tries = picks(policy, 3)
            guard tries.allSatisfy(dead.contains) else { continue }
            Issue.record("\(tries) are all dead")
            break
        }
    }

    @Test("many that join come after those who have waited for their turn")
    func joiningMany() {
        let policy = RoundRobin()
        policy.update(to: rotation([[1, 1, 1]], firstID: 100))
        _ = picks(policy, 3 * 7)
        // Their places are the last three: the new ones have lower numbers.
        policy.update(to: rotation([[UInt32](repeating: 1, count: 103)]))
        #expect(Set(picks(policy, 3)) == [100, 101, 102])
        #expect(Set(picks(policy, 100)).count == 100)
    }

    @Test("ten thousand backends each get one turn a round")
    func many() {
        let policy = RoundRobin()
        policy.update(to: rotation([[UInt32](repeating: 1, count: 10_000)]))
        #expect(Set(picks(policy, 10_000)).count == 10_000)
    }

    @Test("no rotation, or an empty one, has no turn to give")
    func empty() {
        let policy = RoundRobin()
        #expect(policy.place() == nil)
        policy.update(to: rotation([[1]]))
        policy.update(to: rotation([]))
        #expect(policy.place() == nil)
    }
}
