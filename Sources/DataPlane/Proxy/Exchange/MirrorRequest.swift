// MirrorRequest: a copy of a request for another service, whose answer nobody gets. The head and
// the body are kept until all of the request has been passed on; then the copy is sent by itself,
// whole, and only then an exchange is made for it. So whatever becomes of it, its original does not
// know of it, and a client that leaves before leaves no half copy.
//
// It is sent once: nobody gains by a retry or a queue. Of the answer a part is
// read for the sake of the connection.

internal import Events
internal import HTTP1
internal import ProxyProtocol
internal import Routing
internal import Stats
internal import Traffic

/// A copy of a request. Worker thread only; used again for one copy after the other.
final class MirrorRequest: OwnRequest {
    /// The most bytes of an answer's body that are read: a connection is not worth reading more.
    static var answerBytesMax: Int { 1 << 20 }
    /// For how long an answer's body is read, in nanoseconds: a stream of events has no end.
    private static var answerTime: UInt64 { 10_000_000_000 }
    /// How much of its memory is kept for the next copy.
    private static let keptMax = 4096

    /// What the exchange of the copy has to know of the request.
    struct Traits {
        var method = Method.other
        var isChunked = false
        /// What the service hashes by, and the backend that the client sticks to there.
        var key: UInt64 = 0
        var stickyToken: UInt64?
    }

    private var traits = Traits()
    private var bodyMax = 0
    private var head: [UInt8] = []
    private var body: [UInt8] = []
    /// Whether the request goes to its backend, so that what comes of it is copied.
    private(set) var isCopying = false
    /// What a PROXY header says of the client, who may be gone by then; nil where none is sent.
    private var header: ProxyHeader?
    private var answerBytes = 0
    private var answerEndsAt: UInt64 = .max

    // MARK: - The copy

    /// Begins a copy by `rule` of a request of `client`, whose `head` was parsed from `bytes`, for
    /// the service of `pool`; `copy` follows, and `send`.
    func begin(
        _ rule: RouteMirror, of head: borrowing RequestHead, _ bytes: Span<UInt8>,
        from client: ClientStream, _ context: ClientContext, to pool: BackendPool
    ) {
        begin(context, to: pool)
        bodyMax = rule.bodyMax
        traits.method = head.method
        if case .chunked = head.body { traits.isChunked = true }
        if pool.affinity.isAsked {
            traits.key = pool.affinity.key(
                of: head, bytes, from: context.address, random: worker.random())
            traits.stickyToken = pool.affinity.token(of: head, bytes)
        }
        if pool.options.policy.sendsHeader != nil { header = client.proxyHeader(on: worker) }
    }

    /// The request goes to its backend with this head.
    func copy(head: Span<UInt8>) {
        isCopying = true
        // The line that says that it is a copy comes before the empty one.
        self.head.append(head.extracting(0..<head.count - 2))
        self.head.append(Self.mark.span)
    }

    private static let mark = Array("\(RouteMirror.field): 1\r\n\r\n".utf8)

    /// Adds a part of the body. False if that is larger than may be copied.
    func copy(body part: Span<UInt8>) -> Bool {
        guard body.count + part.count <= bodyMax else { return false }
        body.append(part)
        return true
    }

    /// Sends the copy, of which all is here. It may be over when this returns.
    func send() {
        guard let pool else { return }
        pool.counters.add(.mirrored)
        let client = ClientStream.own(Link(self))
        let exchange = takeExchange()
        exchange.begin(traits, head: head, body: &body, from: client, to: pool)
        exchange.start(with: Span(), isLast: true, client, pool)
    }

    /// Ends it, wherever it is.
    func cancel() {
        exchange?.clientBroken()
        exchangeFinished()
    }

    /// Forgets everything, for the next copy.
    func clear() {
        end()
        traits = Traits()
        isCopying = false
        header = nil
        answerBytes = 0
        answerEndsAt = .max
        head.removeAll(keepingCapacity: head.capacity <= Self.keptMax)
        body.removeAll(keepingCapacity: body.capacity <= Self.keptMax)
    }

    // MARK: - As a client

    override func proxyHeader() -> ProxyHeader { header ?? ProxyHeader(nil) }

    override func respond(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) -> Int {
        answerEndsAt = worker.loop.nowNanoseconds &+ Self.answerTime
        return 0
    }

    override func append(_ part: Span<UInt8>) { answerBytes += part.count }

    override func send(_ part: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        answerBytes += part.count
        let isEnough =
            answerBytes > Self.answerBytesMax || worker.loop.nowNanoseconds >= answerEndsAt
        return isLast || !isEnough ? .sent : .failed(.noBufferSpace)
    }

    override func exchangeFinished() {
        returnExchange()
        worker.mirrors.recycle(self)
    }
}
