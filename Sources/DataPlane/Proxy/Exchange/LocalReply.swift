// LocalReply: an answer of Fairlead's own, and the one way to give it: it is counted at its
// listener, sent, and, where no exchange was begun for the request, written to the access log. What
// an answer says does not depend on the client's protocol; its `ClientStream` frames it.

internal import AccessLog
internal import Events
internal import HTTP1
internal import RateLimits
internal import Routing
internal import Stats
internal import TLS

/// An answer of Fairlead's own. Value type, worker thread only.
struct LocalReply {
    /// How the request ends by it.
    let ending: Ending
    /// The status code, 200 to 599.
    let status: Int
    /// The media type of the body; nil leaves the field out.
    let contentType: String?
    /// A field that says what the client may do next; nil for none.
    let field: (name: StaticString, value: [UInt8])?
    /// Field lines of the backend's answer that the client gets; empty for none.
    private var keptLines: [UInt8] = []
    /// Field lines that say more of a limit; empty for none.
    private var limitLines: [(name: StaticString, value: [UInt8])] = []
    /// What a client of gRPC is told in the place of `body`; nil for the same.
    private(set) var message: [UInt8]?
    /// The route's field lines; nil without any.
    let edits: FieldEdits?
    /// What it says, where there is no page.
    let body: [UInt8]
    /// The operator's page, which clients get in place of `body`; nil for none.
    private var page: Page?
    /// The path of the route that the request came by, as spans have it; empty for none.
    fileprivate(set) var route: [UInt8] = []
    /// Whether it depends on the client's Accept what the answer says.
    private var dependsOnAccept = false

    private init(
        _ ending: Ending, _ status: Int, contentType: String? = "text/plain; charset=utf-8",
        _ field: (name: StaticString, value: [UInt8])? = nil, _ edits: FieldEdits? = nil,
        body: [UInt8] = []
    ) {
        self.ending = ending
        self.status = status
        self.contentType = contentType
        self.field = field
        self.edits = edits
        self.body = body
    }

    /// The answer in place of a backend's, whose client sees a page: with this status, and `lines`,
    /// which are whole field lines. `show` follows.
    init(inPlaceOf status: Int, _ lines: [UInt8], _ edits: FieldEdits?) {
        self.init(.complete, status, contentType: nil, nil, edits)
        keptLines = lines
    }

    /// The answer to a request that ends as `ending`; `service` is the name of the service that it
    /// was for, if it was for any, and `fault` the last one of its backends' TLS.
    ///
    /// - Precondition: `ending` has a status.
    init(_ ending: Ending, service: String = "", _ fault: TLSFault? = nil) {
        guard let status = ending.status else {
            preconditionFailure("\(ending) is no end with an answer of Fairlead's own")
        }
        let field: (name: StaticString, value: [UInt8])? =
            switch ending {
            // RFC 9110, section 10.2.1: what the target allows is the backend's to say; an empty
            // list promises nothing.
            case .optionsAtLastHop, .traceAtLastHop: ("Allow", [])
            // Nothing was done yet: the client may simply try again.
            default: status == 503 || status == 429 ? ("Retry-After", Array("1".utf8)) : nil
            }
        self.init(ending, status, field, body: Array(ending.sentence(service: service, fault).utf8))
    }

    /// The answer to a request that is beyond `limit`, and may be sent again after `wait`, in
    /// nanoseconds.
    init(_ ending: Ending, _ limit: RateLimit, wait: UInt64) {
        // Rounded up, as the client would come too early else.
        let seconds = wait / 1_000_000_000 + (wait % 1_000_000_000 > 0 ? 1 : 0)
        self.init(
            ending, ending.status ?? 429, ("Retry-After", Array("\(seconds)".utf8)),
            body: Array(ending.sentence(service: "").utf8))
        let name =
            switch limit.rule.scope {
            case .address: "address"
            case .field: "field"
            case .all: "all"
            }
        // draft-ietf-httpapi-ratelimit-headers-10: the quota, its window, and what is left of it.
        let quota = limit.quota
        let window = quota.time.components
        let isWhole = window.attoseconds == 0
        let policy = "\"\(name)\";q=\(quota.requests)" + (isWhole ? ";w=\(window.seconds)" : "")
        limitLines = [
            ("RateLimit-Policy", Array(policy.utf8)),
            ("RateLimit", Array("\"\(name)\";r=0;t=\(seconds)".utf8)),
        ]
    }

