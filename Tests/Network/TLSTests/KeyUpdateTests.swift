// Goal: a peer may change its keys as peers do, and not without end. Method: changes at times that
// the test names; what OpenSSL takes of them is tried in Flow's TLSFloodTests.

import Testing

@testable import TLS

@Suite struct KeyUpdateTests {
    private let start = ContinuousClock.now

    /// How many of `count` changes at `seconds` after the start are taken.
    private func taken(_ budget: inout KeyUpdateBudget, _ count: Int, at seconds: Double) -> Int {
        var taken = 0
        for _ in 0..<count where budget.take(at: start + .seconds(seconds)) { taken += 1 }
        return taken
    }

    @Test func `32 changes at once are taken, and one more for each second`() {
        var budget = KeyUpdateBudget()
        #expect(taken(&budget, 100, at: 0) == 32)
        #expect(taken(&budget, 1, at: 0.999) == 0)
        #expect(taken(&budget, 5, at: 1) == 1)
        #expect(taken(&budget, 5, at: 3) == 2)
    }

    @Test func `no more than 32 are saved up, and one each second goes on for good`() {
        var budget = KeyUpdateBudget()
        var count = 0
        for second in 0..<10_000 { count += taken(&budget, 1, at: Double(second)) }
        #expect(count == 10_000)
        #expect(taken(&budget, 100, at: 20_000) == 32)
    }
}
