// Threads and waiting. Backends block, so each of their connections has a thread; the tests' own pool
// has as many threads as the machine has processors. Nothing asserts how long something took: a wait
// is for an event, and the limit only keeps a broken proxy from hanging the suite.

import Glibc
import Synchronization

/// What a test reports when a part of it could not do its work.
struct KitError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// An error of the C library, in words.
    static func system(_ call: String) -> KitError {
        KitError("\(call): \(unsafe String(cString: strerror(errno)))")
    }
}

/// How long anything that is bound to happen may take.
let safetyLimit: Duration = .seconds(30)

/// Waits until `condition` holds.
func waitUntil(_ what: String, _ condition: () -> Bool) throws {
    let end = ContinuousClock.now + safetyLimit
    while !condition() {
        guard ContinuousClock.now < end else { throw KitError("gave up waiting until \(what)") }
        usleep(2_000)
    }
}

/// Closed until opened, then open for ever.
final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func open() {
        isOpen.store(true, ordering: .releasing)
    }

    /// Blocks until the gate is open, or the safety limit has passed.
    func wait() {
        try? waitUntil("the gate opens") { isOpen.load(ordering: .acquiring) }
    }
}
