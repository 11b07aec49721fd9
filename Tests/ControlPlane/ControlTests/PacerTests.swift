// Goal: what follows from changes is done at once after the first and once for all that come soon
// after. Method: a loop of its own, turned until the last has been done.

import Events
import Testing

@testable import Control

@Suite struct PacerTests {
    @Test("a thousand changes within the interval are followed twice")
    func paced() {
        let loop = EventLoop()
        var count = 0
        let pacer = Pacer(on: loop) { count += 1 }
        for _ in 0..<1000 { pacer.ask(every: .seconds(3600)) }
        #expect(count == 1, "the first at once")
        pacer.cancel()
        for _ in 0..<1000 { pacer.ask(every: .milliseconds(1)) }
        while count < 2 { loop.runOnce(waiting: true) }
        loop.runOnce(waiting: false)
        #expect(count <= 3)
    }

    @Test("without an interval, and when it is wanted now, each is followed at once")
    func atOnce() {
        let loop = EventLoop()
        var count = 0
        let pacer = Pacer(on: loop) { count += 1 }
        for _ in 0..<5 { pacer.ask(every: .zero) }
        #expect(count == 5)
        pacer.ask(every: .seconds(3600))
        pacer.doNow()
        #expect(count == 6)
    }
}
