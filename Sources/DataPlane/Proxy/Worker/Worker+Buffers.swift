// The worker's two buffers, as its connections use them. These are methods of the worker, since an
// object reached through two references is counted, and one reached through one is not.

internal import Events
internal import HTTP1

extension Worker {
    /// Receives from a connection; `withReceived` has the bytes until the next call.
    func receive(from channel: StreamChannel) -> IOResult {
        channel.receive(into: buffer)
    }

    /// Passes the first `count` bytes that were received last to `body`.
    @inline(__always)
    func withReceived(_ count: Int, _ body: (Span<UInt8>) -> Void) {
        buffer.withBytes(count, body)
    }

    /// Sends what is in `outgoing`, and `body` behind it, on `channel`.
    func sendOutgoing(_ body: Span<UInt8>, on channel: StreamChannel) -> WriteOutcome {
        defer { outgoing.removeAll() }
        guard body.count <= Self.copiedBodyMax else { return channel.write(outgoing, body) }
        outgoing.append(body)
        return channel.write(outgoing)
    }

    /// Passes `body` to `use` as a chunk of HTTP/1.1, followed by the end of the chunked body and
    /// its trailers, whole field lines, if `isLast`.
    func withChunk(
        of body: Span<UInt8>, isLast: Bool, trailers: Span<UInt8> = Span(),
        _ use: (Span<UInt8>) -> Void
    ) {
        chunk.removeAll()
        let room = body.count + trailers.count + 2 * OutputSpan<UInt8>.chunkFramingMax
        chunk.append(room: room) { out in
            out.appendChunk(body)
            if isLast { out.appendLastChunk(trailers: trailers) }
        }
        chunk.withBytes(use)
    }

    /// Appends `body` to `outgoing` as a chunk.
    func appendChunk(_ body: Span<UInt8>) {
        outgoing.append(room: body.count + OutputSpan<UInt8>.chunkFramingMax) {
            $0.appendChunk(body)
        }
    }

    /// Appends the last chunk to `outgoing`, without the trailer section that ends the body.
    func appendLastChunk() {
        outgoing.append(room: 3) { $0.append("0\r\n") }
    }

    /// Copying a small body behind its head is cheaper than having the kernel gather two pieces.
    private static var copiedBodyMax: Int { 4096 }

    /// Replaces what is in `outgoing` by the head for a client. It gets the field lines in `lines`,
    /// and a Date if it has none and `addsDate` is set.
    func putOutgoing(
        _ head: borrowing ResponseHead, from bytes: Span<UInt8>, to client: ClientCapabilities,
        framing: BodyFraming, change: ContentChange = ContentChange(),
        edits: FieldEdits? = nil, lines: Span<UInt8> = Span(), addsDate: Bool = false
    ) {
        outgoing.removeAll()
        if addsDate, !head.contains(.date) {
            dateLine.update(at: loop.nowNanoseconds)
            let date = dateLine.bytes
            put(head, bytes, client, framing, change, edits, lines, date: date.span)
        } else {
            put(head, bytes, client, framing, change, edits, lines, date: Span())
        }
    }

    private func put(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, _ client: ClientCapabilities,
        _ framing: BodyFraming, _ change: ContentChange, _ edits: FieldEdits?,
        _ lines: Span<UInt8>, date: Span<UInt8>
    ) {
        let room = head.writtenBytesMax(edits: edits, lines: lines.count, date: date.count)
        outgoing.append(room: room) { out in
            head.write(
                from: bytes, to: client, framing: framing, change: change, edits: edits,
                lines: lines, date: date, into: &out)
        }
    }
}
