// AdminHandler: the routes of the admin port. Everything is read-only, made anew from one snapshot
// per request, and never cached.

internal import HTTP1
package import HTTPServer

/// Answers the requests of the admin port. Control thread only.
package final class AdminHandler {
    private let host: AdminHost
    private let snapshot: () -> AdminSnapshot

    /// `snapshot` is called once per request that shows something.
    package init(host: AdminHost, snapshot: @escaping () -> AdminSnapshot) {
        self.host = host
        self.snapshot = snapshot
    }

    /// What is where; the body of a 404 lists it.
    private static let routes: [(path: String, about: String, answer: Answer)] = [
        ("/", "this process on one page", page),
        ("/stats", "everything, as JSON", stats),
        ("/backends", "each backend's state, since when and why, as JSON", backends),
        ("/metrics", "for Prometheus", metrics),
        ("/health/live", "200 as long as the process runs", live),
        ("/health/ready", "200 when every service has a backend, else 503 and why", ready),
    ]

    private typealias Answer = @Sendable (AdminSnapshot) -> HTTPServerResponse

    /// The answer to `request`.
    package func answer(_ request: HTTPServerRequest) -> HTTPServerResponse {
        guard host.accepts(request.host) else { return Self.wrongHost(request.host) }
        guard let route = Self.routes.first(where: { $0.path == request.path }) else {
            return Self.text(404, "There is nothing at this path.\n\n" + Self.listing)
        }
        guard request.method == .get || request.method == .head else {
            var response = Self.text(
                405, "Nothing here can be changed; use GET or HEAD.\n\n" + Self.listing)
            response.fields.append(("Allow", "GET, HEAD"))
            return response
        }
        return route.answer(snapshot())
    }

    // MARK: - Routes

    private static func page(_ snapshot: AdminSnapshot) -> HTTPServerResponse {
        // With its top bit set it always has 16 digits: HEAD tells the length that GET has.
        let nonce = String(UInt64.random(in: 1 << 63 ... .max), radix: 16)
        var response = response(
            200, "text/html; charset=utf-8", Array(AdminPage(snapshot, nonce: nonce).html.text.utf8)
        )
        // Only the page's own script and styles run, even if an escape were forgotten.
        let policy =
            "default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; "
            + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            + "frame-ancestors 'none'"
        response.fields.append(("Content-Security-Policy", policy))
        return response
    }

    private static func stats(_ snapshot: AdminSnapshot) -> HTTPServerResponse {
        json(StatsDocument(snapshot))
    }

    private static func backends(_ snapshot: AdminSnapshot) -> HTTPServerResponse {
        json(BackendsDocument(snapshot))
    }

    private static func metrics(_ snapshot: AdminSnapshot) -> HTTPServerResponse {
        response(200, MetricsText.contentType, Array(MetricsText(snapshot).text.utf8))
    }

    private static func live(_ snapshot: AdminSnapshot) -> HTTPServerResponse {
        text(200, "live\n")
    }

    private static func ready(_ snapshot: AdminSnapshot) -> HTTPServerResponse {
        let reasons = AdminVerdict(snapshot).problems.filter(\.blocksReadiness)
        guard !reasons.isEmpty else { return text(200, "ready\n") }
        return text(503, "not ready\n" + reasons.map { "\($0.text)\n" }.joined())
    }

    // MARK: - Responses

    private static let listing =
        "Paths:\n" + routes.map { "  \($0.path)  \($0.about)\n" }.joined()

    private static func wrongHost(_ host: String) -> HTTPServerResponse {
        let shown = host.utf8.count > 100 ? "\(host.prefix(100))…" : host
        return text(
            403,
            """
            The admin port does not answer to the name \(shown): a web page could have had
            its own name resolve to this machine. Use localhost or the address that the port
            listens on, or add the name to the admin port's host names.

            """)
    }

    private static func text(_ status: Int, _ body: String) -> HTTPServerResponse {
        response(status, "text/plain; charset=utf-8", Array(body.utf8))
    }

    private static func json(_ document: some Encodable) -> HTTPServerResponse {
        guard let body = encodeJSON(document) else {
            return text(500, "A figure could not be written as JSON; /metrics has them too.\n")
        }
        return response(200, "application/json", body)
    }

    private static func response(
        _ status: Int, _ type: StaticString, _ body: [UInt8]
    ) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, contentType: type, body: body,
            fields: [
                ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"),
            ])
    }
}
