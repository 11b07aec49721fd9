// Exemplars: of the requests of each bucket of a histogram, the last one that a trace records, so
// that an operator gets from a slow bucket to a request that was slow.
//
// A slot is written by its worker alone and read by the control thread, and neither waits for the
// other: the writer makes its version odd, writes, and makes it even; what a reader has read counts
// only if the version was even and the same before and after.

internal import Synchronization

/// A request of a recorded trace, as an example of those that take as long. Value type, any thread.
package struct Exemplar: Sendable, Equatable {
    /// The halves of the trace's id.
    package var high: UInt64, low: UInt64
    /// The span of the request.
    package var span: UInt64
    /// How long the request took.
    package var microseconds: Int
    /// When it was over, in nanoseconds since 1970.
    package var time: UInt64

    /// A request that took so long.
    package init(high: UInt64, low: UInt64, span: UInt64, microseconds: Int, time: UInt64) {
        self.high = high
        self.low = low
        self.span = span
        self.microseconds = microseconds
        self.time = time
    }
}

/// One worker's exemplars of a histogram. One writing thread, any thread reads.
package final class ExemplarSlots: Sendable {
    private let slots = InlineArray<17, Slot> { _ in Slot() }

    private struct Slot: ~Copyable, Sendable {
        /// Odd while the slot is written; 0 before that.
        let version = Atomic<UInt64>(0)
        let high = Atomic<UInt64>(0), low = Atomic<UInt64>(0), span = Atomic<UInt64>(0)
        let microseconds = Atomic<Int>(0)
        let time = Atomic<UInt64>(0)
    }

    /// How often a reader tries to find a slot that is not being written: at so many requests a
    /// second another example is as good.
    private static let readsMax = 4

    /// None.
    package init() {}

    /// Keeps `exemplar` in the place of the last one in its bucket. The one writing thread only.
    package func keep(_ exemplar: Exemplar) {
        keep(exemplar, at: Histogram.bucket(of: exemplar.microseconds))
    }

    private func keep(_ exemplar: Exemplar, at index: Int) {
        let version = slots[index].version.load(ordering: .relaxed)
        slots[index].version.store(version &+ 1, ordering: .relaxed)
        // What follows is not seen before the odd version.
        atomicMemoryFence(ordering: .releasing)
        slots[index].high.store(exemplar.high, ordering: .relaxed)
        slots[index].low.store(exemplar.low, ordering: .relaxed)
        slots[index].span.store(exemplar.span, ordering: .relaxed)
        slots[index].microseconds.store(exemplar.microseconds, ordering: .relaxed)
        slots[index].time.store(exemplar.time, ordering: .relaxed)
        slots[index].version.store(version &+ 2, ordering: .releasing)
    }

    /// The last one of a bucket; nil for none, and while it is being written over and over. Any
    /// thread.
    package func last(ofBucket index: Int) -> Exemplar? {
        for _ in 0..<Self.readsMax {
            let version = slots[index].version.load(ordering: .acquiring)
            if version == 0 { return nil }
            let exemplar = Exemplar(
                high: slots[index].high.load(ordering: .relaxed),
                low: slots[index].low.load(ordering: .relaxed),
                span: slots[index].span.load(ordering: .relaxed),
                microseconds: slots[index].microseconds.load(ordering: .relaxed),
                time: slots[index].time.load(ordering: .relaxed))
            // What was read is not read after the version that follows.
            atomicMemoryFence(ordering: .acquiring)
            let after = slots[index].version.load(ordering: .relaxed)
            if version & 1 == 0, version == after { return exemplar }
        }
        return nil
    }
}

/// The newest exemplar of each bucket over all workers. Value type, any thread.
package struct ExemplarTotals: Sendable, Equatable {
    /// By bucket; empty where there is none at all.
    private var newest: [Exemplar?] = []

    /// None.
    package init() {}

    /// The newest of a bucket; nil for none.
    package subscript(_ bucket: Int) -> Exemplar? { newest.isEmpty ? nil : newest[bucket] }

    /// Keeps `exemplar` unless there is a newer one in its bucket.
    package mutating func keep(_ exemplar: Exemplar) {
        keep(exemplar, at: Histogram.bucket(of: exemplar.microseconds))
    }

    private mutating func keep(_ exemplar: Exemplar, at bucket: Int) {
        if newest.isEmpty {
            newest = [Exemplar?](repeating: nil, count: Histogram.boundsMicroseconds.count + 1)
        }
        if exemplar.time >= newest[bucket]?.time ?? 0 { newest[bucket] = exemplar }
    }

    mutating func add(_ slots: ExemplarSlots) {
        for bucket in 0...Histogram.boundsMicroseconds.count {
            if let exemplar = slots.last(ofBucket: bucket) { keep(exemplar, at: bucket) }
        }
    }
}
