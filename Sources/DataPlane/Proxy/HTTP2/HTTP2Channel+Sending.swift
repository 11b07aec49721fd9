// HTTP2Channel+Sending: how frames go out. What one turn of the loop writes for all streams is
// gathered and sent at its end, in one call and, by TLS, in few records; a large part of a body
// goes at once, without being copied. Streams that have more to send than they may take turns.

internal import Events
internal import HTTP1
internal import HTTP2

extension HTTP2Channel {
    /// The most bytes of a body that are copied to the other frames of the turn.
    private static var copiedBodyMax: Int { 4096 }
    /// How many bytes one turn gathers before they are sent.
    private static var gatheredMax: Int { 65_536 }
    /// The most bytes of a body in one frame: with its header it fills a record of TLS (RFC 8446,
    /// section 5.1).
    private static var frameBytesMax: Int { 16_384 - HTTP2Connection.dataHeaderBytes }
    /// The most bytes that one stream sends in its turn where others wait.
    private static var turnBytesMax: Int { 8192 }

    /// Where frames are gathered until the end of the turn. What the connection itself has to send
    /// comes first.
    private final func gather() -> SendBuffer {
        let output: SendBuffer
        if let begun = self.output {
            output = begun
        } else {
            output = worker.takeFrames()
            self.output = output
            awaitTurnEnd()
        }
        takeControl(into: output)
        return output
    }

    /// Moves the frames that the connection has to send of itself to `output`.
    private final func takeControl(into output: SendBuffer) {
        let count = connection.controlBytes
        guard count > 0 else { return }
        output.append(room: count) { out in connection.takeControl(into: &out) }
    }

    /// Sends `lines`, whole field lines, as the trailers that end the stream of `slot`.
    final func sendTrailers(_ lines: Span<UInt8>, on slot: Int) {
        _ = sendBlock(on: slot, isLast: true, room: HeaderBlock.bytesMax(ofText: lines.count)) {
            out in
            HeaderBlock.append(trailers: lines, into: &out)
        }
    }

    /// Sends the header block that `write` writes, for which there has to be `room`, in the stream
    /// of `slot`, which ends with it if `isLast`. Returns the size of its frames.
    final func sendBlock(
        on slot: Int, isLast: Bool, room: Int, _ write: (inout OutputSpan<UInt8>) -> Void
    ) -> Int {
        let output = gather()
        let block = worker.block
        block.removeAll()
        block.append(room: room, write)
        let before = output.count
        block.withBytes { block in
            output.append(room: HTTP2Connection.headersBytesMax(block: block.count)) { out in
                connection.writeHeaders(slot, block: block, endsStream: isLast, into: &out)
            }
        }
        return output.count - before
    }

    /// Sends as much of `body` in the stream of `slot` as its windows and the socket let go;
    /// returns how many bytes those are. The stream ends with the last of them if `isLast`.
    final func send(_ body: Span<UInt8>, on slot: Int, isLast: Bool) -> Int {
        // Nobody gets it, and all streams end with the turn.
        if isBroken { return body.count }
        var sent = 0
        while sent < body.count || isLast, isOpen, !isCongested {
            let part = min(
                body.count - sent, connection.sendRoom(slot), Self.frameBytesMax)
            guard part > 0 || body.isEmpty else { break }
            let output = gather()
            let isEnd = isLast && sent + part == body.count
            output.append(room: HTTP2Connection.dataHeaderBytes) { out in
                connection.writeDataHeader(slot, count: part, endsStream: isEnd, into: &out)
            }
            let bytes = body.extracting(sent..<sent + part)
            sent += part
            if part <= Self.copiedBodyMax {
                output.append(bytes)
                if output.count >= Self.gatheredMax { sendGathered() }
            } else {
                if sealed == nil, layer != nil { sealed = worker.takeFrames() }
                sendGathered(and: bytes)
            }
            if isEnd { break }
        }
        return sent
    }

    /// Sends what was gathered, and `body` behind it; or seals it, where records are gathered.
    private final func sendGathered(and body: Span<UInt8> = Span()) {
        guard let output else { return }
        if let sealed {
            seal(output, body, into: sealed)
            if sealed.count >= Self.gatheredMax { sendSealed() }
        } else {
            see(write(output, body))
        }
        output.removeAll()
    }

    /// Sends the records that were gathered, if there are any.
    final func sendSealed() {
        if let sealed, !sealed.isEmpty { see(send(sealed: sealed)) }
    }

    private final func see(_ outcome: WriteOutcome) {
        switch outcome {
        case .sent, .kept: break
        // Reading finds out how the connection ended; whatever is written is dropped until then.
        case .failed: isBroken = true
        }
    }

    /// Sends what the turn has gathered.
    final func sendOutput() {
        if connection.controlBytes > 0 { _ = gather() }
        guard output != nil else { return }
        sendGathered()
        sendSealed()
        giveBackFrames()
    }

    /// Gives the memory back in which frames and records were gathered; what is in it is dropped.
    final func giveBackFrames() {
        if let output = output.take() { worker.giveBackFrames(output) }
        if let sealed = sealed.take() { worker.giveBackFrames(sealed) }
    }

    /// Has `stream` send when it can.
    final func wait(_ stream: HTTP2Stream) {
        guard !stream.isWaiting else { return }
        stream.isWaiting = true
        waiting.append(stream)
    }

    /// Has the streams that wait send, in turns, as far as windows and socket let them.
    final func sendWaiting() {
        var stuck = 0
        while stuck < waiting.count, isOpen, !isCongested, !isBroken {
            let stream = waiting.removeFirst()
            stream.isWaiting = false
            let limit = waiting.isEmpty ? Self.gatheredMax : Self.turnBytesMax
            stuck = stream.sendKept(atMost: limit, self) ? 0 : stuck + 1
            if stream.isCongested { wait(stream) }
        }
    }
}
