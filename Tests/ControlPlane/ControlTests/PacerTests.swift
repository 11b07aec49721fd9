// Goal: the action follows the first change at once, and then once all those that come soon after.
// Method: a loop of its own, turned until the last action.

import Events
import Testing

@testable import Control

@Suite struct PacerTests {
    @Test("a thousand changes within the interval cause two actions")
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

    @Test("without an interval, and by `doNow`, each change causes an action at once")
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
