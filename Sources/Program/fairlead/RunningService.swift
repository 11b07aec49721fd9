// RunningService: what a running Fairlead says about the backends of a service, for `fairlead
// explain`. A lookup shows what discovery names, not why one of these backends gets no requests.

import Configuration
import Control
import Endpoints
import Events
import HTTPClient
import JSON

/// The part of `/services/NAME` that is reported.
struct RunningService: Decodable {
    struct WithoutTurn: Decodable {
        let seconds: Int
        let text: String
    }

    struct Backend: Decodable {
        let address: String
        let state: String
        let cause: String
        let inRotation: Bool
        let withoutTurn: WithoutTurn?

        /// Why it gets no requests; nil when it gets some.
        var reason: String? {
            if let withoutTurn {
                return "no request for \(withoutTurn.seconds) s: \(withoutTurn.text)"
            }
            return inRotation ? nil : "\(state): \(cause)"
        }
    }

    struct Source: Decodable {
        let summary: String
        let failing: Bool
        let lastFailure: String
        let lastGoodAgeSeconds: Double?

        /// How long it has failed, as far as that is known; nil while it answers.
        var trouble: String? {
            guard failing else { return nil }
            let age = lastGoodAgeSeconds.map { "the last good answer is \(Int($0)) s old" }
            return "\(summary) fails: \(lastFailure); \(age ?? "there was no good answer yet")"
        }
    }

    let backends: [Backend]
    let sources: [Source]
    /// Why backends are kept that discovery does not name, as a sentence; nil when none are.
    let hold: String?
    /// A deploy that is under way or holds, as a sentence; nil for none.
    let deploy: String?
    /// What becomes of requests while no backend is up: `serving` or `refusing`; nil while one is.
    let emergency: String?

    /// How long an answer may take.
    private static let patience = Duration.seconds(2)
    /// How many backends are listed at most.
    private static let backendsMax = 50

    /// Asks the Fairlead at the admin port of `settings` about this service, and returns lines
    /// about the backends that get no requests. Nil when none answers. Blocks for up to 2 s.
    static func ask(of name: String, _ settings: AdminSettings) -> String? {
        guard let endpoint = settings.listen, endpoint.port != 0 else { return nil }
        let loop = EventLoop()
        let client = HTTPClient(on: loop)
        var request = HTTPClient.Request(
            "/services/\(name)", from: endpoint, deadline: patience, responseBody: .upTo(64 << 20))
        request.tls = settings.tls.localSecurity(at: endpoint.address)
        if let token = try? settings.readToken() {
            request.fields = [(name: "Authorization", value: "Bearer \(token)")]
        }
        var report: String?
        client.send(request) { outcome in
            if case .response(let response) = outcome, response.status == 200,
                let service = try? JSON.decode(Self.self, from: response.body)
            {
                report = service.text(at: endpoint)
            }
            loop.stop()
        }
        loop.run()
        return report
    }

    /// With a line end after each line.
    func text(at endpoint: Endpoint) -> String {
        let idle = backends.compactMap { backend in
            backend.reason.map { "  \(backend.address)  \($0)" }
        }
        var lines = ["", "What the Fairlead at \(endpoint) does with it"]
        lines += sources.compactMap { $0.trouble.map { "  \($0)" } }
        if let deploy { lines.append("  \(deploy)") }
        if let hold { lines.append("  \(hold)") }
        switch emergency {
        case "serving"?: lines.append("  no backend is up: requests go to those that are not")
        case .some: lines.append("  no backend is up: requests get 503")
        case nil: break
        }
        lines += idle.prefix(Self.backendsMax)
        let more = idle.count - Self.backendsMax
        if more > 0 { lines.append("  and \(more) more") }
        if backends.isEmpty {
            lines.append("  it has no backends")
        } else if idle.isEmpty {
            lines.append("  all of its \(backends.count) backends get requests")
        }
        return lines.map { "\($0)\n" }.joined()
    }
}
