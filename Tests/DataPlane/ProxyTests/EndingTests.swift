// Goal: each way in which a request can end has the status, code and counters that the manual says,
// and nothing else is counted. Method: each is brought about once, and the line in the log and the
// counters are read when the workers have ended.

import Access
import AccessLog
import Backends
import Endpoints
import FoundationEssentials
import HTTP1
import Passwords
import RateLimits
import Routing
import Stats
import TLS
import TestSupport
import Testing
import Traffic

@testable import Proxy

@Suite struct EndingTests {
    /// What is expected of an ending; `status` is the one in the log, 0 for none.
    struct Expected: Sendable, CustomTestStringConvertible {
        let ending: Proxy.Ending
        let status: Int
        let code: String
        var service: ServiceCounter?
        var listener: ListenerCounter?
        var fails = false

        init(
            _ ending: Proxy.Ending, _ status: Int, _ code: String, _ service: ServiceCounter? = nil,
            listener: ListenerCounter? = nil, fails: Bool = false
        ) {
            self.ending = ending
            self.status = status
            self.code = code
            self.service = service
            self.listener = listener
            self.fails = fails
        }

        var testDescription: String { "\(ending)" }
    }

    static let table: [Expected] = [
        Expected(.complete, 200, "--"),
        Expected(.backendCut, 200, "BX", .cutShort, fails: true),
        Expected(.badBody, 200, "BP", .cutShort, fails: true),
        Expected(.responseOverflow, 200, "BZ", .cutShort, fails: true),
        Expected(.bodyTimeout, 200, "BT", .cutShort, fails: true),
        Expected(.responseExpired, 200, "FX", .cutShort, fails: true),
        Expected(.streamExpired, 200, "FX", .expired),
        Expected(.noBackend, 503, "BN", .noBackend, fails: true),
        Expected(.authFailed, 503, "BA", .authFailed, fails: true),
        Expected(.notConnected, 503, "BR", .noBackend, fails: true),
        Expected(.untrusted, 502, "BV", .backendErrors, fails: true),
        Expected(.insecure, 502, "BS", .backendErrors, fails: true),
        Expected(.overLimit, 503, "BL", .overLimit, fails: true),
        Expected(.noResponse, 502, "BC", .backendErrors, fails: true),
        Expected(.badResponse, 502, "BP", .backendErrors, fails: true),
        Expected(.tooManyInterim, 502, "BP", .backendErrors, fails: true),
        Expected(.responseTooLarge, 502, "BZ", .backendErrors, fails: true),
        Expected(.backendTimeout, 504, "BT", .timeouts, fails: true),
        Expected(.clientGone, 0, "CG", .clientAborts),
        Expected(.clientTimeout, 408, "CT", .clientAborts, listener: .badRequests),
        Expected(.refused, 400, "CH", listener: .badRequests),
        Expected(.ambiguousPath, 400, "CH", listener: .badRequests),
        Expected(.malformedBody, 400, "CB", listener: .badRequests),
        Expected(.requestTooLarge, 413, "CZ", listener: .oversizedRequests),
        Expected(.deniedByListener, 403, "CD", listener: .deniedByListener),
        Expected(.deniedByRoute, 403, "CD", listener: .deniedByRoute),
        Expected(.deniedUnknown, 403, "CD", listener: .deniedUnknown),
        Expected(.authRefused, 401, "CA", .authRefused),
        Expected(.answered, 403, "FA", listener: .answered),
        Expected(.optionsAtLastHop, 200, "FA", listener: .answered),
        Expected(.traceAtLastHop, 405, "FA", listener: .answered),
        Expected(.limitedByListener, 429, "FL", listener: .limitedByListener),
        Expected(.limitedByRoute, 429, "FL", listener: .limitedByRoute),
        Expected(.maintenance, 503, "FM", listener: .inMaintenance),
        Expected(.passwordsUnchecked, 503, "FP", .authFailed, fails: true),
        Expected(.noRoute, 404, "FN", listener: .unrouted),
        Expected(.requestExpired, 504, "FX", .timeouts, fails: true),
        Expected(.idle, 0, "FI", .timeouts),
        Expected(.stopped, 0, "FS"),
    ]

