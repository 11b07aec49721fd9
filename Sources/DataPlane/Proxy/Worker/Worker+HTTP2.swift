// What a worker keeps for connections of HTTP/2: streams and memory that serve one request, or one
// turn, after the other.

internal import Events
internal import HTTP2

extension Worker {
    func takeStream() -> HTTP2ClientStream {
        freeStreams.popLast() ?? HTTP2ClientStream(worker: self)
    }

    /// Keeps `stream`, which may still be on the stack: of too many, another is dropped.
    func recycle(_ stream: consuming HTTP2ClientStream) {
        if freeStreams.count == Self.freeExchangesMax { freeStreams.removeLast() }
        freeStreams.append(stream)
    }

    func takeBackendStream() -> HTTP2BackendStream {
        freeBackendStreams.popLast() ?? HTTP2BackendStream(worker: self)
    }

    /// Keeps `stream`, which may still be on the stack: of too many, another is dropped.
    func recycle(_ stream: consuming HTTP2BackendStream) {
        if freeBackendStreams.count == Self.freeExchangesMax { freeBackendStreams.removeLast() }
        freeBackendStreams.append(stream)
    }

    /// Memory for the frames of a connection, until `giveBackFrames`.
    func takeFrames() -> SendBuffer {
        freeFrames.popLast() ?? SendBuffer(capacity: 4096, keeping: 1 << 17)
    }

    /// Keeps the memory of `frames`; of too many, it is dropped. Connections need theirs for a turn
    /// at a time.
    func giveBackFrames(_ frames: SendBuffer) {
        frames.removeAll()
        if freeFrames.count < Self.freeFramesMax { freeFrames.append(frames) }
    }

    /// Has the next request for a WebSocket of a client of HTTP/2 get a key that no other has.
    func renewWebSocketKey() { requestText.webSocketKey = WebSocketKey(random(), random()) }
}
