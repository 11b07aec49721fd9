// Goal: a steady-state request allocates nothing in the worker. Method: the test process' malloc is
// replaced by one that counts for the workers' threads; thousands of requests go through warmed-up
// connections. Only optimised code is held to it:
//
//     swift test -c release --filter AllocationTests

import AccessLog
import Backends
import CAllocationCounter
import Endpoints
import Events
import Glibc
import Passwords
import Proxy
import Routing
import Stats
import TLS
import Testing
import Traces
import Traffic

/// Whether the code under test is optimised: a debug build allocates closures and boxes everywhere.
private let isOptimised: Bool = {
    var isDebug = false
    assert(
        {
            isDebug = true
            return true
        }())
    return !isDebug
}()

@Suite(.serialized, .enabled(if: isOptimised)) struct AllocationTests {
    /// Answers one for every `request` bytes, one connection after the other, until the listener is
    /// shut down.
    private static func serve(_ listening: Descriptor, request: Int, _ answer: [UInt8]) {
        while true {
            var entry = pollfd(fd: listening.number, events: Int16(POLLIN), revents: 0)
            unsafe _ = poll(&entry, 1, -1)
            guard case .connection(let descriptor, _) = listening.accept() else { return }
            _ = fcntl(descriptor.number, F_SETFL, 0)
            let buffer = ReceiveBuffer()
            var pending = 0
            serving: while true {
                guard case .bytes(let count) = descriptor.receive(into: buffer) else { break }
                pending += count
                while pending >= request {
                    pending -= request
                    guard case .bytes = descriptor.send(answer.span) else { break serving }
                }
            }
            descriptor.close()
        }
    }

    /// A connection whose calls block.
    private func connect(to endpoint: Endpoint) throws -> Descriptor {
        let descriptor = try Socket.connectStream(to: endpoint)
        _ = fcntl(descriptor.number, F_SETFL, 0)
        return descriptor
    }

    private func roundTrip(_ client: Client, _ request: [UInt8], answer: Int) {
        guard !client.speaksHTTP2 else { return client.exchange(request) }
        client.send(request)
        var received = 0
        while received < answer, let count = client.receive() { received += count }
        #expect(received == answer)
    }

    /// What the listener does besides passing requests on.
    enum Variant: CaseIterable, Sendable {
        case plain, logged, routed, secure, http2, traced, sampled, password, mirrored

        /// Whether backends are told of a trace.
        var isTraced: Bool { self == .traced || self == .sampled }
    }

    /// The service that gets copies.
    private static let shadow = ServiceID(index: 1)

    /// One listener, as `variant` says, with `certificate` and its key if there is one.
    private func options(
        _ variant: Variant, _ service: ServiceID, _ certificate: [UInt8]?
    ) throws -> ProxyOptions {
        // The policies are those that ship.
        var options = ProxyOptions(
            workers: 1, sharesAddresses: false, pinsWorkers: false,
            listeners: [
                ListenerOptions(
                    index: 0, name: "", endpoint: Endpoint(.loopback, 0), mode: .http,
                    service: service, routes: nil, serverNames: nil, policy: ClientPolicy())
            ],
            services: [ServiceOptions(id: service, name: "web", policy: BackendPolicy())])
        if variant == .routed {
            var rule = RouteRule(.forward(service, prefix: nil))
            rule.host = .under("test")
            rule.path = .prefix("/")
            options.listeners[0].routes = RouteTable([rule])
        }
        if variant == .password {
            let users = try UserList(
                "ann:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW")
            var passwords = PasswordRule(users, realm: "a", timeout: .seconds(60))
            passwords.userField = "X-User"
            passwords.passesAuthorization = true
            var rule = RouteRule(.forward(service, prefix: nil))
            rule.passwords = passwords
            options.listeners[0].routes = RouteTable([rule])
            options.passwordCheck = { _, _ in .right }
        }
        if variant == .mirrored {
            var rule = RouteRule(.forward(service, prefix: nil))
            rule.mirror = MirrorRule(Self.shadow)
            options.listeners[0].routes = RouteTable([rule])
            options.services.append(
                ServiceOptions(id: Self.shadow, name: "shadow", policy: BackendPolicy()))
        }
        if variant == .traced {
            // Traced, and not recorded.
            var policy = TracePolicy()
            policy.sample = 0
            options.traces = TraceOptions(policy, spool: try SpanSpool(workers: 1))
        }
        if variant == .sampled {
            // Recorded elsewhere, and an example of how long requests take here.
            var policy = TracePolicy()
            policy.sample = 1_000_000
            options.traces = TraceOptions(policy, spool: nil)
        }
        if let certificate {
            try OpenSSL.load()
            let parsed = try TLSCertificate(chain: certificate, key: certificate)
            options.listeners[0].tls = TLSServing(
                TLSServerOptions(certificates: [parsed], isHTTP: true), workers: 1)
        }
        return options
    }

    /// The length of the line of a trace.
    private static let traceparentBytes = 70

    private static let requests = [
        "GET /path?query HTTP/1.1\r\nHost: a.test\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 11\r\n\r\nhello world",
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: "
            + "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ]

    @Test(
        "a request on kept connections allocates nothing in the worker", arguments: requests,
        Variant.allCases)
    func steadyState(request: String, variant: Variant) throws {
        let request =
            variant == .password
            ? request.replacing(
                "\r\nHost: a.test\r\n",
                with: "\r\nHost: a.test\r\nAuthorization: Basic YW5uOnNlY3JldA==\r\n") : request
        let accessLog =
            variant != .plain && variant != .routed
            ? try AccessLog(.file("/dev/null"), .json, workers: 1) : nil
        let listening = try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
        let port = try #require(listening.localEndpoint?.port)
        let service = ServiceID(index: 0)
        let certificate = variant == .secure ? try selfSigned() : nil
        let options = try options(variant, service, certificate)
        let registry = StatsRegistry(workers: 1, listeners: 1, services: options.services.count)
        let proxy = try ProxyWorkers(
            options: options, registry: registry, reports: Mailbox(), accessLog: accessLog)
        let extra = addedLines(variant, proxy.endpoints[0].port)
        let forwarded = request.utf8.count + extra.utf8.count
        let answer = Array("HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\nhello".utf8)
        let server = try LoopThread(name: "backend") {
            Self.serve(listening, request: forwarded, answer)
        }
        let member = Rotation.Member(
            id: BackendID(rawValue: 0), endpoint: Endpoint(.loopback, port), weight: 1, priority: 0)
        registry.addBackend(0)
        proxy.publish(Rotation(service: service, generation: 1, tiers: [[member]]))
        let copies =
            try variant == .mirrored ? Copies(of: forwarded, answer, registry, proxy) : nil
        try proxy.start()

        let client = try Client(
            connect(to: proxy.endpoints[0]), trusting: certificate, speaksHTTP2: variant == .http2)
        let bytes = Array(request.utf8)
        for _ in 0..<2000 { turn(client, bytes, answer: answer.count, copies) }
        let before = fairlead_worker_allocations()
        // FAIRLEAD_ABORT_ON_ALLOCATION=1 shows where the first one comes from.
        if unsafe getenv("FAIRLEAD_ABORT_ON_ALLOCATION") != nil { fairlead_abort_on_allocation(1) }
        let count = 10_000
        for _ in 0..<count { turn(client, bytes, answer: answer.count, copies) }
        fairlead_abort_on_allocation(0)
        let allocations = fairlead_worker_allocations() - before
        // OpenSSL 3.0 itself makes four: for the length of each record that it writes or reads.
        let ofOpenSSL = variant == .secure ? 4 * count : 0
        #expect(
            allocations <= ofOpenSSL, "\(Double(allocations) / Double(count)) for each request")
        #expect(registry.serviceTotals(0)[.responses2xx] == count + 2000)
        #expect(registry.backendTotals(0)[.dials] == 1)
        if copies != nil { #expect(registry.serviceTotals(1)[.responses2xx] == count + 2000) }

        // The counter counts at all: a new connection does allocate.
        let second = try Client(connect(to: proxy.endpoints[0]), trusting: certificate)
        roundTrip(second, bytes, answer: answer.count)
        second.close()
        #expect(fairlead_worker_allocations() > before + allocations)

        client.close()
        proxy.drain(limit: .seconds(5))
        proxy.join()
        accessLog?.stop(within: .seconds(30))
        shutdown(listening.number, Int32(SHUT_RDWR))
        server.join()
        listening.close()
        copies?.stop()
    }

    /// What the backend gets besides the request as it came: what tells of the client.
    private func addedLines(_ variant: Variant, _ port: UInt16) -> String {
        "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http"
            + (variant == .secure ? "s" : "") + "\r\nX-Forwarded-Port: \(port)"
            + "\r\nX-Forwarded-Host: a.test\r\nVia: \(variant == .http2 ? "2.0" : "1.1") "
            + "fairlead\r\n"
            + (variant.isTraced ? String(repeating: "x", count: Self.traceparentBytes) : "")
            + (variant == .password ? "X-User: ann\r\n" : "")
    }

    /// A backend of copies.
    private struct Copies {
        let listening: Descriptor
        let server: LoopThread

        private let registry: StatsRegistry

        /// One that gives `answer` to each copy of a request of so many bytes.
        init(
            of request: Int, _ answer: [UInt8], _ registry: StatsRegistry, _ proxy: ProxyWorkers
        ) throws {
            self.registry = registry
            let listening = try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
            self.listening = listening
            let size = request + RouteMirror.field.utf8.count + ": 1\r\n".utf8.count
            server = try LoopThread(name: "copies") {
                AllocationTests.serve(listening, request: size, answer)
            }
            let port = listening.localEndpoint?.port ?? 0
            let member = Rotation.Member(
                id: BackendID(rawValue: 1), endpoint: Endpoint(.loopback, port), weight: 1,
                priority: 0)
            registry.addBackend(1)
            proxy.publish(
                Rotation(service: AllocationTests.shadow, generation: 1, tiers: [[member]]))
        }

        /// Waits until no copy is under way.
        func awaitEnd() {
            while registry.serviceTotals(1)[.inFlight] > 0 { sched_yield() }
        }

        func stop() {
            shutdown(listening.number, Int32(SHUT_RDWR))
            server.join()
            listening.close()
        }
    }

    /// A request and its response; and its copy, so that one connection is enough for copies.
    private func turn(_ client: Client, _ request: [UInt8], answer: Int, _ copies: Copies?) {
        roundTrip(client, request, answer: answer)
        copies?.awaitEnd()
    }
}

/// The certificate and key of `localhost`, made by `openssl`.
private func selfSigned() throws -> [UInt8] {
    let command = """
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
            -addext subjectAltName=DNS:localhost -keyout /dev/stdout -out /dev/stdout 2>/dev/null
        """
    let pipe = unsafe popen(command, "r")
    var text: [UInt8] = []
    while case let byte = unsafe getc(pipe), byte != EOF { text.append(UInt8(byte)) }
    try #require(unsafe pclose(pipe) == 0)
    return text
}

/// A client whose calls block, with TLS or without.
private final class Client {
    private let descriptor: Descriptor
    private let layer: TLSLayer?
    private let sealed = ReceiveBuffer()
    private let content = ReceiveBuffer()
    private let out = SendBuffer(capacity: 4096, keeping: 1 << 16)

    /// Requests as streams; nil where HTTP/1.1 is spoken.
    private var streams: HTTP2Requests?

    /// `authorities` are those that a server is believed by; nil is no TLS.
    init(
        _ descriptor: Descriptor, trusting authorities: [UInt8]?, speaksHTTP2: Bool = false
    ) throws {
        self.descriptor = descriptor
        if speaksHTTP2 { streams = HTTP2Requests() }
        guard let authorities else {
            layer = nil
            return
        }
        let layer = TLSLayer(
            client: try TLSClient(
                TLSClientOptions(trust: .authorities(authorities), protocols: [.http1])),
            for: .host("localhost"), TLSTransport())
        self.layer = layer
        layer.begin(into: out)
        flush()
        while !layer.isEstablished, receive() != nil {}
        try #require(layer.isEstablished)
    }

    private func flush() {
        out.withBytes { _ = descriptor.send($0) }
        out.removeAll()
    }

    func send(_ bytes: [UInt8]) {
        if let layer { layer.send(bytes.span, Span(), into: out) } else { out.append(bytes.span) }
        flush()
    }

    /// How much content came, which may be none; nil at the end.
    func receive() -> Int? {
        guard case .bytes(let count) = descriptor.receive(into: sealed) else { return nil }
        guard let layer else { return count }
        let outcome = sealed.withBytes(count) { layer.receive($0, into: content, reply: out) }
        flush()
        return switch outcome {
        case .content(let count): count
        case .needsMore: 0
        case .ended, .failed: nil
        }
    }

    func close() { descriptor.close() }

    var speaksHTTP2: Bool { streams != nil }

    /// Sends a request, text of HTTP/1.1, in a stream of its own, and waits for the end of its
    /// answer.
    func exchange(_ request: [UInt8]) {
        let text = String(decoding: request, as: UTF8.self)
        let content = text.contains("hello world") ? "hello world" : "hello"
        let body = text.hasPrefix("POST") ? Array(content.utf8) : []
        sendControl()
        send(streams?.frames(request, content: body) ?? [])
        var isOver = false
        while !isOver, let count = receive() {
            isOver = sealed.withBytes(count) { streams?.take($0) } ?? true
            sendControl()
        }
    }

    private func sendControl() {
        let frames = streams?.control() ?? []
        if !frames.isEmpty { send(frames) }
    }
}