    @Test("each ending has its status and code in the log, and its counters", arguments: table)
    func ending(expected: Expected) throws {
        let scene = Scene(expected.ending)
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        var ended: RunningProxy?
        let backend = try Backend(scene.script)
        try withProxy(
            scene.ports ?? [backend.port], mode: scene.mode, accessLog: log, scene.configure
        ) { proxy in
            ended = proxy
            let client = try proxy.connect()
            try client.send(scene.request)
            try scene.act(client, proxy, backend)
        }
        log.stop(within: .seconds(30))
        let proxy = try #require(ended)

        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        let line = try #require(lines.first { !$0.contains("\"target\":\"/other\"") })
        #expect(line.contains("\"cause\":\"\(expected.code)\""))
        if scene.mode == .http { #expect(line.contains("\"status\":\(expected.status),")) }
        let reasons: [ServiceCounter] = [
            .noBackend, .backendErrors, .timeouts, .cutShort, .clientAborts, .expired, .overLimit,
            .shortages, .authRefused, .authFailed,
        ]
        for reason in reasons {
            #expect(proxy.service[reason] == (reason == expected.service ? 1 : 0), "\(reason)")
        }
        let ownReasons: [ListenerCounter] = [
            .badRequests, .answered, .unrouted, .deniedByListener, .deniedByRoute, .deniedUnknown,
            .limitedByListener, .limitedByRoute, .inMaintenance, .oversizedRequests,
        ]
        for reason in ownReasons {
            #expect(proxy.listener[reason] == (reason == expected.listener ? 1 : 0), "\(reason)")
        }
        #expect(proxy.service[.failed] == (expected.fails ? 1 : 0))
        #expect(proxy.service[.ownCuts] == (expected.ending == .responseExpired ? 1 : 0))
    }

    // A shortage of this machine takes a process with few descriptors: Flow's ShortageTests. What
    // comes to no session is in ArrivalTests.
    @Test("each ending but two is in the table above, and that is counted as one")
    func all() {
        #expect(
            Set(Self.table.map(\.ending))
                == Set(Proxy.Ending.allCases).subtracting([
                    .shortage, .notArrived, .encoderFailed, .tooManyConnections,
                ]))
        let shortage = Proxy.Ending.shortage
        #expect(shortage.status == 503 && "\(shortage.code)" == "FR" && shortage.isFailure)
        #expect(shortage.counter == .shortages && shortage.listenerCounter == nil)
    }

    @Test("an answer says why in a line, and asks to try again where nothing was done")
    func answers() {
        for ending in Proxy.Ending.allCases where ending.status != nil {
            let reply = LocalReply(ending, service: "web")
            let text = String(decoding: reply.body, as: UTF8.self)
            #expect(text.isEmpty == (ending == .optionsAtLastHop), "\(ending)")
            #expect(text.isEmpty || text.firstIndex(of: "\n") == text.index(before: text.endIndex))
            let mayComeAgain = reply.status == 503 || reply.status == 429
            #expect((reply.field.map { "\($0.name)" } == "Retry-After") == mayComeAgain)
        }
    }

    // MARK: - The manual

    @Test("the code of an ending begins with the letter of its side")
    func sides() {
        for ending in Proxy.Ending.allCases {
            let code = "\(ending.code)"
            #expect(code.utf8.count == 2 && code.utf8.allSatisfy { (0x2D...0x5A).contains($0) })
            let letter: Character =
                switch ending.side {
                case .nobody: "-"
                case .backend: "B"
                case .client: "C"
                case .fairlead: "F"
                }
            #expect(code.first == letter, "\(ending)")
        }
    }

