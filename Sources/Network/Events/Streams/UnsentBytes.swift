// UnsentBytes: what a connection keeps for a peer that takes its bytes slowly.

/// Bytes on their way out that the kernel has not taken yet. Value type; with its connection.
struct UnsentBytes {
    /// Kept from the last step of a splice; goes before `bytes`.
    private(set) var pipe: SplicePipe?
    private var bytes: [UInt8] = []
    // Two small ones side by side: every idle connection pays for them. Both count what a socket
    // and one buffer of bounded size hold, which is far less than 2 GiB.
    private var start: Int32 = 0
    /// Bytes that the peer had not acknowledged when the kernel last took no more.
    private var unacknowledgedWhenFull: Int32 = 0

    /// Whether nothing is kept.
    var isEmpty: Bool { bytes.isEmpty && pipe == nil }

    /// How many bytes are kept outside of a pipe.
    var byteCount: Int { bytes.count - Int(start) }

    /// Keeps `first` and then `second`, behind what is kept.
    mutating func append(_ first: Span<UInt8>, _ second: Span<UInt8>) {
        // A producer that never lets it run empty, such as a stream of events, must not make it
        // grow: what was sent is dropped before it is more than what is left.
        if Int(start) > byteCount {
            bytes.removeFirst(Int(start))
            start = 0
        }
        bytes.append(first)
        bytes.append(second)
    }

    /// Keeps `pipe`, which is not empty; nothing else is kept.
    mutating func keep(_ pipe: SplicePipe) {
        self.pipe = pipe
    }

    /// Sends on `descriptor` as much as it takes, of at least one byte that is kept; empty pipes go
    /// back to `pipes`.
    mutating func send(on descriptor: Descriptor, _ pipes: PipePool) -> IOResult {
        if let pipe {
            let result = pipe.drain(to: descriptor)
            if pipe.count == 0 { dropPipe(pipes) }
            return result
        }
        let result = descriptor.send(bytes.span.extracting(Int(start)..<bytes.count))
        if case .bytes(let count) = result {
            start += Int32(count)
            if Int(start) == bytes.count { dropBytes() }
        }
        return result
    }

    /// Drops everything; pipes go back to `pipes`.
    mutating func removeAll(_ pipes: PipePool) {
        dropPipe(pipes)
        dropBytes()
    }

    private mutating func dropPipe(_ pipes: PipePool) {
        if let pipe { pipes.giveBack(pipe) }
        pipe = nil
    }

    private mutating func dropBytes() {
        bytes = []
        start = 0
    }

    /// Remembers how much the peer has still to acknowledge, now that the kernel takes no more.
    mutating func recordFull(_ descriptor: Descriptor) {
        unacknowledgedWhenFull = Int32(clamping: descriptor.unacknowledgedCount)
    }

    /// Whether the peer has acknowledged anything since this was last asked, or bytes last moved.
    mutating func hasAcknowledgedMore(_ descriptor: Descriptor) -> Bool {
        let before = unacknowledgedWhenFull
        recordFull(descriptor)
        return unacknowledgedWhenFull < before
    }
}

extension [UInt8] {
    /// Appends all of `bytes` in one copy.
    fileprivate mutating func append(_ bytes: Span<UInt8>) {
        // The pointer is used only inside the closure, while the span lives.
        unsafe bytes.withUnsafeBufferPointer { unsafe self.append(contentsOf: $0) }
    }
}
