// Arrival: a connection before its session begins: something has to be read from it that is not yet
// the client's protocol, such as a PROXY header, or that says where the connection goes, such as a
// ClientHello. A listener that expects nothing of the kind goes straight to the session, and pays
// nothing for this.
//
// What is read beyond it goes to the session with the connection (Handoff), so that a connection
// costs no system call more.

internal import AccessLog
internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
package import ProxyProtocol
internal import Stats
internal import TLS
package import TLSWire
internal import Traffic

/// What is known of how a client came, if it is not just by its own connection. Value type, worker
/// thread only.
struct ClientArrival {
    /// The proxy whose header said so; nil when there was none.
    var proxy: IPAddress?
    /// What that header said, or what a header for backends says.
    var header: ProxyHeader
}

extension Worker {
    /// How the client of this number came; nil when there is no more to say than its session knows.
    func arrival(of client: Int) -> ClientArrival? {
        arrivals.isEmpty ? nil : arrivals[client]
    }
}

/// Why a connection came to no session. Value type, any thread.
package enum ArrivalFailure: Error, Equatable, Sendable {
    /// A client sent a PROXY header, or needs one, and its address is not among those whose word
    /// counts.
    case untrusted
    /// The PROXY header is none.
    case badHeader(ProxyHeaderError)
    /// The ClientHello is none.
    case badHello(ClientHelloError)
    /// The client's address is none of those that may come to a listener of TCP.
    case denied
    /// The client's address has as many connections as it may have.
    case tooMany
    /// No route is for the server's name and the protocols that a TLS client asks for.
    case noRoute
    /// The connection ended within its beginning.
    case cutShort
    /// The beginning took longer than it may.
    case late

    /// What was found, for the log.
    package var sentence: String {
        switch self {
        case .untrusted: "its address is not in proxy-protocol.from"
        case .badHeader(let error): "found no PROXY header: \(error.sentence)"
        case .badHello(let error): "found no ClientHello: \(error.sentence)"
        case .denied: "its address may not come, as allow and deny say"
        case .tooMany: "its address has as many connections as limits.connections-per-address says"
        case .noRoute: "no route is for the server name (SNI) that it asks for"
        case .cutShort: "the connection ended within its PROXY header or ClientHello"
        case .late: "no whole PROXY header or ClientHello came within timeouts.handshake"
        }
    }

    /// What counts it.
    var counter: ListenerCounter {
        switch self {
        case .untrusted: .untrustedArrivals
        case .badHeader, .badHello, .cutShort: .malformedArrivals
        case .denied: .deniedArrivals
        case .tooMany: .crowdingArrivals
        case .noRoute: .unrouted
        case .late: .lateArrivals
        }
    }

    /// How the connection ends by it, for the access log.
    var ending: Ending {
        switch self {
        case .denied: .deniedByListener
        case .tooMany: .tooManyConnections
        case .noRoute: .noRoute
        case .untrusted, .badHeader, .badHello, .cutShort, .late: .notArrived
        }
    }
}

/// A connection of which a PROXY header or a ClientHello is read. Worker thread only.
final class Arrival: ArrivingConnection {
    private let peer: IPAddress
    /// The client's address: the peer's, or what its header says.
    private var address: IPAddress
    private var stage: Stage
    /// The part that has come of what is not whole yet: less than `ProxyHeader.bytesMax`, or
    /// `ClientHello.wireBytesMax`.
    private var partial: [UInt8] = []
    /// How long that has to be for another look.
    private var needed = 0

    /// What is read next.
    enum Stage {
        /// A header.
        case header
        /// No header: the first bytes are looked at to see that they begin none.
        case noHeader
        /// A ClientHello.
        case hello
        /// A ClientHello, to see whether the client is a certificate authority that looks at who
        /// serves a name; it is no fault if it is none.
        case challenge
    }

    /// Reads the beginning of a connection from `peer`; the worker knows it by the next event.
    init(
        _ descriptor: Descriptor, from peer: IPAddress, _ stage: Stage, worker: Worker,
        listener: WorkerListener
    ) {
        self.peer = peer
        address = peer
        self.stage = stage
        super.init(Handoff(descriptor), worker: worker, listener: listener)
        startReading()
    }

    override func onReadable() {
        switch worker.receive(from: self) {
        case .bytes(let count): worker.withReceived(count) { received($0) }
        case .wouldBlock: break
        // Without a byte before it, that is how a port is looked at.
        case .endOfStream, .failed:
            if case .challenge = stage {
                end(.brokenOffHandshakes)
            } else if partial.isEmpty {
                close()
            } else {
                fail(.cutShort)
            }
        }
    }

    private func received(_ bytes: Span<UInt8>) {
        guard !partial.isEmpty else { return read(bytes) }
        partial.append(bytes)
        guard partial.count >= needed else { return }
        let all = partial
        read(all.span)
    }

