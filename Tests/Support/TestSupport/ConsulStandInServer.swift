// The stand-in's sockets: connections that hold a request back until what it asks for has changed
// or its wait is over.

internal import Events
internal import HTTP1
internal import Locking

/// The listener. The stand-in's thread only.
final class ConsulStandInServer: Channel {
    let state: ConsulStandInState
    let buffer = ReceiveBuffer(capacity: 16 * 1024)
    private var connections: [ConsulStandInConnection] = []
    private var connectionCount = 0
    /// Lets time pass in the world.
    private var clock: Timer?
    private static let tick = Duration.milliseconds(50)

    init(_ descriptor: Descriptor, state: ConsulStandInState, on loop: EventLoop) {
        self.state = state
        super.init(descriptor, on: loop)
        clock = Timer(on: loop) { [unowned self] in
            if self.state.world.withLock({ $0.expire(now: .now) }) { look() }
            clock?.schedule(after: Self.tick)
        }
        clock?.schedule(after: Self.tick)
        startReading()
    }

    override func onReadable() {
        while case .connection(let accepted, _) = descriptor.accept() {
            let connection = ConsulStandInConnection(accepted, number: connectionCount, of: self)
            connectionCount += 1
            connections.append(connection)
            let open = connections.count
            state.connections.withLock { $0 = (open, max($0.most, open)) }
            connection.startReading()
        }
    }

    func forget(_ connection: ConsulStandInConnection) {
        connections.removeAll { $0 === connection }
        let open = connections.count
        state.connections.withLock { $0.open = open }
    }

    /// Something has changed: answers the request that waits for it.
    func look() {
        for connection in connections { connection.look() }
    }

    func closeConnections() {
        for connection in connections { connection.close() }
    }

    override func close() {
        super.close()
        clock?.cancel()
        closeConnections()
    }
}

/// A connection, one request at a time. The stand-in's thread only.
final class ConsulStandInConnection: StreamChannel {
    private let server: ConsulStandInServer
    private let number: Int
    private var input: [UInt8] = []
    /// The request that waits.
    private var held: ConsulStandInRequest?
    private var timer: Timer?

    init(_ descriptor: Descriptor, number: Int, of server: ConsulStandInServer) {
        self.server = server
        self.number = number
        super.init(descriptor, on: server.loop)
        timer = Timer(on: server.loop) { [unowned self] in release() }
    }

    override func close() {
        guard isOpen else { return }
        timer?.cancel()
        super.close()
        server.forget(self)
    }

    override func onBroken() { close() }

    override func onReadable() {
        switch descriptor.receive(into: server.buffer) {
        case .bytes(let count):
            server.buffer.withBytes(count) { input.append($0) }
            while isOpen, held == nil, parseRequest() {}
        case .wouldBlock: break
        case .endOfStream, .failed: close()
        }
    }

    /// Whether there was a whole request.
    private func parseRequest() -> Bool {
        var head = RequestHead()
        let bytes = input
        guard case .complete(let length) = head.parse(bytes.span) else { return false }
        var body: [UInt8] = []
        var at = length
        if case .length(let count) = head.body {
            guard bytes.count - length >= Int(count) else { return false }
            body = Array(bytes[length..<length + Int(count)])
            at += Int(count)
        }
        input = Array(bytes[at...])
        let text = String(decoding: bytes[head.target.bounds], as: UTF8.self)
        var token: String?
        for field in head.fields
        where bytes.span.extracting(field.name.bounds).isEqualIgnoringCase(to: "x-consul-token") {
            token = String(decoding: bytes[field.value.bounds], as: UTF8.self)
        }
        let seen = ConsulStandIn.Seen(target: text, token: token, connection: number)
        server.state.requests.withLock { $0.append(seen) }
        handle(
            ConsulStandInRequest(method: head.method, target: text, body: body, token: token))
        return true
    }

    // MARK: - Answering

    private func handle(_ request: ConsulStandInRequest) {
        held = request
        if let lie = lie(for: request) { return send(lie) }
        guard let index = request.index else {
            release()
            if request.method != .get { server.look() }
            return
        }
        let answer = server.state.world.withLock { $0.answer(to: request) }
        if (answer.index ?? .max) > index { return release() }
        // Consul adds up to a sixteenth, so that not all waits end together.
        let extra = request.wait * Int.random(in: 0...1000) / 16_000
        timer?.schedule(after: request.wait + extra)
    }

    /// Something has changed.
    func look() {
        guard let held else { return }
        if let lie = lie(for: held) { return send(lie) }
        guard let index = held.index else { return }
        let answer = server.state.world.withLock { $0.answer(to: held) }
        if (answer.index ?? .max) > index { release() }
    }

    private func lie(for request: ConsulStandInRequest) -> ConsulWorld.Lie? {
        server.state.world.withLock { world in
            world.liesTo.isEmpty || request.target.contains(world.liesTo) ? world.lie : nil
        }
    }

    /// Answers the request that is held.
    private func release() {
        guard let held else { return }
        send(
            server.state.world.withLock { world in
                var answer = world.answer(to: held)
                answer.knowsLeader = world.knowsLeader
                return answer
            })
    }

    private func send(_ lie: ConsulWorld.Lie) {
        guard let held else { return }
        // What is refused is not done.
        var answer = ConsulStandInAnswer()
        if held.method == .get { answer = server.state.world.withLock { $0.answer(to: held) } }
        switch lie {
        case .noLeader:
            send(
                ConsulStandInAnswer(
                    status: 500, body: Array("No cluster leader".utf8), knowsLeader: false))
        case .status(let code, let text):
            send(ConsulStandInAnswer(status: code, body: Array(text.utf8)))
        case .garbage:
            answer.body = Array("[{\"Node\":{\"Node\":\"a\",".utf8)
            send(answer)
        case .body(let text):
            answer.body = Array(text.utf8)
            send(answer)
        case .truncated:
            _ = write(
                Array("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[{\"Node\"".utf8))
            close()
        case .silence: break
        case .reset: reset()
        case .fallingIndex:
            answer.index = server.state.world.withLock { world in
                world.fallingIndex -= 1
                return world.fallingIndex
            }
            send(answer)
        case .noIndex:
            answer.index = nil
            send(answer)
        case .hidden:
            answer.body = Array("[]".utf8)
            answer.isFiltered = true
            send(answer)
        }
    }

    private func send(_ answer: ConsulStandInAnswer) {
        held = nil
        timer?.cancel()
        var head = "HTTP/1.1 \(answer.status) Said\r\nContent-Type: application/json\r\n"
        if let index = answer.index { head += "X-Consul-Index: \(index)\r\n" }
        head += "X-Consul-Knownleader: \(answer.knowsLeader)\r\nX-Consul-Lastcontact: 0\r\n"
        if answer.isFiltered { head += "X-Consul-Results-Filtered-By-ACLs: true\r\n" }
        head += "Content-Length: \(answer.body.count)\r\n\r\n"
        if case .failed = write(Array(head.utf8), answer.body.span) { close() }
    }
}
