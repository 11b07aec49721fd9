// Goal: more processes count at once and fewer only when they have been fewer for a while, so that
// no moment of a registry's lets through several times as much. Method: lists and failures by a
// clock of the test's own.

import RateLimits
import Testing

@Suite struct ShareCountTests {
    private static let begin = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant {
        Self.begin + .seconds(seconds)
    }

    /// One that believes in `count` since the beginning.
    private func believing(_ count: Int) -> ShareCount {
        var shares = ShareCount()
        let isBelieved = shares.listed(count, hasOwn: true, now: at(0))
        #expect(isBelieved && shares.count == count && shares.nextLook == nil)
        return shares
    }

    @Test("a process knows itself, whether it is listed or not")
    func own() {
        var shares = ShareCount()
        #expect(shares.count == 1)
        for (listed, hasOwn, expected) in [(0, false, 1), (2, false, 3), (3, true, 3)] {
            let isBelieved = shares.listed(listed, hasOwn: hasOwn, now: at(Double(listed)))
            #expect(isBelieved && shares.count == expected && shares.nextLook == nil)
        }
    }

    @Test("more count at once, fewer when they have been fewer for the whole time")
    func damping() {
        var shares = believing(2)
        _ = shares.listed(4, hasOwn: true, now: at(1))
        #expect(shares.count == 4)
        _ = shares.listed(3, hasOwn: true, now: at(2))
        #expect(shares.count == 4 && shares.nextLook == at(12))
        shares.look(now: at(11.9))
        #expect(shares.count == 4)
        shares.look(now: at(12))
        #expect(shares.count == 3 && shares.nextLook == nil)
    }

    @Test("a moment with fewer changes nothing, however often it comes")
    func blip() {
        var shares = believing(4)
        for turn in 0..<20 {
            let second = Double(turn * 9)
            _ = shares.listed(1, hasOwn: true, now: at(second + 1))
            _ = shares.listed(4, hasOwn: true, now: at(second + 9.5))
            #expect(shares.count == 4 && shares.nextLook == nil)
        }
    }

    @Test("of several lists that are shorter the longest counts, and the last one later")
    func steps() {
        var shares = believing(5)
        _ = shares.listed(1, hasOwn: true, now: at(0))
        _ = shares.listed(3, hasOwn: true, now: at(4))
        _ = shares.listed(2, hasOwn: true, now: at(8))
        shares.look(now: at(10))
        #expect(shares.count == 3 && shares.nextLook == at(20))
        shares.look(now: at(20))
        #expect(shares.count == 2 && shares.nextLook == nil)
        // A list that comes late finds what was due.
        shares = believing(3)
        _ = shares.listed(1, hasOwn: true, now: at(0))
        _ = shares.listed(1, hasOwn: true, now: at(99))
        #expect(shares.count == 1)
    }

    @Test("what can't be read, and a list of nobody, leave what was believed")
    func unknown() {
        var shares = believing(4)
        _ = shares.listed(2, hasOwn: true, now: at(0))
        shares.unknown(now: at(5))
        #expect(shares.nextLook == nil)
        shares.look(now: at(1000))
        #expect(shares.count == 4)
        _ = shares.listed(2, hasOwn: true, now: at(1001))
        var isBelieved = shares.listed(0, hasOwn: false, now: at(1002))
        #expect(!isBelieved)
        shares.look(now: at(9999))
        #expect(shares.count == 4 && shares.nextLook == nil)
        // It is over when somebody is listed again.
        isBelieved = shares.listed(1, hasOwn: true, now: at(10_000))
        #expect(isBelieved)
        shares.look(now: at(10_010))
        #expect(shares.count == 1)
    }
}
