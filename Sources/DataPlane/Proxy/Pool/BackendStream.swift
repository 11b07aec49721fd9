// BackendStream: all that an exchange may ask of its backend's side, whatever protocol that speaks:
// the counterpart of ClientStream. Read both before you add a protocol. What a backend tells an
// exchange does not depend on it either, and always names the stream: `connected`, `interim`,
// `responded`, `switched`, `passOn`, `receivedResponse`, `responseMalformed`, `backendEnded`,
// `backendBroken`, `backendTimedOut`, `backendProgressed`, `backendDrained` and
// `backendTakesNoMore`.

internal import Events
internal import HTTP1

/// What is known of a response before it comes. Value type, worker thread only.
struct ExpectedResponse {
    /// Of the request that it answers.
    var method = Method.other
    /// Whether a chunked body goes on in its chunks.
    var keepsChunks = true
    /// How large its head may be.
    var limits = HeadLimits()
}

/// A backend's side of one try. Worker thread only.
enum BackendStream {
    /// A connection of HTTP/1.1, which carries one request at a time.
    case http1(Link<HTTP1BackendConnection>)

    /// The connection, which lives until its try is over.
    @inline(__always)
    private func with<Result>(_ body: (HTTP1BackendConnection) -> Result) -> Result {
        switch self {
        case .http1(let connection): connection.use(body)
        }
    }

    // MARK: - What it is

    /// Which of the exchange's tries goes on here.
    var slot: Tries.Slot { with { $0.slot } }

    var backend: PooledBackend { with { $0.backend } }
    var pool: BackendPool { with { $0.pool } }

    /// Passes slot, backend and pool to `body`. None of them is counted, as they are where the
    /// properties return them.
    @inline(__always)
    func withPlace<Result>(_ body: (Tries.Slot, PooledBackend, BackendPool) -> Result) -> Result {
        with { body($0.slot, $0.backend, $0.pool) }
    }

    /// Whether it is on a connection that has carried an exchange before: then the backend may have
    /// closed that meanwhile.
    var isReused: Bool { with { $0.isReused } }

    /// When the backend has to have done something, in the loop's nanoseconds; `backendTimedOut`
    /// follows. `.max` is never.
    var deadlineNanoseconds: UInt64 {
        get { with { $0.deadlineNanoseconds } }
        nonmutating set { with { $0.deadlineNanoseconds = newValue } }
    }

    // MARK: - The request

    /// Takes it into use for the try of `exchange` in `slot`.
    func use(for exchange: HTTPExchange, _ slot: Tries.Slot) {
        with { $0.use(for: exchange, slot) }
    }

    /// Keeps it for the client for which it works: what it has authenticated is the connection.
    func bind() { with { $0.bind() } }

    /// Sends the head of a request, and what there is of its body.
    func send(
        _ head: SendBuffer, _ body: [UInt8], expecting expected: ExpectedResponse
    ) -> WriteOutcome {
        with { $0.send(head, body, expecting: expected) }
    }

    /// Sends more of the request's body.
    func send(_ body: Span<UInt8>) -> WriteOutcome { with { $0.send(body) } }

    /// Whether bytes are kept for the backend that the kernel has not taken yet.
    var isCongested: Bool { with { $0.isCongested } }

    /// Whether sending has failed; what the backend sent before may still be read.
    var isBroken: Bool { with { $0.isBroken } }

    /// Whether the backend has acknowledged anything since this was last asked, or bytes moved.
    func hasAcknowledgedMore() -> Bool { with { $0.hasAcknowledgedMore() } }

    // MARK: - The response

    /// Whether a part of a response's head has come.
    var hasBegun: Bool { with { $0.hasBegun } }

    /// Has no more of the response come, since it can't be passed on for now.
    func pauseResponse() { with { $0.stopReading() } }

    /// Has the response go on.
    func resumeResponse() { with { $0.startReading() } }

    /// Keeps a head that switches protocols, and `following` behind it, until `readAgain`.
    func putBack(_ head: Span<UInt8>, _ following: Span<UInt8>) {
        with { $0.putBack(head, following) }
    }

    /// Reads what was put back as if it came now.
    func readAgain() { with { $0.readAgain() } }

    // MARK: - The end, after which the exchange does not know it any more

    /// The response is over: keeps what can be used again, if `isReusable` as far as the exchange
    /// is concerned; `client` gets what is bound to it, if that goes on.
    func release(isReusable: Bool, to client: ClientStream, clientGoesOn: Bool) {
        with { $0.release(isReusable: isReusable, to: client, clientGoesOn: clientGoesOn) }
    }

    /// The response, whose head has come and `following` behind it, goes nowhere: drops it, and
    /// keeps what can be used again, if `isReusable` as far as the exchange is concerned.
    func dismiss(_ following: Span<UInt8>, isReusable: Bool, for client: ClientStream) {
        with { $0.dismiss(following, isReusable: isReusable, for: client) }
    }

    /// Ends it in such a way that the backend can tell a request cut short from a whole one.
    func abort() { with { $0.abort() } }

    // MARK: - What only a connection of its own can do

    /// Where a splice may take the response from; nil where it has to be received.
    var spliceEnd: Descriptor? { with { $0.spliceEnd } }

    /// Moves on what `source` has received, at most `limit` bytes, inside the kernel.
    func splice(from source: Descriptor, limit: Int) -> SpliceOutcome {
        with { $0.spliceRequest(from: source, limit: limit) }
    }

    /// Gives up the connection for the protocol that it switches to; the try is over.
    func detachForUpgrade() -> Handoff {
        let connection = with { $0 }
        return connection.detachForUpgrade()
    }
}