    @Test("the manual explains each code once, and no other")
    func manual() throws {
        let text = try String(
            contentsOfFile: "\(PackageFolder.path)/conf/README.md", encoding: .utf8)
        let start = try #require(text.firstRange(of: "`cause` says what ended the request"))
        let table = text[start.upperBound...].split(separator: "\n\n", maxSplits: 2)[1]
        // Between single back quotes stand codes, and names of settings, which are longer.
        let quoted = table.split(separator: "`", omittingEmptySubsequences: false)
        let codes = quoted.indices.filter { $0 % 2 == 1 }.map { String(quoted[$0]) }
            .filter { $0.utf8.count == 2 }
        #expect(codes.count == Set(codes).count)
        #expect(Set(codes) == Set(Proxy.Ending.allCases.map { "\($0.code)" }))
    }
}

/// What brings an ending about.
private struct Scene {
    typealias Act = (Wire, RunningProxy, Backend) throws -> Void

    var mode = ListenerMode.http
    var script: Backend.Script = { wire, backend in
        while try backend.next(wire) != nil { try wire.send(response("x")) }
    }
    /// Nil for the backend's.
    var ports: [UInt16]?
    var configure: (inout ProxyOptions) -> Void = { _ in }
    var request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
    var act = toResponse

    private static let post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n"
    private static let short = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"
    private static let chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"
    private static var toResponse: Act { { client, _, _ in _ = try client.receiveResponse() } }
    private static var toEnd: Act { { client, _, _ in _ = try client.receiveToEnd() } }

    /// Answers one request with `text`, and closes the connection, or waits for its end.
    private static func answering(_ text: String, closes: Bool) -> Backend.Script {
        { wire, backend in
            _ = try backend.next(wire)
            try wire.send(text)
            if !closes { _ = try wire.receiveToEnd() }
        }
    }

    /// Expels the backend within its response.
    private static var expelling: Act {
        { client, proxy, _ in
            _ = try client.receive(through: "short")
            proxy.workers.expel([BackendID(rawValue: 0)])
            _ = try client.receiveToEnd()
        }
    }

    private static func route(
        _ action: RouteAction, path: PathPattern, hasService: Bool = true
    ) -> (inout ProxyOptions) -> Void {
        { options in
            var rule = RouteRule(action)
            rule.path = path
            options.listeners[0].routes = RouteTable([rule])
            if !hasService { options.listeners[0].service = nil }
        }
    }

    init(_ ending: Proxy.Ending) {
        switch ending {
        case .complete: break
        case .backendCut: setAnswer(Self.short, closes: true)
        case .badBody: setAnswer(Self.chunk + "zz", closes: true)
        case .bodyTimeout:
            setAnswer(Self.short)
            configure = { $0.listeners[0].policy.timeouts.stall = .milliseconds(300) }
        case .responseOverflow:
            setAnswer(Self.chunk)
            configure = { $0.listeners[0].policy.bodyLimits.response = 0 }
        case .responseTooLarge:
            // The client's connection goes on.
            setAnswer(Self.short, Self.toResponse)
            configure = { $0.listeners[0].policy.bodyLimits.response = 0 }
        case .requestTooLarge:
            request = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n"
            configure = { $0.listeners[0].policy.bodyLimits.request = 1 }
        case .responseExpired: setAnswer(Self.short, Self.expelling)
        case .streamExpired: setAnswer(Self.chunk, Self.expelling)
        case .noResponse, .badResponse, .tooManyInterim, .backendTimeout, .requestExpired:
            setFailure(before: ending)
        case .noBackend, .notConnected, .overLimit, .shortage, .notArrived, .encoderFailed,
            .tooManyConnections:
            setLack(ending)
        case .untrusted, .insecure: setHandshake(ending)
        case .clientGone, .clientTimeout, .refused, .malformedBody, .stopped: setClient(ending)
        case .ambiguousPath, .answered, .optionsAtLastHop, .traceAtLastHop, .noRoute:
            setRoute(ending)
        case .deniedByListener, .deniedByRoute, .deniedUnknown: setAccess(ending)
        case .authRefused, .authFailed: setAuth(ending)
        case .passwordsUnchecked: setPasswords()
        case .limitedByListener, .limitedByRoute: setRate(ending)
        case .maintenance: configure = { $0.listeners[0].policy.maintenance.when = .on }
        case .idle:
            mode = .tcp
            script = { wire, _ in
                try wire.send("hello")
                _ = try wire.receiveToEnd()
            }
            configure = { $0.listeners[0].policy.timeouts.tunnel = .milliseconds(300) }
            act = Self.toEnd
        }
    }

