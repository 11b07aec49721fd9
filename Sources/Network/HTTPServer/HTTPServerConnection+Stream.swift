// The connection's part in a stream: framing, the bounded queue, and noticing that the client left.

internal import Events
internal import HTTP1
internal import WallClock

extension HTTPServerConnection {
    /// Sends the head of a response, and what body it has so far. Nil when there is nothing to
    /// stream to: the client went away, or asked for the head alone.
    func beginStream(_ response: HTTPServerResponse) -> HTTPServerStream? {
        guard isOpen, let request = answering else { return nil }
        guard request.method != .head else {
            respond(response)
            return nil
        }
        // The connection ends with the stream: what a client pipelines behind it has to go
        // elsewhere.
        var client = request.client
        client.keepsAlive = false
        isStreamChunked = client.version == .http11
        var writer = ResponseWriter(
            status: response.status, contentType: response.contentType, to: client)
        writer.addField("Date", Array(UTCTime.now.httpDate.utf8).span)
        for field in response.fields { writer.addField(field.name, Array(field.value.utf8).span) }
        var head: [UInt8] = []
        writer.writeHead(framing: isStreamChunked ? .chunked : .untilClose, into: &head)
        let stream = HTTPServerStream(self)
        startStream(stream, head: head)
        if !response.body.isEmpty { sendPiece(response.body) }
        return isOpen ? stream : nil
    }

    /// Queues a piece of the body and sends what the client takes now.
    func sendPiece(_ bytes: [UInt8]) {
        guard isOpen, !bytes.isEmpty else { return }
        guard keptCount + bytes.count <= options.streamBytesMax else {
            // Cut off in the middle, and so that the client can tell.
            return reset()
        }
        if isStreamChunked {
            push(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [0x0D, 0x0A])
        } else {
            push(bytes)
        }
    }

    /// Sends the end of the body, then closes.
    func endStream() {
        guard isOpen else { return }
        if isStreamChunked { push(Array("0\r\n\r\n".utf8)) }
        if isOpen { leave() }
    }
}
