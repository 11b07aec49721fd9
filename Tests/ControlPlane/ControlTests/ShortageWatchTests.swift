// Goal: a shortage is reported once when it begins and once when it is over. Method: counts and a
// clock that the test sets.

import Events
import Testing

@testable import Control

@Suite struct ShortageWatchTests {
    @Test("a lasting shortage is reported once, and is over after ten quiet seconds")
    func episode() {
        var watch = ShortageWatch()
        let start = ContinuousClock.now
        var ports = 0
        func look(_ second: Int) -> [ShortageWatch.Change] {
            watch.look(now: start + .seconds(second)) { $0 == .ports ? ports : 0 }
        }
        #expect(look(0).isEmpty)
        ports = 5
        #expect(look(1) == [.began(.ports)])
        #expect(watch.episodes[.ports]?.since == start + .seconds(1))
        ports = 7
        #expect(look(2).isEmpty)
        #expect(look(11).isEmpty)
        #expect(look(12) == [.ended(.ports, after: .seconds(1), failures: 7)])
        #expect(watch.episodes.isEmpty)
        #expect(look(30).isEmpty)
        ports = 8
        #expect(look(31) == [.began(.ports)])
    }

    @Test("two shortages at once are reported separately")
    func two() {
        var watch = ShortageWatch()
        let changes = watch.look(now: .now) { $0 == .memory ? 0 : 1 }
        #expect(changes == [.began(.descriptors), .began(.ports)])
    }
}