    /// The answer to a request of a client that may not come while `maintenance` goes on.
    init(_ maintenance: Maintenance) {
        let ending = Ending.maintenance
        self.init(
            ending, ending.status ?? 503, ("Retry-After", maintenance.retryAfter),
            body: Array(ending.sentence(service: "").utf8))
        page = maintenance.page
    }

    /// The answer to a request whose head is refused for `error`.
    init(refusing error: HeadError) {
        self.init(.refused, error.status, body: Array("\(error)\n".utf8))
    }

    /// The answer of a route that redirects to `location`.
    init(_ redirect: Redirect, to location: [UInt8], _ edits: FieldEdits?) {
        self.init(.answered, redirect.status, ("Location", location), edits)
    }

    /// The refusal of `service`, which was asked whether the request may go on: with `lines` and
    /// `body` as they came, or with a sentence where there is no body to pass on.
    ///
    /// - Parameter lines: whole field lines, without those that frame the body; with those that
    ///   describe it.
    init(
        refusedBy service: String, _ status: Int, _ lines: [UInt8], _ edits: FieldEdits?,
        body: [UInt8]? = nil
    ) {
        let sentence = Array(Ending.authRefused.sentence(service: service).utf8)
        self.init(
            .authRefused, status, contentType: body == nil ? "text/plain; charset=utf-8" : nil, nil,
            edits, body: body ?? sentence)
        keptLines = lines
        message = sentence
    }

    /// The refusal of a request without a name and a password that let it in: `challenge` is the
    /// value of WWW-Authenticate.
    init(challenge: [UInt8], _ edits: FieldEdits?) {
        self.init(
            .authRefused, 401, ("WWW-Authenticate", challenge), edits,
            body: Array("A user name and a password are needed here.\n".utf8))
    }

    /// The answer that a route says.
    init(_ response: FixedResponse, _ edits: FieldEdits?) {
        self.init(
            .answered, response.status,
            // RFC 9110, section 8.3: the field describes the content, and there is none.
            contentType: response.body.isEmpty ? nil : response.contentType,
            nil, edits, body: response.body)
    }
}

extension LocalReply {
    /// What it says: the page if there is one, else a line of text.
    var content: [UInt8] { page?.bytes ?? body }

    /// Whether it shows a page.
    var hasPage: Bool { page != nil }

    /// Has the answer show the page that `pages` have for its status, to a client that takes it, as
    /// `head` says, the request's head; empty where that could not be read. An answer that the
    /// operator has written keeps what that says.
    mutating func show(_ pages: ErrorPages?, _ head: Span<UInt8>) {
        guard status >= 400, ending != .answered || body.isEmpty,
            let page = page ?? pages?.page(for: status)
        else { return }
        dependsOnAccept = true
        self.page = AcceptedFormats(head).contain(page.format) ? page : nil
    }

    /// What writes the answer for a client with these capabilities; `edits` are its listener's,
    /// where no route has others.
    func writer(
        to client: ClientCapabilities, omitsBody: Bool, _ edits: FieldEdits?
    ) -> ResponseWriter {
        var writer = ResponseWriter(
            status: status, contentType: nil, to: client, omitsBody: omitsBody)
        if let type = page?.mediaType ?? contentType {
            writer.addField("Content-Type", Array(type.utf8).span)
        }
        if dependsOnAccept { writer.addField("Vary", "Accept") }
        if let field { writer.addField(field.name, field.value.span) }
        for line in limitLines { writer.addField(line.name, line.value.span) }
        if !keptLines.isEmpty { writer.add(lines: keptLines.span) }
        if let edits = self.edits ?? edits { writer.add(edits) }
        return writer
    }

