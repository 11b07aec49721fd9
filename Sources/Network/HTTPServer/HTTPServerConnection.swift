// HTTPServerConnection: one client's connection, one request at a time.
//
//   idle ── first byte ──▶ head ── complete ──▶ body ── complete ──▶ answering
//    ▲                                                                   │ reply
//    └────────────── kept ── sending ◀───────────────────────────────────┘
//                               └── not kept ──▶ handed over to a ClosingConnection
//
// A response that goes on (HTTPServerStream) is `streaming` between answering and sending; its
// connection is never kept.
//
// Reading stops from the complete request until its response is sent: what a client pipelines waits
// in the kernel, so nothing here grows with the number of requests sent. After an error the
// connection is not kept, since where the next request begins is not known.

internal import Endpoints
internal import Events
internal import HTTP1
internal import TLS
internal import WallClock

/// A connection of an `HTTPServer`. Loop thread only.
final class HTTPServerConnection: StreamChannel {
    private enum State {
        /// Between requests, or inside a head when there is input.
        case head
        case body(HTTPServerRequest, PayloadReader)
        /// The handler has the request.
        case answering(HTTPServerRequest)
        /// The body of its response goes on.
        case streaming(HTTPServerStream)
        /// Its response is on its way, and the next request is waited for after that.
        case sending
        /// The rest is a `ClosingConnection`'s.
        case leaving
    }

    /// Requests answered in one turn of the loop, so that a client that pipelines takes turns with
    /// everything else on the control thread.
    private static let requestsPerTurnMax = 4
    /// Bytes that a client may send while it waits for an answer that it is watched for, or reads a
    /// stream.
    private static let earlyBytesMax = 16 * 1024

    private let server: HTTPServer
    private let peer: Endpoint
    private var state = State.head
    /// When it last became idle, in the loop's nanoseconds.
    private(set) var idleSince: UInt64
    /// When the first byte of a request came that is not complete yet; nil when there is none such.
    private(set) var incompleteSince: UInt64?
    /// Whether nothing but vital paths is answered on it.
    private let isReserved: Bool
    private var head: RequestHead
    /// Whether it has brought a byte.
    private var wasAsked = false
    /// Received and not yet parsed.
    private var input: [UInt8] = []
    /// How many bytes of it were parsed for nothing as a head.
    private var seen = 0
    /// Whether pieces of a stream have their lengths before them.
    var isStreamChunked = false
    private var earlyBytes = 0
    /// The reply that wants to know when the client goes before it has its answer.
    private weak var watcher: HTTPServerReply?
    /// The loop of `proceed` is on the stack: a reply given within it returns there.
    private var isProceeding = false

    init(
        _ handoff: consuming Handoff, from peer: Endpoint, of server: HTTPServer,
        isReserved: Bool
    ) {
        self.isReserved = isReserved
        self.server = server
        self.peer = peer
        idleSince = server.loop.nowNanoseconds
        let headMax = server.options.headBytesMax
        head = RequestHead(limits: HeadLimits(bytesMax: headMax, requestLineBytesMax: headMax / 2))
        super.init(handoff, on: server.loop)
    }

    /// Between two requests: it can be closed without loss.
    var isIdle: Bool {
        if case .head = state { return input.isEmpty }
        return false
    }

    func start() {
        wait(idleTimeout)
        startReading()
    }

    /// The server stops: the next response is the last one.
    func drain() {
        if isIdle { wait(idleTimeout) }
        stream?.finishByServer()
    }

    private var idleTimeout: Duration {
        guard server.isDraining else { return options.idleTimeout }
        return wasAsked ? options.nextRequestGrace : options.firstRequestGrace
    }

    override func close() {
        guard isOpen else { return }
        super.close()
        server.forget(self)
        if case .streaming(let stream) = state { stream.lose() }
        watcher?.lose()
    }

    // MARK: - Events

    override func onReadable() {
        switch receive(into: server.buffer) {
        case .bytes(let count):
            wasAsked = true
            switch state {
            case .leaving: return
            case .answering, .streaming:
                // Nothing is expected; what comes early is either kept within bounds or ignored.
                earlyBytes += count
                guard earlyBytes <= Self.earlyBytesMax else { return close() }
                if case .answering = state { server.buffer.withBytes(count) { input.append($0) } }
                return
            case .head, .body, .sending: break
            }
            if isIdle {
                incompleteSince = loop.nowNanoseconds
                wait(server.options.requestTimeout)
            }
            server.buffer.withBytes(count) { input.append($0) }
            proceed()
        case .wouldBlock: break
        // A request that is cut short has nobody left to answer.
        case .endOfStream: close()
        case .failed: if let failure = tlsLayer?.failure { failed(failure) } else { close() }
        }
    }

