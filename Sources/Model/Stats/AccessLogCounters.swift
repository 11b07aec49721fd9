// What a worker counts of its access log.

/// One worker's block. The worker's thread writes, any thread reads.
package final class AccessLogCounters: Sendable {
    /// Lines handed to the writer, or about to be.
    package let lines = Counter()
    /// Lines dropped since the writer was too slow.
    package let dropped = Counter()

    /// All zero.
    package init() {}
}
