// Turning: a loop that the test itself turns, until what it waits for has happened.

package import Events

extension EventLoop {
    /// Turns the loop until `condition` holds; false when it does not within `safetyLimit`.
    package func turn(until condition: () -> Bool) -> Bool {
        let limit = ContinuousClock.now + safetyLimit
        // So that a turn ends though nothing comes.
        let beat = Timer(on: self) {}
        while !condition() {
            guard ContinuousClock.now < limit else { return false }
            beat.schedule(after: .milliseconds(5))
            runOnce(waiting: true)
        }
        return true
    }

    /// Turns the loop for as long.
    package func turn(for duration: Duration) {
        let end = ContinuousClock.now + duration
        _ = turn { ContinuousClock.now >= end }
    }
}
