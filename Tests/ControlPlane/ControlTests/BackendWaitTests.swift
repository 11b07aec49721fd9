// Goal: an action that waits for backends is done once, as soon as there are some, and late rather
// than never. Method: the test turns the loop, and says when the wait is over.

import Events
import TestSupport
import Testing

@testable import Control

@Suite struct BackendWaitTests {
    /// A wait, with a loop that the test turns.
    private final class Fixture {
        let loop = EventLoop()
        var isOver = false
        /// How often what waits was done.
        var done = 0
        private(set) var wait: BackendWait?

        init() {
            wait = BackendWait(
                on: loop, until: { [unowned self] in isOver }, { [unowned self] in done += 1 })
        }

        /// Turns the loop until `condition` holds.
        func turn(until condition: () -> Bool) throws {
            var isLate = false
            let timer = Timer(on: loop) { isLate = true }
            timer.schedule(after: safetyLimit)
            while !condition(), !isLate { loop.runOnce(waiting: true) }
            timer.cancel()
            try #require(condition())
        }
    }

    @Test("a look ends the wait only when it is over")
    func look() throws {
        let fixture = Fixture()
        let wait = try #require(fixture.wait)
        fixture.isOver = true
        wait.look()
        #expect(fixture.done == 0, "nothing has begun to wait")
        fixture.isOver = false
        wait.begin()
        wait.look()
        #expect(fixture.done == 0 && wait.isOn)
        fixture.isOver = true
        wait.look()
        wait.look()
        #expect(fixture.done == 1 && !wait.isOn)
        wait.begin()
        wait.look()
        #expect(fixture.done == 2, "it may begin again")
    }

    @Test("a wait ends when its time is over, and beginning again does not prolong it")
    func late() throws {
        let fixture = Fixture()
        let wait = try #require(fixture.wait)
        wait.limit = .milliseconds(20)
        wait.begin()
        wait.limit = safetyLimit
        wait.begin()
        try fixture.turn { fixture.done == 1 }
        #expect(!wait.isOn)
    }

    @Test("after a stop nothing is done and no wait begins")
    func stop() throws {
        let fixture = Fixture()
        let wait = try #require(fixture.wait)
        wait.begin()
        wait.stop()
        fixture.isOver = true
        wait.look()
        wait.begin()
        wait.look()
        #expect(fixture.done == 0 && !wait.isOn)
    }
}
