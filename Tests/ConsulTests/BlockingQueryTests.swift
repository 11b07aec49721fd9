// Goal: a blocking query is never a hot loop, whatever an agent answers, and never waits on an index
// that will not come. Method: the pure schedule, told answers at made-up times.

import Consul
import TestSupport
import Testing

@Suite struct BlockingQueryTests {
    private let start = ContinuousClock.now

    @Test(
        "an index is a number above 0, and anything else is taken for 1",
        arguments: [
            ("7", 7), ("1", 1), ("0", 1), (nil, 1), ("", 1), ("-3", 1), ("1.5", 1), ("x", 1),
            ("18446744073709551615", UInt64.max), ("18446744073709551616", 1),
        ] as [(String?, UInt64)])
    func indexes(field: String?, expected: UInt64) {
        #expect(BlockingQuery.index(of: field) == expected)
    }
}
