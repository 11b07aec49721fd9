// OwnRequest: a request that Fairlead makes by itself because of a client's: the question whether
// that may go on (AuthRequest.swift), or a copy of it (MirrorRequest.swift). To its exchange it is
// the client (ClientStream.swift): so it is balanced, judged and counted as any request of its
// service is, by pools, connections and evidence that know nothing of it.

internal import Events
internal import HTTP1
internal import ProxyProtocol

/// A client that is Fairlead itself. Worker thread only; used again for one request after the
/// other.
class OwnRequest {
    final let worker: Worker
    /// The exchange of the request; nil before it is sent, and once it is over.
    private(set) final var exchange: HTTPExchange?
    /// The service that the request is for; nil while it is free.
    private(set) final var pool: BackendPool?
    private final var origin: ClientContext?
    /// Its place among the requests that the worker keeps; -1 for none.
    final var place = -1

    init(worker: Worker) {
        self.worker = worker
    }

    deinit {
        precondition(exchange == nil, "a request was dropped before its end")
    }

    /// What is known of the client whose request is the reason for this one.
    final var context: ClientContext {
        guard let origin else { preconditionFailure("a request that has not begun") }
        return origin
    }

    /// Whether it has no exchange.
    final var isOver: Bool { exchange == nil }

    // MARK: - Its life

    /// Takes it into use for the service of `pool`, because of a request of a client known by
    /// `context`.
    final func begin(_ context: ClientContext, to pool: BackendPool) {
        origin = context
        self.pool = pool
    }

    /// An exchange for it, which it keeps until `returnExchange`.
    final func takeExchange() -> HTTPExchange {
        let exchange = worker.takeExchange()
        self.exchange = exchange
        return exchange
    }

    /// Gives the exchange back to the worker; it is over.
    final func returnExchange() {
        if let exchange = exchange.take() { worker.recycle(exchange) }
    }

    /// Forgets what `begin` was told.
    final func end() {
        precondition(exchange == nil, "a request ends before its memory is used again")
        origin = nil
        pool = nil
    }

    // MARK: - As a client

    /// What a PROXY header tells a backend of the client.
    func proxyHeader() -> ProxyHeader { ProxyHeader(nil) }

    /// The answer has begun, whose `head` was parsed from `bytes`. Returns the size that a client
    /// would get.
    func respond(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) -> Int { 0 }

    /// A part of the answer's body has come.
    func append(_ part: Span<UInt8>) {}

    /// More of the answer's body has come, and its end if `isLast`.
    func send(_ part: Span<UInt8>, isLast: Bool) -> WriteOutcome { .sent }

    /// There is no answer: Fairlead would give this one in its place. Returns the sizes that a
    /// client would get.
    func answer(_ reply: LocalReply) -> (head: Int, body: Int) { (0, 0) }

    /// The exchange is over, and the answer is whole.
    func exchangeFinished() { returnExchange() }

    /// The exchange is over, and the answer is not whole.
    func exchangeBroken() { exchangeFinished() }
}