    /// The service that is asked about requests says no, or has no backend.
    private mutating func setAuth(_ ending: Proxy.Ending) {
        script = { wire, backend in
            _ = try backend.next(wire)
            try wire.send(response("x", "401 Unauthorized"))
        }
        configure = { options in
            let service = options.services[0].id
            let gate = ServiceID(index: 1)
            options.services.append(.plain(gate, "gate"))
            var rule = RouteRule(.forward(service, prefix: nil))
            rule.auth = AuthRule(ending == .authRefused ? service : gate, timeout: .seconds(60))
            options.listeners[0].routes = RouteTable([rule])
        }
    }

    /// There is a password, which can't be checked.
    private mutating func setPasswords() {
        guard
            let users = try? UserList(
                "a:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW")
        else { return }
        request = "GET / HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic YTpi\r\n\r\n"
        configure = { options in
            var rule = RouteRule(.forward(options.services[0].id, prefix: nil))
            rule.passwords = PasswordRule(users, realm: "a", timeout: .seconds(60))
            options.listeners[0].routes = RouteTable([rule])
            options.passwordCheck = { _, _ in .unchecked }
        }
    }

    /// The backend answers with `text`.
    private mutating func setAnswer(
        _ text: String, closes: Bool = false, _ act: @escaping Act = toEnd
    ) {
        script = Self.answering(text, closes: closes)
        self.act = act
    }

