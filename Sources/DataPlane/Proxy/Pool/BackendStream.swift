// BackendStream: everything that an exchange asks of its backend's side, whatever protocol the
// backend speaks: the counterpart of ClientStream. Read both before you add a protocol. What a
// backend calls on its exchange does not depend on the protocol either, and always names the
// stream: `connected`, `interim`, `responded`, `switched`, `passOn`, `passTrailers`,
// `receivedResponse`, `responseMalformed`, `backendBroken`, `backendRefused`, `backendIsUnusable`,
// `backendTimedOut`, `backendProgressed`, `backendDrained` and `backendTakesNoMore`.

internal import Events
internal import HTTP1

/// What is known of a response before it comes. Value type, worker thread only.
struct ExpectedResponse {
    /// The method of the request that it answers.
    var method = Method.other
    /// Whether the body of that request comes in chunks.
    var answersChunks = false
    /// Whether the client takes trailers, and has said so.
    var acceptsTrailers = false
    /// Whether a chunked body is passed on with its chunks.
    var keepsChunks = true
    /// Whether trailers are passed on without chunks.
    var takesTrailers = false
    /// Whether it answers a call of gRPC.
    var isOfCall = false
    /// The limits of its head.
    var limits = HeadLimits()
}

/// A backend's side of one try. Worker thread only.
enum BackendStream {
    /// A connection of HTTP/1.1, which carries one request at a time.
    case http1(Link<HTTP1BackendConnection>)
    /// One of the streams of a connection of HTTP/2.
    case http2(Link<HTTP2BackendStream>)

    /// The connection or the stream, which lives until its try is over: passed to the closure of
    /// its protocol.
    @inline(__always)
    private func with<Result>(
        _ http1: (HTTP1BackendConnection) -> Result, _ http2: (HTTP2BackendStream) -> Result
    ) -> Result {
        switch self {
        case .http1(let connection): connection.use(http1)
        case .http2(let stream): stream.use(http2)
        }
    }

    // MARK: - The backend

    /// The slot of the exchange's try that uses it.
    var slot: Tries.Slot { with({ $0.slot }, { $0.trySlot }) }

    var backend: PooledBackend { with({ $0.backend }, { $0.with { $0.backend } }) }
    var pool: BackendPool { with({ $0.pool }, { $0.with { $0.pool } }) }

    /// Passes slot, backend and pool to `body`. None of them is counted, as they are where the
    /// properties return them.
    @inline(__always)
    func withPlace<Result>(_ body: (Tries.Slot, PooledBackend, BackendPool) -> Result) -> Result {
        with(
            { body($0.slot, $0.backend, $0.pool) },
            { stream in stream.with { body(stream.trySlot, $0.backend, $0.pool) } })
    }

    /// Whether the connection has carried an exchange before: then the backend may have closed it
    /// meanwhile.
    var isReused: Bool { with({ $0.isReused }, { $0.isReused }) }

    /// Whether the backend may refuse the request when a part of its body has been sent already,
    /// and have done nothing with it.
    var mayBeRefused: Bool { with({ _ in false }, { _ in true }) }

    /// When `backendTimedOut` is called unless the backend does something before, in the loop's
    /// nanoseconds; `.max` is never.
    var deadlineNanoseconds: UInt64 {
        get { with({ $0.deadlineNanoseconds }, { $0.deadlineNanoseconds }) }
        nonmutating set {
            with({ $0.deadlineNanoseconds = newValue }, { $0.deadlineNanoseconds = newValue })
        }
    }

    // MARK: - The request

    /// Binds the connection to its client: the connection is what the request has authenticated.
    /// Such a request gets no stream of a connection that others share.
    func bind() { with({ $0.bind() }, { _ in }) }

    /// Sends the head of a request, and the part of its body that is here, which is all of it if
    /// `isLast`.
    func send(
        _ head: SendBuffer, _ body: [UInt8], isLast: Bool, expecting expected: ExpectedResponse
    ) -> WriteOutcome {
        with(
            { $0.send(head, body, expecting: expected) },
            { $0.send(head, body, isLast: isLast, expecting: expected) })
    }

