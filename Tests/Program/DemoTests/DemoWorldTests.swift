// Goal: the demo's instances come, go, crash and fail as commanded, in DNS and on their ports.
// Method: the stage on the test's loop, asked by the resolver and by plain HTTP over a socket; the
// world on its own thread, heard through its reports.

import DNSClient
import DNSWire
import Demo
import Endpoints
import Events
import Synchronization
import Testing

@Suite struct DemoWorldTests {
    let loop = EventLoop()

    private static var options: DemoOptions {
        var options = DemoOptions()
        options.dnsPort = 0
        options.stagePort = 0
        options.leaveGrace = .milliseconds(20)
        options.steadyTime = .zero
        return options
    }

    private func turn(until condition: () -> Bool) {
        for _ in 0..<10_000 where !condition() { loop.runOnce(waiting: true) }
        #expect(condition())
    }

    /// The ports that the service's records name now.
    private func ports(_ stage: DemoStage) throws -> [UInt16] {
        let resolver = Resolver(ResolverOptions(servers: [stage.dnsEndpoint]), on: loop)
        var answer: DNSAnswer?
        resolver.ask(stage.service, .srv) { answer = $0 }
        turn { answer != nil }
        guard case .records(let message)? = answer?.outcome else { return [] }
        #expect(Set(message.additionals.compactMap(\.data.address)) == [.loopback])
        return AnswerChain(message).records.compactMap {
            if case .srv(let srv) = $0.data { srv.port } else { nil }
        }
    }

    /// What `path` says to `method`; nil when the connection is refused.
    private func get(_ path: String, _ method: String = "GET", from endpoint: Endpoint) throws
        -> String?
    {
        let exchange = HTTPRequest(
            "\(method) \(path)", over: try Socket.connectStream(to: endpoint), on: loop)
        turn { exchange.hasEnded }
        exchange.close()
        return exchange.text.isEmpty ? nil : exchange.text
    }

    @Test("the service is announced by the names in the documentation")
    func names() throws {
        let stage = try DemoStage(Self.options, on: loop) { _ in }
        defer { stage.close() }
        #expect(stage.service.description == "_web._tcp.demo.fairlead.")
        #expect(try ports(stage) == stage.instances.map(\.endpoint.port))
        #expect(stage.instances.map(\.name) == ["web-1", "web-2", "web-3"])
    }

    @Test("an instance answers with its name and a count, and tells its health")
    func answers() throws {
        let stage = try DemoStage(Self.options, on: loop) { _ in }
        defer { stage.close() }
        let endpoint = stage.instances[1].endpoint
        #expect(try get("/", from: endpoint)?.hasSuffix("\r\n\r\nweb-2, request 1\n") == true)
        #expect(try get("/", from: endpoint)?.hasSuffix("web-2, request 2\n") == true)
        #expect(try get("/health", from: endpoint)?.hasPrefix("HTTP/1.1 200 ") == true)
        stage.perform(.fail("web-2"))
        #expect(try get("/health", from: endpoint)?.hasPrefix("HTTP/1.1 503 ") == true)
        #expect(try get("/", from: endpoint)?.hasPrefix("HTTP/1.1 200 ") == true)
        stage.perform(.recover("web-2"))
        #expect(try get("/health", from: endpoint)?.hasPrefix("HTTP/1.1 200 ") == true)
    }

    @Test("a crash closes the port and leaves the record; a start brings the same port back")
    func crash() throws {
        let stage = try DemoStage(Self.options, on: loop) { _ in }
        defer { stage.close() }
        let before = try ports(stage)
        let endpoint = stage.instances[0].endpoint
        stage.perform(.crash("web-1"))
        #expect(try get("/", from: endpoint) == nil)
        #expect(try ports(stage) == before)
        stage.perform(.start("web-1"))
        #expect(try get("/", from: endpoint) != nil)
        #expect(try ports(stage) == before)
    }

    @Test("a removed instance loses its record first and serves until its grace is over")
    func remove() throws {
        var reports: [String] = []
        let stage = try DemoStage(Self.options, on: loop) { reports.append($0) }
        defer { stage.close() }
        let endpoint = stage.instances[2].endpoint
        stage.perform(.remove("web-3"))
        #expect(stage.instances[2].isRunning)
        #expect(try !ports(stage).contains(endpoint.port))
        turn { reports.contains("web-3 has stopped") }
        #expect(try get("/", from: endpoint) == nil)
        stage.perform(.start("web-3"))
        #expect(try get("/", from: endpoint) != nil)
        #expect(try ports(stage).contains(endpoint.port))
    }

