// Goal: a walk over the wheel ends, whatever callbacks do to it. Method: a wheel of the test's own,
// whose clock the test sets.

import TestSupport
import Testing

@testable import Events

@Suite struct DeadlineWheelTests {
    private final class Appointment: Deadlined {
        var onPassed: () -> Void = {}
        override func onDeadline() { onPassed() }
    }

    @Test("the only deadline, set again far ahead while the wheel is late, is looked at once")
    func setAgainWhileLate() throws {
        let walked = Gate()
        // On a thread of its own, since a walk that does not end would hold the other tests.
        try startThread {
            let wheel = DeadlineWheel()
            let object = Appointment(on: EventLoop())
            // The object is in the first slot; the clock is one tick further.
            let late = 2 * DeadlineWheel.tickNanoseconds
            object.onPassed = { [unowned object] in
                object.deadline = late + 3600 * 1_000_000_000
                wheel.start(now: late)
                wheel.insert(object)
            }
            wheel.start(now: 0)
            object.deadline = 0
            wheel.insert(object)
            wheel.advance(to: late)
            wheel.remove(object)
            if wheel.isEmpty { walked.open() }
        }
        try waitUntil("the walk ends") { walked.isOpen }
    }
}
