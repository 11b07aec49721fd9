// An admin port over a fixed snapshot, with controls that only record the calls.

import Admin
import Backends
import Endpoints
import Events
import HTTP1
import HTTPClient
import HTTPServer
import Testing

/// Sends each request to a new admin port. One thread.
final class AdminFixture {
    private let loop: EventLoop
    private let snapshot: AdminSnapshot
    private let token: String?
    private let isReadOnly: Bool
    private let isBehindProxy: Bool
    /// The calls of the controls, as text.
    private(set) var asked: [String] = []
    /// The number of backends that the controls report. It decides whether documents are made piece
    /// by piece; the backends are those of `snapshot`.
    var backendCount = 0
    /// The outcome of changes.
    var outcome = AdminOutcome.done("done")
    /// The outcome of calls about a deploy; nil for one that has begun.
    var deployOutcome: AdminDeployOutcome?
    /// The outcome of a reload.
    var reloaded = AdminReload.applied("nothing differs")

    init(
        loop: EventLoop, snapshot: AdminSnapshot = Sample.healthy, token: String? = nil,
        isReadOnly: Bool = false, isBehindProxy: Bool = false
    ) {
        self.isBehindProxy = isBehindProxy
        self.loop = loop
        self.snapshot = snapshot
        self.token = token
        self.isReadOnly = isReadOnly
    }

    /// The answer to one request.
    func ask(
        _ path: String, _ method: Method = .get, host: String? = nil,
        fields: [(name: StaticString, value: String)] = [], body: [UInt8] = []
    ) throws -> (response: HTTPClient.Response, text: String) {
        let listening = Endpoint(.loopback, 0)
        let access = AdminAccess(
            host: AdminHost(listeningOn: listening), token: token, isReadOnly: isReadOnly,
            isBehindProxy: isBehindProxy)
        let handler = AdminHandler(access: access, controls: controls, on: loop)
        let server = try HTTPServer(
            on: listening, loop: loop, options: AdminHandler.serverOptions
        ) { handler.answer($0, $1) }
        defer { server.close() }
        var request = HTTPClient.Request(
            path, from: server.endpoint, host: host, deadline: .seconds(10),
            responseBody: .upTo(4 << 20))
        request.method = method
        request.fields = fields.map { (name: "\($0.name)", value: $0.value) }
        request.body = body
        var outcome: HTTPClient.Outcome?
        HTTPClient(on: loop).send(request) { outcome = $0 }
        for _ in 0..<5000 where outcome == nil { loop.runOnce(waiting: true) }
        guard case .response(let response) = try #require(outcome) else {
            Issue.record("no response: \(String(describing: outcome))")
            throw Errno.timedOut
        }
        return (response, String(decoding: response.body, as: UTF8.self))
    }

    private var controls: AdminControls {
        var controls = AdminControls { [snapshot] in snapshot }
        controls.change = { [unowned self] key, change, isForced, address in
            asked.append("\(key) \(change)\(isForced ? " forced" : "") from \(address)")
            return outcome
        }
        controls.backendCount = { [unowned self] in backendCount }
        controls.backends = { [snapshot] name in
            var rest = snapshot.services.first { $0.name == name }?.backends[...] ?? []
            return {
                guard !rest.isEmpty else { return nil }
                defer { rest = rest.dropFirst(70) }
                return Array(rest.prefix(70))
            }
        }
        controls.deploy = { [unowned self] service, request, address in
            let to = request.to.map { "\($0)" }.joined(separator: ",")
            let times =
                "\(request.timeout.components.seconds) s \(request.watch.components.seconds) s"
                + (request.drain.map { " drain \($0.components.seconds) s" } ?? "")
            let trial = request.isTrial ? " trial" : ""
            asked.append("\(service) to \(to) \(times)\(trial) from \(address)")
            return deployOutcome ?? .shown(Self.begun)
        }
        controls.undoDeploy = { [unowned self] service, address in
            asked.append("\(service) undo from \(address)")
            return deployOutcome ?? .shown(Self.begun)
        }
        controls.deployed = { [unowned self] _ in deployOutcome ?? .none }
        controls.reload = { [unowned self] address in
            asked.append("reload from \(address)")
            return reloaded
        }
        controls.setLogLevel = { [unowned self] in asked.append("log level \($0) from \($1)") }
        return controls
    }

    private static let begun = AdminDeploy(
        service: "web",
        DeployPlan(
            before: [], to: [Endpoint(.loopback, 9)], timeout: .seconds(1), watch: .seconds(1)),
        beganAt: 0, isLasting: false)
}
