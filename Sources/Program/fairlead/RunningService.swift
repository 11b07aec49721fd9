// RunningService: what a Fairlead that runs says of the backends of a service, for `fairlead
// explain`: one lookup tells what discovery names, not why one of those gets no requests.

import Configuration
import Control
import Endpoints
import Events
import HTTPClient
import JSON

/// A service of `/services/NAME`, as far as it is told.
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
    /// What becomes of requests while no backend is up: `serving` or `refusing`; nil while one is.
    let emergency: String?

    /// How long an answer may take.
    private static let patience = Duration.seconds(2)
    /// Backends that are told, at most.
    private static let backendsMax = 50

    /// Asks the Fairlead whose admin port is that of `settings` for the service of this name, and
    /// says in lines which of its backends get no requests. Nil when none answers. Blocks for up to
    /// 2 s.
    static func ask(of name: String, _ settings: AdminSettings) -> String? {
        guard let endpoint = settings.listen, endpoint.port != 0 else { return nil }
        let loop = EventLoop()
        let client = HTTPClient(on: loop)
        var request = HTTPClient.Request(
            "/services/\(name)", from: endpoint, deadline: patience, responseBody: .upTo(64 << 20))
        if let token = try? settings.readToken() {
            request.fields = [(name: "Authorization", value: "Bearer \(token)")]
        }
        var said: String?
        client.send(request) { outcome in
            if case .response(let response) = outcome, response.status == 200,
                let service = try? JSON.decode(Self.self, from: response.body)
            {
                said = service.text(at: endpoint)
            }
            loop.stop()
        }
        loop.run()
        return said
    }

    /// With a line end after each line.
    func text(at endpoint: Endpoint) -> String {
        let idle = backends.compactMap { backend in
            backend.reason.map { "  \(backend.address)  \($0)" }
        }
        var lines = ["", "What the Fairlead at \(endpoint) does with it"]
        lines += sources.compactMap { $0.trouble.map { "  \($0)" } }
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
