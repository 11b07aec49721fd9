// Waiting. Nothing asserts how long something took: a wait is for an event, and the limit only
// keeps what is broken from hanging the suite.

internal import Glibc
internal import Synchronization

/// How long anything that is bound to happen may take.
package let safetyLimit: Duration = .seconds(60)

/// Waits until `condition` holds.
///
/// - Throws: `TestSupportError` that names `what` when it never does.
package func waitUntil(_ what: String, _ condition: () -> Bool) throws {
    let end = ContinuousClock.now + safetyLimit
    while !condition() {
        guard ContinuousClock.now < end else {
            throw TestSupportError("gave up waiting until \(what)")
        }
        usleep(2_000)
    }
}

/// Closed until opened, then open forever.
package final class Gate: Sendable {
    private let opened = Atomic(false)

    /// Closed.
    package init() {}

    /// Whether it has been opened.
    package var isOpen: Bool { opened.load(ordering: .acquiring) }

    /// Lets everyone through who waits or will wait.
    package func open() {
        opened.store(true, ordering: .releasing)
    }

    /// Blocks until the gate is open, or the safety limit has passed.
    package func wait() {
        try? waitUntil("the gate opens") { isOpen }
    }
}
