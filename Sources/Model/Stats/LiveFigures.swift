// LiveFigures: what the control thread looks at every second for every backend, without the arrays
// of a histogram's totals.

/// What live requests on one backend came to so far, over all workers. Value type, any thread.
package struct LiveFigures: Sendable, Equatable {
    /// Answers that came, and requests that got none.
    package var answers = 0
    /// Of these, statuses of 500 and above, connections that broke, and no answer in time.
    package var failures = 0
    /// The times to the first byte, added up.
    package var firstByteMicroseconds = 0
    /// How many were added.
    package var firstByteCount = 0
    /// Bytes received from the backend, whether they belong to answers or to TCP connections.
    package var bytesReceived = 0

    /// Nothing.
    package init() {}

    /// Answers that did not fail.
    package var goodAnswers: Int { max(0, answers - failures) }

    mutating func add(_ counters: BackendCounters) {
        let count = counters.firstByte.count
        let broken = counters[.failures]
        answers += count + broken
        failures += counters[.responses5xx] + broken
        firstByteMicroseconds += counters.firstByte.sum
        firstByteCount += count
        bytesReceived += counters[.bytesReceived]
    }
}