    /// Reads `bytes`, which are all that has come of this stage.
    private func read(_ bytes: Span<UInt8>) {
        switch stage {
        case .header: readHeader(bytes)
        case .noHeader: readNoHeader(bytes)
        case .hello: readHello(bytes)
        case .challenge: readChallenge(bytes)
        }
    }

    private func keep(_ bytes: Span<UInt8>) {
        if partial.isEmpty { partial.append(bytes) }
    }

    private func readHeader(_ bytes: Span<UInt8>) {
        switch ProxyHeader.read(bytes) {
        case .needMore: keep(bytes)
        case .bad(let error): fail(.badHeader(error))
        case .header(let header, let length):
            if let ends = header.ends {
                address = ends.source.address
                // Without it the connection is the proxy's own, as to see whether we are there.
                guard
                    !listener.limitsAddresses
                        || listener.counts(address, as: clientNumber, on: worker)
                else {
                    fail(.tooMany, of: address)
                    return
                }
            }
            worker.arrivals[clientNumber] = ClientArrival(proxy: peer, header: header)
            let following = bytes.extracting(length..<bytes.count)
            guard let next = listener.helloStage else { return begin(following) }
            stage = next
            partial = []
            if !following.isEmpty { read(following) }
        }
    }

    private func readNoHeader(_ bytes: Span<UInt8>) {
        switch ProxyHeader.read(bytes) {
        case .needMore: keep(bytes)
        case .bad(.missing):
            guard let next = listener.helloStage else { return begin(bytes) }
            stage = next
            partial = []
            read(bytes)
        case .bad, .header: fail(.untrusted)
        }
    }

    private func readHello(_ bytes: Span<UInt8>) {
        switch ClientHello.read(bytes) {
        case .needMore(let count):
            needed = count
            keep(bytes)
        case .bad(let error): fail(.badHello(error))
        case .hello(let hello):
            guard let pool = listener.destinations.pool(for: hello) else { return refuse() }
            if let name = hello.serverName {
                var arrival =
                    worker.arrivals[clientNumber]
                    ?? ClientArrival(proxy: nil, header: ProxyHeader(nil))
                arrival.header.authority = name
                worker.arrivals[clientNumber] = arrival
            }
            begin(bytes, to: pool)
        }
    }

    /// Looks at the beginning of a handshake: it is the session's own, unless a certificate
    /// authority has begun it, which offers its own protocol alone.
    private func readChallenge(_ bytes: Span<UInt8>) {
        switch ClientHello.read(bytes) {
        case .needMore(let count):
            needed = count
            keep(bytes)
        // What is no hello, such as HTTP in plain text, the handshake answers.
        case .bad: begin(bytes)
        case .hello(let hello):
            guard hello.protocols == [Array(ChallengeAnswers.protocolName.utf8)] else {
                return begin(bytes)
            }
            var received: [UInt8] = []
            received.append(bytes)
            listener.beginChallenge(
                handOff(received: received), for: hello.serverName, from: address, on: worker,
                after: self)
        }
    }

    /// Begins the session with `bytes`, which have come of it: a relay to `pool`, or what the
    /// listener's mode asks for.
    private func begin(_ bytes: Span<UInt8>, to pool: BackendPool? = nil) {
        guard !listener.refusesConnection(from: address) else {
            fail(.denied, of: address)
            return
        }
        var received: [UInt8] = []
        received.append(bytes)
        listener.begin(
            handOff(received: received), from: address, to: pool, on: worker, after: self)
    }

    /// Tells a TLS client that nothing is served here under the name that it asks for.
    private func refuse() {
        listener.recordFailure(.noRoute, of: address, on: worker)
        switch write(Self.unrecognizedName) {
        case .sent, .kept, .failed: close()
        }
    }

    /// A record with the fatal alert `unrecognized_name` (RFC 6066, section 3).
    private static let unrecognizedName: [UInt8] = [0x15, 3, 3, 0, 2, 2, 112]

    private func end(_ counter: ListenerCounter) {
        listener.counters.add(counter)
        close()
    }

    /// Breaks the connection; `client` is whom the failure is told of, nil for the peer.
    private func fail(_ failure: ArrivalFailure, of client: IPAddress? = nil) {
        listener.recordFailure(failure, of: client ?? peer, on: worker)
        reset()
    }

    override var isSilent: Bool { partial.isEmpty }

    override func late() {
        if case .challenge = stage { end(.handshakeTimeouts) } else { fail(.late) }
    }
}

extension WorkerListener {
    /// What has to be done before the session of a connection.
    enum Opening {
        /// Nothing.
        case none
        /// Its first bytes are read, beginning with this.
        case read(Arrival.Stage)
        /// The connection is refused.
        case refuse(ArrivalFailure)
    }

    /// What has to be done before the session of a connection from `address`.
    func opening(for address: IPAddress) -> Opening {
        let proxies = options.policy.proxyProtocol
        if !proxies.from.isEmpty {
            if proxies.from.contains(where: { $0.contains(address) }) { return .read(.header) }
            if proxies.isRequired { return .refuse(.untrusted) }
            // With TCP the server may speak first, so that nothing may be waited for.
            if options.mode == .http { return .read(.noHeader) }
        }
        guard let stage = helloStage else {
            return refusesConnection(from: address) ? .refuse(.denied) : .none
        }
        // An authority that looks at who serves a name may come from anywhere.
        if case .challenge = stage { return .read(stage) }
        return refusesConnection(from: address) ? .refuse(.denied) : .read(stage)
    }