    @Test("a start within the grace keeps the instance")
    func startWhileLeaving() throws {
        let stage = try DemoStage(Self.options, on: loop) { _ in }
        defer { stage.close() }
        stage.perform(.remove("web-1"))
        stage.perform(.start("web-1"))
        let other = stage.instances[1]
        stage.perform(.remove("web-2"))
        turn { !other.isRunning }
        #expect(stage.instances[0].isRunning)
    }

    @Test("a command for an unknown instance lists those that are there")
    func unknown() throws {
        var reports: [String] = []
        let stage = try DemoStage(Self.options, on: loop) { reports.append($0) }
        defer { stage.close() }
        stage.perform(.crash("web-9"))
        #expect(reports == ["there is no instance web-9; there are web-1, web-2, web-3"])
    }

    @Test("what can be done to instances can be done by HTTP, and by POST alone")
    func control() throws {
        var reports: [String] = []
        let stage = try DemoStage(Self.options, on: loop) { reports.append($0) }
        defer { stage.close() }
        let door = stage.doorEndpoint
        #expect(try get("/", from: door)?.contains("POST /crash/NAME") == true)
        #expect(try get("/crash/web-1", from: door)?.hasPrefix("HTTP/1.1 405 ") == true)
        #expect(try get("/explode", "POST", from: door)?.hasPrefix("HTTP/1.1 404 ") == true)
        #expect(reports.isEmpty && stage.instances[0].isRunning)
        for command in ["crash/web-1", "start/web-1", "fail/web-2", "recover/web-2", "add", "calm"]
        {
            let reply = try get("/\(command)", "POST", from: door)
            #expect(reply?.hasPrefix("HTTP/1.1 200 ") == true, "\(command)")
        }
        #expect(try get("/remove/web-3", "POST", from: door) != nil)
        #expect(reports.count == 6 && stage.instances.count == 4)
        #expect(stage.instances[0].isRunning && stage.instances[1].isHealthy)
    }

    @Test("churn acts by itself and leaves one instance well at every step")
    func churn() throws {
        var steps = 0
        var wellAfterEach: [Bool] = []
        var stage: DemoStage?
        let made = try DemoStage(Self.options, on: loop) { _ in
            steps += 1
            wellAfterEach.append(
                stage?.members(now: .now).contains {
                    $0.isAnnounced && $0.isRunning && $0.isHealthy
                } ?? false)
        }
        stage = made
        made.perform(.churn(every: .milliseconds(1), seed: 42))
        turn { steps >= 200 }
        made.perform(.calm)
        made.close()
        stage = nil
        #expect(!wellAfterEach.contains(false))
    }

    @Test("the world runs on a thread of its own, takes commands, and ends")
    func world() throws {
        let mailbox = try Mailbox<String>()
        var reports: [String] = []
        let reader = try MailboxReader(mailbox, on: loop) { reports.append($0) }
        let world = try DemoWorld(Self.options) { mailbox.post($0) }
        #expect(world.addresses.instances.map(\.name) == ["web-1", "web-2", "web-3"])
        world.perform(.crash("web-2"))
        turn { reports.count == 1 }
        #expect(reports == ["web-2 has crashed; its record is still there"])

        var second = Self.options
        second.dnsPort = world.addresses.dns.port
        let error = #expect(throws: DemoError.self) { try DemoWorld(second) { _ in } }
        #expect(error == .discovery(world.addresses.dns, .addressInUse))

        world.stop()
        world.stop()
        reader.close()
        loop.runOnce()
        // Its port is free again.
        try DemoWorld(second) { _ in }.stop()
    }
}

/// One request over a connection of its own.
private final class HTTPRequest: Channel {
    var text = ""
    var hasEnded = false
    private let request: [UInt8]
    private let buffer = ReceiveBuffer()

    init(_ line: String, over descriptor: Descriptor, on loop: EventLoop) {
        request = Array("\(line) HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n".utf8)
        super.init(descriptor, on: loop)
        awaitWrite()
    }

    override func onWritable() {
        stopAwaitingWrite()
        guard descriptor.connectError() == nil else {
            hasEnded = true
            return
        }
        let request = request
        _ = descriptor.send(request.span)
        startReading()
    }

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            text += buffer.withBytes(count) { bytes in
                String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
            }
        case .endOfStream, .failed:
            hasEnded = true
            stopReading()
        case .wouldBlock: break
        }
    }
}
