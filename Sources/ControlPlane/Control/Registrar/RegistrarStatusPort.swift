// RegistrarStatusPort: what a registrar shows of itself, by GET:
//
// | path          | answer                                                                     |
// |---------------|----------------------------------------------------------------------------|
// | /health/live  | 200                                                                        |
// | /health/ready | 200 while the engine is followed and the agent answers, else 503 and why   |
// | /metrics      | Prometheus' text format, or OpenMetrics                                    |
// | /services     | JSON: every service, every problem, every container that is left out       |
//
// Nothing can be changed by it. Names other than those of AdminHost are refused, so that no web
// page reads it by a name of its own.

internal import Admin
internal import Consul
internal import Docker
internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTPServer
internal import JSON
internal import Registrar

/// The server. Control thread only.
final class RegistrarStatusPort {
    private let server: HTTPServer

    /// Listens on `endpoint`. `since` is when the process began.
    ///
    /// - Throws: `StartFailure`.
    init(
        on endpoint: Endpoint, of registrar: Registrar, agents: ConsulAgents,
        since start: ProcessTime, loop: EventLoop
    ) throws {
        let host = AdminHost(listeningOn: endpoint)
        var options = HTTPServerOptions()
        options.isVital = { $0.hasPrefix("/health/") }
        options.reservedMax = 4
        do throws(Errno) {
            server = try HTTPServer(on: endpoint, loop: loop, options: options) {
                [unowned registrar, unowned agents] request, reply in
                guard host.accepts(request.host) else {
                    return reply.send(Self.text(403, "no such host here\n"))
                }
                guard request.method == .get || request.method == .head else {
                    return reply.send(Self.text(405, "only GET is answered here\n"))
                }
                reply.send(Self.answer(request, registrar, agents, start))
            }
        } catch {
            throw StartFailure(listeningOn: endpoint, error)
        }
    }

    /// Where it listens.
    var endpoint: Endpoint { server.endpoint }

    /// Accepts no more connections, and calls `completion` once none is open.
    func end(then completion: @escaping () -> Void) {
        server.end(within: ControlPorts.endLimit, then: completion)
    }

    private static func answer(
        _ request: HTTPServerRequest, _ registrar: Registrar, _ agents: ConsulAgents,
        _ start: ProcessTime
    ) -> HTTPServerResponse {
        switch request.path {
        case "/health/live": return text(200, "live\n")
        case "/health/ready":
            let troubles = registrar.troubles
            return troubles.isEmpty
                ? text(200, "ready\n")
                : text(503, "not ready\n" + troubles.map { "\($0)\n" }.joined())
        case "/metrics":
            let format = PrometheusText.Format(accept: request.field("accept"))
            let page = RegistrarMetrics(registrar, agents, start, format: format)
            return HTTPServerResponse(
                status: 200, contentType: format.contentType, body: page.bytes,
                fields: [("Vary", "Accept")])
        case "/services":
            let bytes = JSON.encode(RegistrarDocument(registrar), layout: .indented) ?? []
            return HTTPServerResponse(
                status: 200, contentType: "application/json", body: bytes + [0x0A])
        default:
            return text(
                404, "expected /health/ready, /health/live, /metrics or /services\n")
        }
    }

    private static func text(_ status: Int, _ text: String) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }
}

/// What `/services` says.
struct RegistrarDocument: Encodable {
    struct Service: Encodable {
        let id: String
        let name: String?
        let address: String?
        let port: UInt16?
        let container: String?
        let state: String
        let health: String?
        let failure: String?
    }

    let node: String
    let troubles: [String]
    let services: [Service]
    /// What can't be done as a container asks, by its name.
    let problems: [String: [String]]
    /// Why nothing of a container that runs is registered, by its name.
    let leftOut: [String: String]

    init(_ registrar: Registrar) {
        node = registrar.options.node
        troubles = registrar.troubles
        services = registrar.rows.map { row in
            let service = row.wanted?.service
            return Service(
                id: row.id, name: service?.name, address: service?.address, port: service?.port,
                container: row.wanted?.container, state: row.state,
                health: row.wanted?.report?.status.rawValue, failure: row.failure.map { "\($0)" })
        }
        problems = registrar.problems
        leftOut = registrar.leftOut
    }
}

extension RegistrarLedger.Row {
    /// How it stands with the agent.
    var state: String {
        if isForeign { return "foreign" }
        if wanted == nil { return "leaving" }
        if isHeld { return "registered" }
        return failure == nil ? "pending" : "refused"
    }
}