    /// What a ClientHello is read for; nil where none is.
    var helloStage: Arrival.Stage? {
        if destinations.readsHellos { return .hello }
        return looksForAuthorities ? .challenge : nil
    }

    /// Answers a certificate authority at `address` that looks at who serves `name`: by a
    /// certificate of our own, or by the other program, if there is one and the name is not among
    /// those for which we have such a certificate.
    func beginChallenge(
        _ handoff: consuming Handoff, for name: [UInt8]?, from address: IPAddress,
        on worker: Worker, after arrival: Arrival
    ) {
        if let shown = worker.challenges.certificates?.names(worker: worker.number),
            destinations.challengePool == nil || shown.answers(to: name)
        {
            let layer = TLSLayer(server: shown, worker.tlsTransport, received: handoff.received)
            let handshake = TLSHandshake(
                handoff.descriptor, layer, from: address, to: nil, worker: worker, listener: self)
            handshake.isForChallenge = true
            enter(handshake, after: arrival, on: worker)
            handshake.startReading()
        } else if let pool = destinations.challengePool {
            relay(handoff, from: address, to: pool, on: worker, after: arrival)
        } else {
            // There was something to show when it came.
            begin(handoff, from: address, on: worker, after: arrival)
        }
    }

    /// Begins the handshake of TLS where there are certificates, else the session that the mode
    /// asks for, of a client at `address`, or its relay to `pool`; nil is the service of what no
    /// route is for. What has come of it already is in the handoff; `arrival` is what the worker
    /// knows it as, nil for nothing.
    func begin(
        _ handoff: consuming Handoff, from address: IPAddress, to pool: BackendPool? = nil,
        on worker: Worker, after arrival: Arrival? = nil
    ) {
        guard let certificates else {
            serve(handoff, from: address, to: pool, on: worker, after: arrival)
            return
        }
        let layer = TLSLayer(
            server: certificates, worker.tlsTransport, received: handoff.received)
        let handshake = TLSHandshake(
            handoff.descriptor, layer, from: address, to: pool, worker: worker, listener: self)
        enter(handshake, after: arrival, on: worker)
        handshake.startReading()
    }

    /// Begins the session that the mode asks for, of a client at `address`, or its relay to `pool`;
    /// `earlier` is what the worker knows it as, nil for nothing.
    func serve(
        _ handoff: consuming Handoff, from address: IPAddress, to pool: BackendPool?,
        on worker: Worker, after earlier: (any ClientSide)?
    ) {
        switch options.mode {
        case .http where handoff.tls?.speaksHTTP2 == true:
            let context = ClientContext(handoff, from: address, self)
            let client = HTTP2Session(handoff, of: context, worker: worker)
            enter(client, after: earlier, on: worker)
            client.begin()
            if isDraining { client.drain() }
        case .http:
            let client = HTTP1Session(handoff, from: address, worker: worker, listener: self)
            enter(client, after: earlier, on: worker)
            client.begin()
            if isDraining { client.drain() }
        case .tcp:
            guard let pool = pool ?? self.pool else {
                preconditionFailure("a TCP listener has a service, or routes by name")
            }
            relay(handoff, from: address, to: pool, on: worker, after: earlier)
        }
    }

    private func relay(
        _ handoff: consuming Handoff, from address: IPAddress, to pool: BackendPool,
        on worker: Worker, after earlier: (any ClientSide)?
    ) {
        let relay = TCPRelay(handoff, from: address, for: pool, worker: worker, listener: self)
        enter(relay, after: earlier, on: worker)
        relay.start()
    }

    private func enter(
        _ client: any ClientSide, after earlier: (any ClientSide)?, on worker: Worker
    ) {
        if let earlier { worker.replace(earlier, by: client) } else { worker.add(client) }
    }

    /// Counts a connection from `peer` that comes to no session, writes its line, and tells of it,
    /// unless that was done a moment ago.
    func recordFailure(_ failure: ArrivalFailure, of peer: IPAddress, on worker: Worker) {
        counters.add(failure.counter)
        if let log = worker.log {
            log.write(
                AccessEntry(.tcp, failure.ending.code), LoggedText(), client: peer, nil,
                listener: self, pool: nil, backend: nil)
        }
        let now = worker.loop.nowNanoseconds
        guard now >= tellsAgainAt else { return }
        tellsAgainAt = now + Self.tellingPause
        worker.report(.arrivalFailed(listener: options.index, from: peer, failure))
    }

    /// How long a worker is silent about failed arrivals at a listener when it has told of one, in
    /// nanoseconds: a scanner must not fill the log.
    private static let tellingPause: UInt64 = 10_000_000_000
}