    override func onWritable() {
        if isCongested { return super.onWritable() }
        // The turn is over that `proceed` waits for.
        stopAwaitingWrite()
        proceed()
    }

    override func onProgress() {
        switch state {
        case .sending: wait(options.responseTimeout)
        case .streaming: wait(options.streamStallTimeout)
        case .head, .body, .answering, .leaving: break
        }
    }

    override func onDrained() {
        switch state {
        case .sending: responseSent()
        case .streaming:
            deadlineNanoseconds = .max
            return
        case .head, .body, .answering, .leaving: break
        }
        proceed()
    }

    override func onBroken() { close() }

    override func onDeadline() {
        switch state {
        case .head where !input.isEmpty, .body:
            refuse(408, "The request did not come in time; send it without a pause.")
        case .head, .leaving: close()
        case .sending, .streaming: if hasAcknowledgedMore() { onProgress() } else { reset() }
        case .answering: break
        }
    }

    // MARK: - TLS

    private var tlsLayer: TLSLayer? { layer as? TLSLayer }

    /// The client has broken the rules of TLS, and has been told so by an alert. That gets to it
    /// only if what it still sends is read.
    private func failed(_ failure: TLSFailure) {
        guard case .head = state, input.isEmpty else { return close() }
        guard failure == .plainHTTP else { return leave() }
        state = .leaving
        // Nothing was sealed yet: the connection goes on without its layer.
        let plain = StreamChannel(Handoff(handOff().descriptor), on: loop)
        let response = options.refusal(
            400, "This port speaks HTTPS: write https:// in place of http://.")
        switch plain.write(
            bytes(of: response, to: ClientCapabilities(version: .http11, keepsAlive: false)))
        {
        case .sent, .kept, .failed: server.end(self, by: plain)
        }
    }

    // MARK: - Requests

    /// Takes as many requests from the input as may be taken now.
    private func proceed() {
        guard !isProceeding else { return }
        isProceeding = true
        var turns = Self.requestsPerTurnMax
        while isOpen, parseRequest() {
            turns -= 1
            if turns == 0, !input.isEmpty, isOpen {
                // Writable it is: the rest comes with the next batch.
                awaitWrite()
                break
            }
        }
        isProceeding = false
        guard isOpen else { return }
        switch state {
        case .head, .body, .leaving: if isAwaitingWrite { stopReading() } else { startReading() }
        case .answering where watcher != nil: startReading()
        case .streaming: startReading()
        case .answering, .sending: stopReading()
        }
    }

    /// Parses a request and hands it to the handler; false when there is none, or one is under way.
    private func parseRequest() -> Bool {
        if case .head = state, !input.isEmpty { parseHead() }
        guard case .body(var request, var payload) = state else { return false }
        // Each way out of here sets it again; meanwhile nothing else holds the body, which grows
        // without being copied.
        state = .leaving
        if let problem = parseBody(of: &request, with: &payload) {
            refuse(problem.status, problem.text)
            return false
        }
        guard payload.isComplete else {
            state = .body(request, payload)
            return false
        }
        state = .answering(request)
        incompleteSince = nil
        deadlineNanoseconds = .max
        server.handler(request, HTTPServerReply(self))
        return true
    }

