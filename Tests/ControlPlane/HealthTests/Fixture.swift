// Fixture: a peer that behaves as a test says, and a checker over a roster on a loop that the test
// turns.

import Backends
import Endpoints
import Events
import HTTPClient
import Health
import Testing
import Traffic

/// A server on loopback whose behaviour a test can change between connections.
final class Peer: Channel {
    enum Behaviour: Sendable {
        /// Accepts nothing; the kernel completes connections anyway.
        case listen
        /// Accepts and sends nothing.
        case silence
        /// Answers any bytes with these, and leaves the connection open.
        case answer(String)
        /// Answers any bytes with these, and closes.
        case answerAndClose(String)
        /// Closes with this instead of an answer: FIN, or RST.
        case close, reset
    }

    let endpoint: Endpoint
    var behaviour: Behaviour
    /// Sent to each connection before it sends anything; nil for nothing.
    var greeting: String?
    private(set) var received: [UInt8] = []
    private(set) var acceptedCount = 0
    private var connections: [Connection] = []

    init(_ behaviour: Behaviour, at endpoint: Endpoint? = nil, on loop: EventLoop) throws {
        self.behaviour = behaviour
        let descriptor = try Socket.listen(on: endpoint ?? Endpoint(.loopback, 0), isShared: false)
        self.endpoint = try #require(descriptor.localEndpoint)
        super.init(descriptor, on: loop)
        if case .listen = behaviour { return }
        startReading()
    }

    override func onReadable() {
        while case .connection(let descriptor, _) = descriptor.accept() {
            acceptedCount += 1
            let connection = Connection(descriptor, peer: self)
            connections.append(connection)
            connection.startReading()
            if let greeting { _ = descriptor.send(Array(greeting.utf8).span) }
        }
    }

    /// Sends this on all connections.
    func sendAll(_ text: String) {
        for connection in connections where connection.isOpen {
            _ = connection.descriptor.send(Array(text.utf8).span)
        }
    }

    override func close() {
        connections.forEach { $0.close() }
        connections = []
        super.close()
    }

    private final class Connection: Channel {
        private let peer: Peer

        init(_ descriptor: Descriptor, peer: Peer) {
            self.peer = peer
            super.init(descriptor, on: peer.loop)
        }

        override func onReadable() {
            let buffer = ReceiveBuffer(capacity: 4096)
            guard case .bytes(let count) = descriptor.receive(into: buffer) else { return close() }
            buffer.withBytes(count) { bytes in
                for index in bytes.indices { peer.received.append(bytes[index]) }
            }
            switch peer.behaviour {
            case .listen, .silence: break
            case .answerAndClose(let text):
                _ = descriptor.send(Array(text.utf8).span)
                close()
            case .answer(let text): _ = descriptor.send(Array(text.utf8).span)
            case .close: close()
            case .reset:
                descriptor.resetOnClose()
                close()
            }
        }
    }
}

/// One service whose backends are at loopback endpoints, checked every 20 ms unless a test says
/// otherwise.
final class Fixture {
    let loop: EventLoop
    let journal = Journal()
    let roster: Roster
    let checker: HealthChecker
    private let ids: BackendIDs
    private(set) var checks: ServiceChecks?
    /// How often the checker called `onChange`.
    private(set) var changes = 0
    /// Called by `onChange` as well.
    var onChange: () -> Void = {}
    /// How many live requests a backend has answered.
    var liveAnswers: (BackendID) -> UInt64? = { _ in nil }

    /// A service with a checker of its own, or with that of `beside`.
    init(
        beside other: Fixture? = nil, underWayMax: Int = 16, rate: Int = 100_000, rise: Int = 2,
        fall: Int = 2, speaks: BackendProtocol = .http1,
        _ change: (inout CheckOptions) -> Void = { _ in }
    ) {
        var options = CheckOptions()
        options.interval = .milliseconds(20)
        options.timeout = .seconds(10)
        change(&options)
        var rosterOptions = RosterOptions()
        // Only checks matter here: nothing makes them faster, and a backend that left is gone.
        rosterOptions.whenNoneUp = .always
        rosterOptions.lossWindow = .zero
        rosterOptions.checks = options.type == .off ? nil : .init(rise: rise, fall: fall)
        loop = other?.loop ?? EventLoop()
        ids = other?.ids ?? BackendIDs()
        roster = Roster(
            service: ServiceID(index: other == nil ? 0 : 1), options: rosterOptions, ids: ids,
            journal: journal)
        checker =
            other?.checker
            ?? HealthChecker(
                on: loop, client: HTTPClient(on: loop), rate: rate, underWayMax: underWayMax)
        checks = checker.watch(
            roster, options: options, speaks: speaks,
            liveAnswers: { [unowned self] in liveAnswers($0) },
            onChange: { [unowned self] in
                changes += 1
                onChange()
            })
    }

    deinit { checks?.stop() }

    /// What discovery says from now on.
    func name(_ endpoints: Endpoint...) {
        roster.apply(.instances(endpoints.map { Instance($0) }), now: .now)
        checks?.reconcile()
    }

    func backend(_ endpoint: Endpoint) throws -> Backend {
        try #require(roster.backend(at: endpoint))
    }

    func phase(_ endpoint: Endpoint) -> BackendState.Phase? {
        roster.backend(at: endpoint)?.state.phase
    }

    /// Turns the loop until this holds, or so often that it never will hold.
    func turn(
        until condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for _ in 0..<20_000 where !condition() { loop.runOnce(waiting: true) }
        #expect(condition(), sourceLocation: sourceLocation)
    }

    /// Waits for the next result that reaches the roster.
    func awaitResult() {
        let before = changes
        turn { changes > before }
    }
}

/// A loopback endpoint at which nobody listens.
func closedEndpoint() throws -> Endpoint {
    let descriptor = try Socket.listen(on: Endpoint(.loopback, 0), isShared: false)
    defer { descriptor.close() }
    return try #require(descriptor.localEndpoint)
}

extension CheckOptions {
    /// Makes these the options of a check that does `kind`.
    mutating func setKind(_ kind: Kind) {
        switch kind {
        case .off: type = .off
        case .tcp: (type, send, expect) = (.tcp, nil, nil)
        case .sendExpect(let script):
            type = .tcp
            send = String(decoding: script.send, as: UTF8.self)
            expect = String(decoding: script.expect, as: UTF8.self)
        case .http(let http):
            type = .http
            self.http = http
        case .grpc(let grpc):
            type = .grpc
            grpcService = grpc.service
            (http.host, http.fields) = (grpc.host, grpc.fields)
        }
    }
}
