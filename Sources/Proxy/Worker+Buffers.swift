// The worker's two buffers, as its connections use them. Methods of the worker, since what is reached
// through two references is counted, and through one is not.

internal import Events
internal import HTTP1

extension Worker {
    /// Receives from a connection; `withReceived` has the bytes, until the next call.
    func receive(from descriptor: Descriptor) -> IOResult {
        descriptor.receive(into: buffer)
    }

    /// Passes on the first `count` bytes of what was received last.
    @inline(__always)
    func withReceived(_ count: Int, _ body: (Span<UInt8>) -> Void) {
        buffer.withBytes(count, body)
    }

    /// Puts the head that a client gets into `outgoing`, in the place of what was there; `first` goes
    /// before it, and the field lines in `lines` are added to it.
    func putOutgoing(
        _ head: borrowing ResponseHead, from bytes: Span<UInt8>, to client: ClientCapabilities,
        framing: BodyFraming, edits: FieldEdits? = nil, lines: Span<UInt8> = Span(),
        behind first: Span<UInt8> = Span()
    ) {
        outgoing.removeAll()
        if !first.isEmpty { outgoing.append(first) }
        outgoing.append(room: head.writtenBytesMax(edits: edits, lines: lines.count)) { out in
            head.write(
                from: bytes, to: client, framing: framing, edits: edits, lines: lines, into: &out)
        }
    }

    /// Sends what is in `outgoing`, and `body` behind it.
    func sendOutgoing(
        and body: Span<UInt8> = Span(), to client: ClientConnection
    ) -> WriteOutcome {
        client.write(outgoing, body)
    }
}
