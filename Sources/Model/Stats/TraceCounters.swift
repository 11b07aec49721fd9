// What a worker counts of its spans.

/// One worker's block. The worker's thread writes, any thread reads.
package final class TraceCounters: Sendable {
    /// Spans that wait to be sent, or were handed over.
    package let spans = Counter()
    /// Spans dropped since no buffer was free.
    package let dropped = Counter()

    /// All zero.
    package init() {}
}
