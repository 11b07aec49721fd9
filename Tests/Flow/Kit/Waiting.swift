// Waiting for what another process does. A test never asserts how long something took; it waits for
// the event itself, and the limit here only keeps a broken program from hanging the suite.

internal import Glibc
internal import Synchronization
internal import Testing

/// What a flow test reports when a part of it could not do its work.
struct FlowError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// An error of the C library, in words.
    static func system(_ call: String) -> FlowError {
        FlowError("\(call): \(unsafe String(cString: strerror(errno)))")
    }
}

/// How long anything that is bound to happen may take before the test gives up: generous, because
/// it is met only by a broken program or a machine that has stopped.
let safetyLimit: Duration = .seconds(60)

/// Asks `condition` every few milliseconds until it answers with a value, which is returned.
///
/// - Parameter what: completes the sentence "gave up waiting for …".
/// - Throws: `FlowError` after `limit`, or at once what `condition` throws.
@discardableResult
func waitFor<Value>(
    _ what: @autoclosure () -> String, limit: Duration = safetyLimit,
    _ condition: () throws -> Value?
) throws -> Value {
    let end = ContinuousClock.now + limit
    while true {
        if let value = try condition() { return value }
        guard ContinuousClock.now < end else {
            throw FlowError("gave up waiting for \(what()) after \(limit)")
        }
        pause(milliseconds: 10)
    }
}

/// Waits until `look` finds `expected`, and records an issue that says what it found last when it
/// never does. For what one thread or process counts and another one is asked about: an answer may
/// reach its client before it is counted.
func expectSoon<Value: Equatable>(
    _ expected: Value, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ look: () throws -> Value
) throws {
    let end = ContinuousClock.now + safetyLimit
    var found = try look()
    while found != expected, ContinuousClock.now < end {
        pause(milliseconds: 10)
        found = try look()
    }
    #expect(found == expected, comment, sourceLocation: sourceLocation)
}

/// Blocks the calling thread.
func pause(milliseconds: UInt32) {
    usleep(milliseconds * 1_000)
}

/// A one-way gate between threads: closed until opened, then open forever. A byte that nobody
/// takes out of a pipe keeps it readable for everyone who waits.
final class Gate: Sendable {
    private let reading: Int32
    private let writing: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        // pipe fills both elements of the array, which lives across the call.
        let failure = spawning.withLock { _ in
            let failure = unsafe pipe(&ends)
            for end in ends { keepFromChildren(end) }
            return failure
        }
        guard failure == 0 else { throw FlowError.system("pipe") }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    /// Lets everyone through who waits or will wait.
    func open() {
        var byte: UInt8 = 1
        // One byte is never taken out again, so the pipe stays readable.
        unsafe _ = write(writing, &byte, 1)
    }

    /// Blocks until the gate is open, or the safety limit has passed.
    func wait() {
        var entry = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        unsafe _ = poll(&entry, 1, Int32(safetyLimit.components.seconds) * 1_000)
    }
}