    /// Counts the answer and sends it; `mayStay` says whether the connection may be used again, as
    /// far as the caller is concerned. Returns the sizes of its head and its body.
    func send(to client: ClientStream, mayStay: Bool = true) -> (head: Int, body: Int) {
        if let counter = ending.listenerCounter { client.context.listener.counters.add(counter) }
        return client.answer(self, mayStay: mayStay)
    }

    /// Answers a request that no exchange was begun for, and whose `head` was parsed from `bytes`.
    func send(
        to client: ClientStream, answering head: borrowing RequestHead, _ bytes: Span<UInt8>,
        on worker: Worker
    ) {
        var text = LoggedText()
        let trace = worker.tracer?.trace(
            head, bytes, client.context, at: worker.loop.nowNanoseconds)
        if worker.log != nil || trace != nil { text.copy(head, from: bytes) }
        send(to: client, version: head.version, headBytes: bytes.count, text, trace, on: worker)
        if let trace { writeSpan(trace, head.method, head.version, text, client, worker) }
    }

    /// Answers a request that no exchange was begun for: counts the answer, sends it, and writes
    /// the line of the access log. What becomes of the connection is up to the caller.
    ///
    /// - Parameters:
    ///   - version: of the client's HTTP.
    ///   - headBytes: the size of the request's head; 0 when that could not be read.
    ///   - text: what the line shows of the head; nothing without a log.
    ///   - trace: that of the request; nil for a head that could not be read.
    func send(
        to client: ClientStream, version: HTTPVersion = .http11, headBytes: Int = 0,
        _ text: LoggedText = LoggedText(), _ trace: RequestTrace? = nil, on worker: Worker
    ) {
        let sent = send(to: client)
        guard let log = worker.log else { return }
        var entry = AccessEntry(.http(version), ending.code)
        entry.status = status
        entry.bytesIn = headBytes
        entry.bytesOut = sent.head + sent.body
        entry.bodyBytesOut = sent.body
        entry.tls = client.tls
        entry.trace = trace?.outgoing.context
        log.write(
            entry, text, client: client.context.address, worker.arrival(of: client.number),
            listener: client.context.listener, pool: nil, backend: nil)
    }
}

extension Destination {
    /// What Fairlead answers to the request that goes there, whose `head` was parsed from `bytes`.
    ///
    /// - Precondition: it is no service.
    func reply(
        to head: borrowing RequestHead, _ bytes: Span<UInt8>, of client: ClientContext
    ) -> LocalReply {
        var reply = plainReply(to: head, bytes, of: client)
        reply.show(route?.errorPages ?? client.listener.options.errorPages, bytes)
        if let route { reply.route = route.pattern }
        return reply
    }

    /// The route that the request came by; nil for none.
    private var route: Route? {
        switch self {
        case .service(_, let route), .answer(_, let route), .limited(_, _, _, let route),
            .closed(_, let route), .redirect(_, let route), .respond(_, let route):
            route.object
        case .refuse: nil
        }
    }

    private func plainReply(
        to head: borrowing RequestHead, _ bytes: Span<UInt8>, of client: ClientContext
    ) -> LocalReply {
        switch self {
        case .service: preconditionFailure("a service answers by its backends")
        case .answer(let ending, _): return LocalReply(ending)
        case .limited(let ending, let limit, let wait, _):
            return LocalReply(ending, limit, wait: wait)
        case .closed(let maintenance, _): return LocalReply(maintenance)
        case .refuse(let error): return LocalReply(refusing: error)
        case .redirect(let redirect, _):
            var location: [UInt8] = []
            let origin = client.listener.clientOrigin(head, bytes, client)
            guard redirect.appendTarget(for: head, bytes, told: origin, to: &location) else {
                return LocalReply(refusing: .missingHost)
            }
            return LocalReply(redirect, to: location, route?.responseEdits)
        case .respond(let response, _): return LocalReply(response, route?.responseEdits)
        }
    }
}