    /// The backend fails before its response begins.
    private mutating func setFailure(before ending: Proxy.Ending) {
        request = Self.post
        switch ending {
        case .noResponse: setAnswer("", closes: true)
        case .badResponse: setAnswer("SSH-2.0\r\n\r\n")
        case .tooManyInterim:
            // A client of HTTP/1.0 gets none of them.
            request = "GET / HTTP/1.0\r\n\r\n"
            setAnswer(String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 257))
        case .backendTimeout:
            setAnswer("")
            configure = { $0.services[0].policy.timeouts.responseHead = .milliseconds(300) }
        default:
            setAnswer("") { client, proxy, backend in
                try waitUntil("the request is there") { backend.requests.count == 1 }
                proxy.workers.expel([BackendID(rawValue: 0)])
                _ = try client.receiveResponse()
            }
        }
        if ending != .requestExpired { act = Self.toResponse }
    }

    /// No backend takes the request.
    private mutating func setLack(_ ending: Proxy.Ending) {
        switch ending {
        case .notConnected:
            let refusing = try? RefusingPort()
            ports = refusing.map { [$0.port] }
            act = { client, _, _ in
                _ = try client.receiveResponse()
                withExtendedLifetime(refusing) {}
            }
        case .overLimit:
            let gate = Gate()
            script = { wire, backend in
                _ = try backend.next(wire)
                gate.wait()
                try wire.send(response("x"))
            }
            configure = {
                $0.services[0].policy.limits.requestsMax = 1
                $0.services[0].policy.limits.queueMax = 0
            }
            request = "GET /other HTTP/1.1\r\nHost: a.test\r\n\r\n"
            act = { client, proxy, backend in
                try waitUntil("the other is there") { backend.requests.count == 1 }
                #expect(try proxy.connect().get().status == 503)
                gate.open()
                #expect(try client.receiveResponse().status == 200)
            }
        default: ports = []
        }
    }

    /// The backend shows a certificate of a stranger, or speaks no TLS.
    private mutating func setHandshake(_ ending: Proxy.Ending) {
        guard (try? OpenSSL.load()) != nil, let authority = try? TestAuthority(),
            let pair = try? authority.selfSigned("own", for: "IP:127.0.0.1")
        else {
            Issue.record("no certificates can be made")
            return
        }
        let options = TLSClientOptions(
            trust: .authorities(TestAuthority.bytes(of: authority.file)), protocols: [.http1])
        configure = { $0.services[0].tls = TLSClients(checked: options, workers: $0.workers) }
        guard ending == .untrusted else {
            script = { wire, _ in
                try wire.send("SSH-2.0\r\n")
                _ = try wire.receiveToEnd()
            }
            return
        }
        let server = try? SecureServer(pair, of: authority)
        ports = server.map { [$0.port] }
        act = { client, _, _ in
            let body = String(decoding: try client.receiveResponse().body, as: UTF8.self)
            #expect(body.contains("self-signed") && body.contains("expected one for 127.0.0.1"))
            withExtendedLifetime(server) {}
        }
    }

    /// The client, or the stop of the proxy, ends the request.
    private mutating func setClient(_ ending: Proxy.Ending) {
        setAnswer("", Self.toResponse)
        switch ending {
        case .clientGone:
            act = { client, proxy, backend in
                try waitUntil("the request is there") { backend.requests.count == 1 }
                client.reset()
                try waitUntil("its end is noticed") { proxy.service[.clientAborts] == 1 }
            }
        case .stopped:
            act = { _, proxy, backend in
                try waitUntil("the request is there") { backend.requests.count == 1 }
                proxy.workers.drain(limit: .milliseconds(1))
                try proxy.awaitFinish()
            }
        case .clientTimeout:
            request = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\n"
            configure = { $0.listeners[0].policy.timeouts.stall = .milliseconds(300) }
        case .malformedBody:
            request = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"
        default: request = "GET / HTTP/1.1\r\n\r\n"
        }
    }

    /// Fairlead answers, whatever its backends do.
    /// The client may not come.
    private mutating func setAccess(_ ending: Proxy.Ending) {
        guard let loopback = IPNetwork(containing: .loopback, prefix: 8) else { return }
        var rules = AddressRules()
        rules.denied = [loopback]
        if ending == .deniedByRoute {
            var rule = RouteRule(.forward(ServiceID(index: 0), prefix: nil))
            rule.access = rules
            let table = RouteTable([rule])
            configure = { $0.listeners[0].routes = table }
        } else {
            configure = {
                $0.listeners[0].policy.access = rules
                $0.listeners[0].policy.trustedProxies = [loopback]
            }
        }
        if ending == .deniedUnknown {
            request = "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: unknown\r\n\r\n"
        }
    }

    /// A second request comes where one may.
    private mutating func setRate(_ ending: Proxy.Ending) {
        let rates = [RateRule(.all, 1, per: .seconds(3600))]
        var rule = RouteRule(.forward(ServiceID(index: 0), prefix: nil))
        rule.rates = rates
        let table = RouteTable([rule])
        configure = {
            if ending == .limitedByRoute {
                $0.listeners[0].routes = table
            } else {
                $0.listeners[0].policy.rates = rates
            }
        }
        request = "GET /other HTTP/1.1\r\nHost: a.test\r\n\r\n"
        act = { client, _, _ in
            let statuses = [try client.receiveResponse().status, try client.get().status]
            #expect(statuses == [200, 429])
        }
    }

    private mutating func setRoute(_ ending: Proxy.Ending) {
        let api = RouteAction.forward(ServiceID(index: 0), prefix: nil)
        switch ending {
        case .ambiguousPath:
            configure = Self.route(api, path: .prefix("/api"))
            request = "GET /api/../x HTTP/1.1\r\nHost: a.test\r\n\r\n"
        case .answered:
            let forbidden = FixedResponse(status: 403, contentType: "text/plain", body: [])
            configure = Self.route(.respond(forbidden), path: .any)
        case .noRoute: configure = Self.route(api, path: .prefix("/api"), hasService: false)
        case .traceAtLastHop:
            request = "TRACE / HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n"
        default: request = "OPTIONS / HTTP/1.1\r\nHost: a.test\r\nMax-Forwards: 0\r\n\r\n"
        }
    }
}
