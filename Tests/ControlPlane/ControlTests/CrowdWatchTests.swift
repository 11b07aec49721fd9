// Goal: memory is released once when a crowd is gone, and not while clients come and go. Method:
// counts that the test sets.

import Testing

@testable import Control

@Suite struct CrowdWatchTests {
    /// Looks at each of `counts`; the numbers of the looks at which a crowd was gone.
    private func looks(_ counts: [Int]) -> [Int] {
        var watch = CrowdWatch()
        return counts.indices.filter { watch.look(open: counts[$0]) }
    }

    @Test("a crowd that is gone for ten looks is noticed once")
    func once() {
        #expect(looks([50, 9_000] + Array(repeating: 40, count: 60)) == [11])
        // Each half of it, where it goes little by little.
        let less = [8_000, 3_000, 900].flatMap { Array(repeating: $0, count: 20) }
        #expect(looks(less) == [29, 49])
    }

    @Test("those who come back, and those who are few, are none")
    func none() {
        let turns = Array(repeating: Array(repeating: 0, count: 9) + [5_000], count: 20)
        #expect(looks(turns.flatMap(\.self)).isEmpty)
        #expect(looks([999] + Array(repeating: 0, count: 60)).isEmpty)
        #expect(looks([9_000] + Array(repeating: 4_501, count: 60)).isEmpty)
    }
}
