// AuthRequest: the question to another service whether a request may go on, and what comes back. It
// collects the answer, and tells the exchange that waits for it (HTTPExchange+Auth.swift).
//
// A head that lets the request through is all that matters of that answer. Servers often send its
// body by itself, 40 ms later where they wait for an acknowledgement of the head (RFC 896): so the
// request goes on at once, and the worker keeps the question until the body is over, for the sake
// of the connection.

internal import Events
internal import HTTP1
internal import ProxyProtocol
internal import Routing
internal import Stats

/// A question about a request, and the answer. Worker thread only; used again for one question
/// after the other.
final class AuthRequest: OwnRequest {
    /// What the service has said.
    enum Outcome {
        /// The request may go on (2xx); `lines` has the fields that it gets.
        case allowed
        /// The request may not go on: the client gets this status, `lines` and `body`.
        case refused(status: Int)
        /// There is no answer that says yes or no.
        case failed
    }

    /// The most bytes of a refusal's body that are passed on.
    static var bodyMax: Int { 65_536 }

    /// The client of the request that the question is about: for as long as an exchange waits.
    private var asker = ClientStream.own(Link())
    /// The exchange that waits; none once it does not wait any more.
    private var waiting = Link<HTTPExchange>()
    /// What is asked and taken; nil while it is free.
    private(set) var rule: RouteAuth?
    private(set) var outcome = Outcome.failed
    /// Whole field lines of the answer.
    private(set) var lines: [UInt8] = []
    /// Of a refusal, those that describe its body.
    private var contentLines: [UInt8] = []
    private var body: [UInt8] = []
    private var bodyCount = 0
    private var isBodyWhole = false
    /// How much of it is kept for the next question.
    private static let keptMax = 4096

    // MARK: - The question

    /// Begins the question of `rule` about the request of `waiting`, whose `head` was parsed from
    /// `bytes`; `send` follows, or `cancel`.
    func begin(
        _ rule: RouteAuth, about head: borrowing RequestHead, _ bytes: Span<UInt8>,
        of asker: ClientStream, _ context: ClientContext, for waiting: HTTPExchange,
        requestID: RequestID?
    ) {
        self.asker = asker
        self.waiting = Link(waiting)
        self.rule = rule
        let pool = context.listener.destinations.pool(at: rule.place)
        begin(context, to: pool)
        takeExchange().begin(
            rule.question, about: head, bytes, from: .own(Link(self)), context, to: pool,
            requestID: requestID, trace: waiting.isTraced ? waiting.trace : nil)
    }

    /// Sends the question, whose answer has to come by `endsBy`, in the loop's nanoseconds. The
    /// exchange that waits may have been told before this returns.
    func send(endsBy: UInt64) {
        guard let exchange, let pool else { return }
        exchange.request.endsBy = endsBy
        exchange.start(with: Span(), isLast: true, .own(Link(self)), pool)
    }

    /// The time for an answer is over, wherever the question is.
    func expire() { exchange?.failRequest(.requestExpired) }

    /// Nobody waits for an answer any more.
    func cancel() {
        stopTelling()
        exchange?.clientBroken()
        returnExchange()
    }

    /// Forgets everything, for the next question.
    func clear() {
        end()
        stopTelling()
        rule = nil
        outcome = .failed
        lines.removeAll(keepingCapacity: lines.capacity <= Self.keptMax)
        contentLines.removeAll(keepingCapacity: contentLines.capacity <= Self.keptMax)
        body.removeAll(keepingCapacity: body.capacity <= Self.keptMax)
        bodyCount = 0
        isBodyWhole = false
    }

    private func stopTelling() {
        asker = .own(Link())
        waiting = Link()
    }

    // MARK: - As a client

    override func proxyHeader() -> ProxyHeader { asker.proxyHeader(on: worker) }

    override func respond(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) -> Int {
        guard let rule else { return 0 }
        switch head.status {
        case 200...299:
            outcome = .allowed
            head.appendLines(of: rule.taken, from: bytes, to: &lines)
        case 300...499:
            outcome = .refused(status: head.status)
            head.appendLines(from: bytes, to: &lines, content: &contentLines)
        default: outcome = .failed
        }
        return 0
    }

    override func append(_ part: Span<UInt8>) {
        bodyCount += part.count
        guard case .refused = outcome, bodyCount <= Self.bodyMax else { return }
        body.append(part)
    }

    override func send(_ part: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        append(part)
        if isLast {
            isBodyWhole = bodyCount <= Self.bodyMax
            return .sent
        }
        if case .allowed = outcome { tell() }
        // A connection is not worth reading a body without an end.
        return bodyCount <= Self.bodyMax ? .sent : .failed(.noBufferSpace)
    }

    override func answer(_ reply: LocalReply) -> (head: Int, body: Int) {
        outcome = .failed
        return (0, 0)
    }

    /// The exchange of the question is over. Where the answer is not whole, what its head has said
    /// stands, if that came.
    override func exchangeFinished() {
        returnExchange()
        if waiting.isSet { tell() } else { worker.authRequests.recycle(self) }
    }

    /// Tells the exchange that waits, if it still does.
    private func tell() {
        let waiting = waiting
        stopTelling()
        waiting.with { $0.authEnded() }
    }

    // MARK: - What follows

    /// What the client gets for a refusal with `status`: without the body where that is too large
    /// or not whole. `edits` are the route's.
    func refusal(status: Int, _ edits: FieldEdits?) -> LocalReply {
        let service = pool?.options.name ?? ""
        return isBodyWhole
            ? LocalReply(refusedBy: service, status, lines + contentLines, edits, body: body)
            : LocalReply(refusedBy: service, status, lines, edits)
    }
}
