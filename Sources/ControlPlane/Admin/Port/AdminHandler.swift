// AdminHandler: the admin port's answers. Each is made from one snapshot and never cached. Changes
// go to the controls, on behalf of the client's address.

internal import Endpoints
package import Events
internal import HTTP1
package import HTTPServer

/// Answers the requests of the admin port. Control thread only.
package final class AdminHandler {
    /// Nil where everybody may ask for everything there is: health and metrics.
    private let access: AdminAccess?
    let controls: AdminControls
    private let events: AdminEvents
    private var queue: AdminQueue?
    /// The last verdict, and until when it holds.
    private var known: (verdict: AdminVerdict, until: ContinuousClock.Instant)?

    /// A handler that admits requests by `access` and carries them out by `controls`.
    package init(access: AdminAccess, controls: AdminControls, on loop: EventLoop) {
        self.access = access
        self.controls = controls
        events = AdminEvents(on: loop, controls: controls)
        queue = AdminQueue(on: loop)
    }

    /// A handler that tells everybody health and metrics, as `controls` have them, and nothing
    /// else. Any host name will do: it changes nothing, and a kubelet or a Prometheus calls it by
    /// names of its own.
    package init(healthBy controls: AdminControls, on loop: EventLoop) {
        access = nil
        self.controls = controls
        events = AdminEvents(on: loop, controls: controls)
        queue = AdminQueue(on: loop)
    }

    /// Sends the new entries of the journal to the clients of `/events`.
    package func journalChanged() { events.journalChanged() }

    /// The limits of the server of this handler. A client that floods the port, or reads slowly,
    /// costs some of its connections and nothing else.
    package static var serverOptions: HTTPServerOptions {
        var options = HTTPServerOptions()
        options.connectionsMax = 64
        // Requests have no bodies.
        options.bodyBytesMax = 1024
        options.responseTimeout = .seconds(10)
        options.refusal = { status, text in
            let expected =
                status == 503 ? "another try in a moment" : "a request as HTTP/1.1 has it"
            return AdminProblem(status, text, expected: expected).response
        }
        options.reservedMax = 8
        options.isVital = { $0 == "/health/live" || $0 == "/health/ready" }
        return options
    }

    /// Answers `request`, at once or piece by piece.
    package func answer(_ request: HTTPServerRequest, _ reply: HTTPServerReply) {
        // A probe of whether the process lives must not wait behind expensive requests.
        if request.path == "/health/live" {
            _ = answerNow(request, reply)
        } else {
            let work = AdminQueue.Work { [unowned self] in answerNow(request, reply) }
            queue?.submit(work, isUrgent: request.path == "/health/ready")
        }
    }

    /// Answers, or begins to. Returns the rest of the work.
    private func answerNow(
        _ request: HTTPServerRequest, _ reply: HTTPServerReply
    ) -> AdminQueue.Work? {
        do throws(AdminProblem) {
            let call = try admit(request)
            switch try call.endpoint.handler(self, call) {
            case .whole(let response): reply.send(response)
            case .pieces(let pieces): return Self.makeMore(of: pieces, reply)
            case .events: try events.open(call, reply)
            }
        } catch {
            reply.send(error.response)
        }
        return nil
    }

    /// Makes another piece, and answers after the last one.
    private static func makeMore(
        of pieces: AdminPieces, _ reply: HTTPServerReply
    ) -> AdminQueue.Work? {
        guard reply.isAwaited else { return nil }
        guard let body = pieces.next() else {
            return AdminQueue.Work { makeMore(of: pieces, reply) }
        }
        reply.send(response(200, "application/json", body))
        return nil
    }

    /// The call that `request` makes, if its sender may make it.
    private func admit(_ request: HTTPServerRequest) throws(AdminProblem) -> AdminCall {
        guard let access else {
            return try AdminEndpoint.find(request, among: AdminEndpoint.aboutHealth)
        }
        try access.checkHost(request)
        try access.checkProxy(request)
        if !AdminEndpoint.isOpen(request.path) { try access.checkToken(request) }
        let call = try AdminEndpoint.find(request)
        guard call.endpoint.access == .change else { return call }
        try access.checkChange(request)
        guard request.body.isEmpty else {
            throw AdminProblem(
                400, "The request has a body.", expected: "no body: parameters go in the query")
        }
        return call
    }

    // MARK: - Showing

    /// A document with all backends: at once where they are few, piece by piece where they are
    /// many.
    private func document(
        _ make: (_ snapshot: AdminSnapshot, _ backendsMax: Int) -> some Encodable
    ) -> AdminEndpoint.Answer {
        if controls.backendCount() >= AdminPieces.countMin {
            let snapshot = controls.outline()
            let pieces = encodeJSON(make(snapshot, 0)).flatMap {
                AdminPieces(
                    outline: $0, services: snapshot.services.map(\.name),
                    backends: controls.backends)
            }
            if let pieces { return .pieces(pieces) }
        }
        return .whole(Self.json(make(controls.snapshot(), .max)))
    }

    func stats() -> AdminEndpoint.Answer {
        document { StatsDocument($0, backendsMax: $1) }
    }

    func services() -> AdminEndpoint.Answer {
        document { ServicesDocument($0, backendsMax: $1) }
    }

    func backends() -> AdminEndpoint.Answer {
        document { BackendsDocument($0, backendsMax: $1) }
    }

    func service(_ call: AdminCall) throws(AdminProblem) -> AdminEndpoint.Answer {
        let (name, snapshot) = (call.values[0], controls.snapshot())
        guard let service = snapshot.services.first(where: { $0.name == name }) else {
            throw Self.unknown("service", name, snapshot.services.map(\.name))
        }
        return .whole(Self.json(ServiceView(service, at: snapshot.takenAt, hasRecent: true)))
    }

    func backend(_ call: AdminCall) throws(AdminProblem) -> AdminEndpoint.Answer {
        let snapshot = controls.snapshot()
        return .whole(Self.json(try BackendDocument(snapshot, try Self.key(call.values[0]))))
    }

    func discovery() -> AdminEndpoint.Answer {
        .whole(Self.json(DiscoveryDocument(controls.snapshot())))
    }

    func configuration() -> AdminEndpoint.Answer {
        // RFC 9512.
        .whole(Self.response(200, "application/yaml", Array(controls.configuration().utf8)))
    }

    func metrics(_ call: AdminCall) -> AdminEndpoint.Answer {
        let format = PrometheusText.Format(accept: call.request.field("accept"))
        let text = MetricsText(controls.figures(), format: format, options: controls.metrics)
        var response = Self.response(200, format.contentType, text.bytes)
        response.fields.append(("Vary", "Accept"))
        return .whole(response)
    }

    func live() -> AdminEndpoint.Answer { .whole(Self.text(200, "live\n")) }

    func openAPI() -> AdminEndpoint.Answer {
        .whole(Self.response(200, "application/json", AdminOpenAPI.json))
    }

    func page() -> AdminEndpoint.Answer {
        // With its top bit set it always has 16 digits: HEAD has the Content-Length of GET.
        let nonce = String(UInt64.random(in: 1 << 63 ... .max), radix: 16)
        var response = Self.response(
            200, "text/html; charset=utf-8", Array(AdminPage.html(nonce: nonce).utf8))
        // Only the page's own script and styles run, even if an escape was forgotten.
        let policy =
            "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            + "frame-ancestors 'none'"
        response.fields.append(("Content-Security-Policy", policy))
        return .whole(response)
    }

    func ready(_ call: AdminCall) throws(AdminProblem) -> AdminEndpoint.Answer {
        let when = try call.query()["when"]
        guard when == nil || when == "any" || when == "every" else {
            throw AdminProblem(
                400, "when is \(AdminProblem.shown(when ?? "")).",
                expected: "when=any, as without it, or when=every")
        }
        let verdict = currentVerdict()
        let reasons = verdict.problems.filter { $0.blocksReadiness || $0.blocksEvery }
        let told =
            access?.isTrusted(call.request) != false ? reasons.map { "\($0.text)\n" }.joined() : ""
        let isReady = when == "every" ? verdict.isReadyForEvery : verdict.isReady
        return .whole(
            isReady ? Self.text(200, "ready\n" + told) : Self.text(503, "not ready\n" + told))
    }

    /// Load balancers in front ask for readiness often. A verdict holds for twenty times as long as
    /// it took to reach, which is next to nothing except with thousands of backends.
    private func currentVerdict() -> AdminVerdict {
        let start = ContinuousClock.now
        if let known, known.until > start { return known.verdict }
        let verdict = AdminVerdict(controls.verdict())
        let end = ContinuousClock.now
        known = (verdict, end + start.duration(to: end) * 20)
        return verdict
    }

    // MARK: - Changing

    func reload(_ call: AdminCall) throws(AdminProblem) -> AdminEndpoint.Answer {
        _ = try call.query()
        switch controls.reload(call.request.peer.address) {
        case .applied(let what): return .whole(Self.json(DoneDocument(done: what)))
        case .refused(let reasons):
            throw AdminProblem(
                422,
                "The configuration was refused, and the old one stays: "
                    + reasons.joined(separator: "; "),
                expected: "a configuration that `fairlead check` finds no fault with")
        case .unavailable(let what):
            throw AdminProblem(501, what, expected: "a restart")
        }
    }

    /// Makes the change of a backend that `read` makes from the query.
    func change(
        _ call: AdminCall, _ verb: String,
        _ read: (AdminQuery) throws(AdminProblem) -> AdminChange
    ) throws(AdminProblem) -> AdminEndpoint.Answer {
        let key = try Self.key(call.values[0])
        let query = try call.query()
        let force = query["force"]
        guard force == nil || force == "yes" else {
            throw AdminProblem(
                400, "force is \(AdminProblem.shown(force ?? "")).",
                expected: "force=yes, or no parameters")
        }
        let change = try read(query)
        switch controls.change(key, change, force != nil, call.request.peer.address) {
        case .done(let what):
            let view = BackendView.find(key, in: controls.snapshot())?.view
            return .whole(Self.json(DoneDocument(done: what, backend: view)))
        case .refused(let error, let expected):
            throw AdminProblem(409, error, expected: expected)
        case .unforced(let error):
            var problem = AdminProblem(
                409, error,
                expected:
                    "another backend in the rotation first; or \(verb)?force=yes, which does it "
                    + "all the same")
            problem.isForcible = true
            throw problem
        case .unknown: throw Self.unknown(key)
        }
    }

    /// The weight that a query asks for; nil for the one from discovery.
    static func weight(_ query: AdminQuery) throws(AdminProblem) -> UInt16? {
        guard let text = query["weight"] else {
            throw AdminProblem(
                400, "There is no weight.", expected: "weight=0 to weight=65535, or weight=auto")
        }
        return text == "auto" ? nil : try query.number("weight", 0...UInt16.max)
    }

    static let logLevels = ["error", "warning", "info", "debug"]

    func setLogLevel(_ call: AdminCall) throws(AdminProblem) -> AdminEndpoint.Answer {
        guard let level = try call.query()["level"], Self.logLevels.contains(level) else {
            throw AdminProblem(
                400, "There is no log level that is known.",
                expected: "level=" + Self.logLevels.joined(separator: " or level="))
        }
        controls.setLogLevel(level, call.request.peer.address)
        return .whole(Self.json(DoneDocument(done: "the log level is \(level)")))
    }

    // MARK: - Unknown names

    private static func key(_ text: String) throws(AdminProblem) -> BackendKey {
        if let key = BackendKey(text) { return key }
        throw AdminProblem(
            404, "\(AdminProblem.shown(text)) names no backend.",
            expected: "SERVICE@ADDRESS:PORT, such as web@10.0.0.1:8080; /backends has them all")
    }

    static func unknown(_ key: BackendKey) -> AdminProblem {
        AdminProblem(
            404, "There is no backend \(AdminProblem.shown("\(key)")).",
            expected: "one of those that /backends has as key")
    }

    private static func unknown(_ what: String, _ name: String, _ names: [String]) -> AdminProblem {
        let some = names.prefix(10).joined(separator: ", ")
        return AdminProblem(
            404, "There is no \(what) \(AdminProblem.shown(name)).",
            expected: names.isEmpty ? "there is none" : "one of \(some)")
    }

    // MARK: - Responses

    static var securityFields: [(name: StaticString, value: String)] {
        [
            ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
    }

    private static func text(_ status: Int, _ body: String) -> HTTPServerResponse {
        response(status, "text/plain; charset=utf-8", Array(body.utf8))
    }

    static func json(_ document: some Encodable) -> HTTPServerResponse {
        guard let body = encodeJSON(document) else {
            return AdminProblem(
                500, "A figure could not be written as JSON.",
                expected: "/metrics, which has it too"
            ).response
        }
        return response(200, "application/json", body)
    }

    private static func response(
        _ status: Int, _ type: StaticString, _ body: [UInt8]
    ) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, contentType: type, body: body, fields: securityFields)
    }
}