    private func parseHead() {
        // The same storage under a name of its own: `head` and `input` are both `self`.
        let bytes = input
        switch head.parse(bytes.span, alreadySeen: seen) {
        case .needMore:
            seen = bytes.count
        case .bad(let error):
            refuse(error.status, error.description)
        case .complete(let length):
            seen = 0
            let request = HTTPServerRequest(
                head, head: Array(bytes[..<length]), from: peer,
                certificate: tlsLayer?.outcome?.client, keepsAlive: true)
            if isReserved, !server.options.isVital(request.path) {
                return refuse(503, "There are as many connections as may be.", to: request)
            }
            if case .length(let count) = head.body, count > UInt64(server.options.bodyBytesMax) {
                return refuse(413, tooLarge, to: request)
            }
            input = Array(bytes[length...])
            if head.expectsContinue, input.isEmpty {
                switch write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) {
                case .sent, .kept: break
                case .failed: return close()
                }
            }
            wait(server.options.requestTimeout)
            state = .body(request, PayloadReader(head.body))
        }
    }

    private var tooLarge: String {
        "The body is larger than \(server.options.bodyBytesMax) bytes."
    }

    /// Moves what the input has of the body into the request; what follows it stays.
    private func parseBody(
        of request: inout HTTPServerRequest, with payload: inout PayloadReader
    ) -> (status: Int, text: String)? {
        let bytes = input
        var at = 0
        steps: while !payload.isComplete {
            switch payload.next(bytes.span, from: at) {
            case .data(let range):
                guard range.count <= server.options.bodyBytesMax - request.body.count else {
                    return (413, tooLarge)
                }
                request.body.append(contentsOf: bytes[range])
                at = range.upperBound
            case .needMore:
                at = bytes.count
                break steps
            case .end(let consumed): at = consumed
            case .bad(let error): return (400, error.description)
            }
        }
        if at > 0 { input = Array(bytes[at...]) }
        return nil
    }

    // MARK: - Responses

    /// Answers the request that the handler has; dropped when there is none.
    func respond(_ response: HTTPServerResponse) {
        guard isOpen, case .answering(let request) = state else { return }
        watcher = nil
        earlyBytes = 0
        send(response, to: request.client, omitsBody: request.method == .head)
        proceed()
    }

    /// Answers what is no proper request, and ends the connection.
    private func refuse(_ status: Int, _ text: String, to request: HTTPServerRequest? = nil) {
        var response = server.options.refusal(status, text)
        response.closesConnection = true
        send(
            response,
            to: request?.client ?? ClientCapabilities(version: .http11, keepsAlive: false),
            omitsBody: request?.method == .head)
    }

    private func send(
        _ response: HTTPServerResponse, to client: ClientCapabilities, omitsBody: Bool
    ) {
        var client = client
        client.keepsAlive =
            client.keepsAlive && !response.closesConnection && !server.isDraining
        incompleteSince = nil
        let outcome = write(bytes(of: response, to: client, omitsBody: omitsBody))
        if case .failed = outcome { return close() }
        guard client.keepsAlive else { return leave() }
        state = .sending
        if outcome == .sent {
            responseSent()
        } else {
            wait(server.options.responseTimeout)
            stopReading()
        }
    }

    private func bytes(
        of response: HTTPServerResponse, to client: ClientCapabilities, omitsBody: Bool = false
    ) -> [UInt8] {
        var writer = ResponseWriter(
            status: response.status, contentType: response.contentType, to: client,
            omitsBody: omitsBody)
        // RFC 9110 section 6.6.1: a server with a clock sends the date.
        writer.addField("Date", Array(UTCTime.now.httpDate.utf8).span)
        for field in response.fields { writer.addField(field.name, Array(field.value.utf8).span) }
        var bytes: [UInt8] = []
        writer.write(body: response.body.span, into: &bytes)
        return bytes
    }

    /// The client's kernel has the response: the next request may come.
    private func responseSent() {
        state = .head
        idleSince = loop.nowNanoseconds
        incompleteSince = input.isEmpty ? nil : idleSince
        wait(input.isEmpty ? idleTimeout : options.requestTimeout)
    }

    /// Nothing comes behind what was written: the connection ends once the client has it.
    func leave() {
        state = .leaving
        input = []
        server.end(self)
    }

    // MARK: - Streams, see HTTPServerConnection+Stream

    var options: HTTPServerOptions { server.options }

    /// The request that the handler has; nil when it has none.
    var answering: HTTPServerRequest? {
        if case .answering(let request) = state { request } else { nil }
    }

    /// Whether a stream is under way: an end of the server is an end of it.
    var stream: HTTPServerStream? {
        if case .streaming(let stream) = state { stream } else { nil }
    }

    /// From now on the response's body comes in pieces, by `push`; `head` goes before it.
    func startStream(_ stream: HTTPServerStream, head: [UInt8]) {
        watcher = nil
        state = .streaming(stream)
        input = []
        push(head)
        if isOpen { startReading() }
    }

    /// Sends `bytes` of a stream. A client that takes nothing at all has its time, which starts
    /// over whenever it takes something.
    func push(_ bytes: [UInt8]) {
        switch write(bytes) {
        case .sent: break
        case .kept: if deadlineNanoseconds == .max { wait(options.streamStallTimeout) }
        case .failed: close()
        }
    }

    /// Tells `reply` when the client goes away before it is answered.
    func watch(for reply: HTTPServerReply) {
        guard isOpen, case .answering = state else { return }
        watcher = reply
        startReading()
    }

    private func wait(_ duration: Duration) {
        deadlineNanoseconds = loop.nowNanoseconds + duration.wholeNanoseconds
    }
}
