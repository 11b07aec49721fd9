// SpanSpool: where the spans of all workers wait to be sent.
//
// A worker writes spans into a buffer of its own. Once that is full, or old, it is exchanged for an
// empty one, so that a span costs no lock and no system call. There are so many buffers and no
// more: while a collector is away they run out, and spans are dropped and counted. No request waits
// for one.

package import Events
internal import Locking

/// Spans on their way to the control thread. Any thread, unless a member says otherwise.
package final class SpanSpool: Sendable {
    /// Spans of one worker.
    package struct Batch: Sendable {
        /// Objects of JSON with commas between them; never empty.
        package let text: [UInt8]
        /// How many spans there are.
        package let count: Int
    }

    private struct Buffers {
        var free: [[UInt8]] = []
        /// How many more may be made.
        var left: Int
    }

    /// Where batches come out.
    package let mailbox: Mailbox<Batch>
    private let buffers: Locked<Buffers>

    /// The size of a buffer in bytes, many times that of the longest span.
    static let bufferBytes = 65_536
    /// Buffers for each worker besides the one that it writes to: with 700 bytes a span, some 370
    /// spans wait for a collector that is away.
    private static let buffersPerWorker = 4

    /// A spool for the spans of so many workers. Memory is taken as it is needed.
    ///
    /// - Throws: `Errno` when the process has no descriptor left.
    package init(workers: Int) throws(Errno) {
        mailbox = try Mailbox()
        buffers = Locked(Buffers(left: workers * Self.buffersPerWorker))
    }

    /// A buffer to write to.
    static func makeBuffer() -> [UInt8] {
        var buffer: [UInt8] = []
        buffer.reserveCapacity(bufferBytes)
        return buffer
    }

    /// Hands over `buffer`, which holds `count` spans, and puts an empty one in its place. False
    /// when there is none: the spans stay where they are.
    func exchange(_ buffer: inout [UInt8], count: Int) -> Bool {
        let empty = buffers.withLock { buffers -> [UInt8]? in
            if let free = buffers.free.popLast() { return free }
            guard buffers.left > 0 else { return nil }
            buffers.left -= 1
            return Self.makeBuffer()
        }
        guard let empty else { return false }
        let text = buffer
        buffer = empty
        mailbox.post(Batch(text: text, count: count))
        return true
    }

    /// Hands over a worker's last spans; it writes no more.
    func append(last buffer: consuming [UInt8], count: Int) {
        mailbox.post(Batch(text: buffer, count: count))
    }

    /// Takes back the memory of a batch, which is over.
    package func giveBack(_ batch: consuming Batch) {
        var text = batch.text
        text.removeAll(keepingCapacity: true)
        let empty = text
        buffers.withLock { $0.free.append(empty) }
    }
}