    /// Has the exchange learn why sending the head of a request failed.
    func sendFailed() { with({ $0.sendFailed() }, { $0.broken() }) }

    /// Sends more of the request's body, which ends with it if `isLast`.
    func send(_ body: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        with({ $0.send(body) }, { $0.send(body, isLast: isLast) })
    }

    /// Whether bytes are kept for the backend that the kernel has not taken yet, or that the
    /// backend does not want yet.
    var isCongested: Bool { with({ $0.isCongested }, { $0.isCongested }) }

    /// Whether sending has failed; what the backend sent before may still be read.
    var isBroken: Bool { with({ $0.isBroken }, { $0.with { $0.isBroken } }) }

    /// Whether the backend has acknowledged anything since the last call, or since bytes last
    /// moved.
    func hasAcknowledgedMore() -> Bool {
        with({ $0.hasAcknowledgedMore() }, { $0.hasAcknowledgedMore() })
    }

    /// How long the backend's host has acknowledged nothing of what has been on its way since
    /// `since`, in nanoseconds; 0 when nothing is. One or two system calls.
    func unacknowledgedTime(since: UInt64, now: UInt64) -> UInt64 {
        with({ $0.descriptor }, { $0.with { $0.descriptor } })
            .unacknowledgedTime(since: since, now: now)
    }

    // MARK: - The response

    /// Whether a part of a response's head has come.
    var hasBegun: Bool { with({ $0.hasBegun }, { $0.isInBody }) }

    /// Has a body framed so, whose head has just come, go on without its chunks.
    func leaveOutChunks(of framing: BodyFraming) {
        with(
            { $0.response.body = BodyPassage(framing, keepsChunks: false) },
            { $0.leaveOutChunks() })
    }

    /// Stops the response from coming, since it can't be passed on for now.
    func pauseResponse() { with({ $0.stopReading() }, { $0.pause() }) }

    /// Lets the response go on.
    func resumeResponse() { with({ $0.startReading() }, { $0.resumeSoon() }) }

    /// Keeps a head that switches protocols, and `following` behind it, until `readAgain`. Streams
    /// switch to none.
    func putBack(_ head: Span<UInt8>, _ following: Span<UInt8>) {
        with({ $0.putBack(head, following) }, { _ in })
    }

    /// Reads the bytes that were kept as if they came now.
    func readAgain() { with({ $0.readAgain() }, { _ in }) }

    // MARK: - The end, after which the exchange no longer has the stream

    /// The response is over: keeps the connection if it can be used again, and `isReusable` says
    /// that the exchange allows it; `client` gets a connection that is bound to it, if that goes
    /// on.
    func release(isReusable: Bool, to client: ClientStream, clientGoesOn: Bool) {
        with(
            { $0.release(isReusable: isReusable, to: client, clientGoesOn: clientGoesOn) },
            { $0.release() })
    }

    /// Drops the response, whose head has come and `following` behind it. Keeps the connection if
    /// it can be used again, and `isReusable` says that the exchange allows it.
    func dismiss(_ following: Span<UInt8>, isReusable: Bool, for client: ClientStream) {
        with(
            { $0.dismiss(following, isReusable: isReusable, for: client) }, { $0.release() })
    }

    /// Ends the stream so that the backend can tell a request cut short from a whole one.
    func abort() { with({ $0.abort() }, { $0.release() }) }

    // MARK: - What only a connection of its own can do

    /// The descriptor from which the response can be spliced; nil where it has to be received.
    var spliceEnd: Descriptor? { with({ $0.spliceEnd }, { _ in nil }) }

    /// Moves what `source` has received, at most `limit` bytes, to the backend inside the kernel.
    func splice(from source: Descriptor, limit: Int) -> SpliceOutcome {
        with({ $0.spliceRequest(from: source, limit: limit) }, { _ in .unavailable })
    }

    /// Tells the backend of a tunnel that nothing more will be sent; what it sends goes on.
    func endWriting() { with({ $0.endWriting() }, { _ in }) }

    /// The connection, if it may switch to another protocol: nil where others share it.
    var ownConnection: HTTP1BackendConnection? {
        switch self {
        case .http1(let connection): connection.object
        case .http2: nil
        }
    }
}
