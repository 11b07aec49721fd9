// WorkerListener: a listener as one worker sees it: its options, and what follows from them.
//
// The destinations of requests can change between two events (Worker.swift). Connections look them
// up for each request, so that a change reaches kept connections too.

internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
internal import Routing
internal import Stats
internal import TLS
internal import Traffic

/// One worker's listener. Worker thread only.
final class WorkerListener {
    private(set) var options: ListenerOptions
    let counters: ListenerCounters
    /// What new clients are shown; nil where TLS is not spoken.
    private(set) var certificates: ServerNames?
    private let worker: Int
    /// Where its requests go.
    private(set) var destinations: Destinations
    /// Its name, for the access log.
    let nameBytes: [UInt8]
    /// How large the heads of requests may be, and those of the answers to them.
    private(set) var headLimits: HeadLimits
    private(set) var answerLimits: HeadLimits
    /// How large bodies may be, where no route says so.
    private(set) var bodyLimits: BodyLimits
    /// Whether there are limits of bodies, here or at a route.
    private(set) var limitsBodies: Bool
    /// What is changed in the heads of all responses that no route changes; nil for nothing.
    private(set) var responseEdits: FieldEdits?
    /// How responses are compressed whose requests no route is for; nil for not at all.
    private(set) var compression: CompressionRule?
    /// Whether any response is compressed.
    private(set) var mayCompress = false
    /// Whether the listener accepts no more, and its connections are to end; also when the worker
    /// drains.
    var isDraining = false
    /// Whether the time for the drain is over: whatever is still in flight is ended.
    var isGivingUp = false
    /// Its connections on this worker.
    var clientCount = 0
    /// Timers that end what is in flight shortly before, and when, the time for the drain is over;
    /// none unless the listener is closed.
    var drainTimers: [Timer] = []
    /// How many of its sockets on this worker take no new handshakes, and close in a moment.
    var leavingCount = 0
    /// Whether there is a limit of connections of each address.
    private(set) var limitsAddresses = false
    /// Whether something is asked of connections before their sessions begin (Arrival.swift).
    private(set) var readsBeginnings = false
    /// Whether there is something to show to certificate authorities that look for it by TLS.
    var hasChallenges = false { didSet { settleBeginnings() } }
    /// From when on it tells of a failed arrival again, in the loop's nanoseconds.
    var tellsAgainAt: UInt64 = 0
    private let port: UInt16
    private var timeouts: Timeouts
    private var forwarding: Forwarding
    /// The client that `forwarding` is for; nil for none yet.
    private var forwardedAddress: IPAddress?
    private var forwardsHTTPS = false

    /// `ClientTimeouts` in nanoseconds, as deadlines are.
    private struct Timeouts {
        let handshake: UInt64
        let head: UInt64
        let idle: UInt64
        let stall: UInt64
        let tunnel: UInt64
        let tunnelMax: UInt64?
        let responseMax: UInt64?
        let vanished: UInt64?
        let request: UInt64?

        init(_ timeouts: ClientTimeouts) {
            handshake = timeouts.handshake.wholeNanoseconds
            head = timeouts.head.wholeNanoseconds
            idle = timeouts.idle.wholeNanoseconds
            stall = timeouts.stall.wholeNanoseconds
            tunnel = timeouts.tunnel.wholeNanoseconds
            tunnelMax = timeouts.tunnelMax?.wholeNanoseconds
            responseMax = timeouts.responseMax?.wholeNanoseconds
            vanished = timeouts.vanished?.wholeNanoseconds
            request = timeouts.request?.wholeNanoseconds
        }
    }

    /// - Parameters:
    ///   - port: the port it listens on, also where the kernel chose it.
    ///   - worker: the worker's number.
    ///   - pools: the worker's pools, with one for every service that `options` name.
    init(
        options: ListenerOptions, port: UInt16, counters: ListenerCounters, worker: Int,
        pools: [ServiceID: BackendPool]
    ) {
        self.options = options
        self.worker = worker
        certificates = options.tls?.names(worker: worker)
        self.counters = counters
        self.port = port
        destinations = Destinations(options, pools)
        nameBytes = Array(options.name.utf8)
        headLimits = options.policy.headLimits
        answerLimits = options.policy.headLimits.ofAnswers
        bodyLimits = options.policy.bodyLimits
        limitsBodies = options.limitsBodies
        timeouts = Timeouts(options.policy.timeouts)
        responseEdits = Self.responseEdits(options)
        forwarding = Forwarding(policy: options.policy.forwarding, port: port)
        settleBeginnings()
        settleCompression()
    }

    private func settleCompression() {
        let mayBe = options.mode == .http
        compression = mayBe ? CompressionRule(options.policy.compression) : nil
        mayCompress = mayBe && (compression != nil || options.routes?.compresses == true)
    }

    private func settleBeginnings() {
        limitsAddresses = options.connectionLimit != nil
        readsBeginnings =
            !options.policy.proxyProtocol.from.isEmpty || options.serverNames != nil
            || looksForAuthorities || options.mode == .tcp && options.access != nil
    }

    /// Whether clients may be certificate authorities that look at who serves a name (RFC 8737).
    var looksForAuthorities: Bool {
        certificates != nil && (hasChallenges || destinations.challengePool != nil)
    }

    /// Applies `options` from the next request on; number, name, address and mode stay.
    func update(to options: ListenerOptions, pools: [ServiceID: BackendPool]) {
        precondition(options.mode == self.options.mode, "a listener's mode never changes")
        self.options = options
        certificates = options.tls?.names(worker: worker)
        destinations = Destinations(options, pools)
        headLimits = options.policy.headLimits
        answerLimits = options.policy.headLimits.ofAnswers
        bodyLimits = options.policy.bodyLimits
        limitsBodies = options.limitsBodies
        timeouts = Timeouts(options.policy.timeouts)
        responseEdits = Self.responseEdits(options)
        settleBeginnings()
        settleCompression()
        resetForwarding(isHTTPS: forwardsHTTPS)
    }

    private static func responseEdits(_ options: ListenerOptions) -> FieldEdits? {
        guard options.tls != nil else { return nil }
        var edits = FieldEdits()
        options.policy.strictTransport.add(to: &edits)
        return edits.isEmpty ? nil : edits
    }

    /// Shows new clients these certificates from now on.
    func show(_ certificates: TLSServing) {
        options.tls = certificates
        self.certificates = certificates.names(worker: worker)
    }

    /// The service of requests that no route is for; nil for none.
    var pool: BackendPool? { destinations.pool }

    /// The limits that the kernel applies to its connections (Events/PeerWatch.swift); its sockets
    /// carry them.
    var peerLimits: PeerLimits { options.policy.timeouts.peerLimits(options.mode) }

    private func resetForwarding(isHTTPS: Bool) {
        forwarding = Forwarding(
            policy: options.policy.forwarding, scheme: isHTTPS ? "https" : "http", port: port)
        forwardsHTTPS = isHTTPS
        forwardedAddress = nil
    }

    // In nanoseconds, as deadlines are; `ClientTimeouts` says what each means.
    var handshakeTimeout: UInt64 { timeouts.handshake }
    var headTimeout: UInt64 { timeouts.head }
    var idleTimeout: UInt64 { timeouts.idle }
    var stallTimeout: UInt64 { timeouts.stall }
    var tunnelTimeout: UInt64 { timeouts.tunnel }
    /// Nil is no limit.
    var tunnelMax: UInt64? { timeouts.tunnelMax }
    /// Nil is no limit.
    var responseMax: UInt64? { timeouts.responseMax }
    /// Nil is no limit of Fairlead's own.
    var vanished: UInt64? { timeouts.vanished }
    /// Nil is no limit.
    var requestTimeout: UInt64? { timeouts.request }
    /// In bytes, of this worker.
    var compressionMemoryMax: Int { options.policy.compressionMemoryMax }
}

extension WorkerListener {
    /// Makes `client` the one that the forwarding fields of the next request head tell of.
    private func setForwarded(_ client: ClientContext) {
        let address = client.address
        // Never alternately, but while a change of the listener to TLS, or back, is under way.
        if client.isSecure != forwardsHTTPS { resetForwarding(isHTTPS: client.isSecure) }
        if let forwardedAddress, forwardedAddress == address { return }
        forwardedAddress = address
        forwarding.setClient(
            isTrusted: options.policy.trustedProxies.contains { $0.contains(address) }
        ) { address.appendText(to: &$0) }
    }

    /// How the request came: by the client's own client, as told by `client`, if that is trusted;
    /// else by `client`.
    func clientOrigin(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ client: ClientContext
    ) -> ClientOrigin {
        var origin = ClientOrigin()
        if options.policy.trustedProxies.contains(where: { $0.contains(client.address) }) {
            origin = head.clientOrigin(bytes, options.policy.forwarding)
        }
        if origin.isHTTPS == nil { origin.isHTTPS = client.isSecure }
        return origin
    }

    /// Appends the head that a backend gets for a request of `client`.
    func writeHead(
        _ head: borrowing RequestHead, from bytes: Span<UInt8>, of client: ClientContext,
        requestID: RequestID?, trace: OutgoingTrace?, route: Route?, passingUpgrade: Bool,
        into out: SendBuffer
    ) {
        setForwarded(client)
        // Apart, so that a request without a route carries nothing of one about.
        if let route {
            write(
                head, bytes, requestID, trace, client, route.rewrite, route.requestEdits,
                passingUpgrade, into: out)
        } else {
            write(head, bytes, requestID, trace, client, nil, nil, passingUpgrade, into: out)
        }
    }

    /// Appends the head of a question about a request of `client`.
    func writeQuestion(
        _ question: borrowing AuthQuestion, about head: borrowing RequestHead,
        from bytes: Span<UInt8>, of client: ClientContext, requestID: RequestID?,
        trace: OutgoingTrace?, into out: SendBuffer
    ) {
        setForwarded(client)
        let room = head.questionBytesMax(
            question, forwarding: forwarding, certificateLines: client.certificateLines)
        out.append(room: room) { out in
            head.writeQuestion(
                question, from: bytes, forwarding: forwarding, requestID: requestID, trace: trace,
                certificateLines: client.certificateLines, into: &out)
        }
    }

    @inline(__always)
    private func write(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ requestID: RequestID?,
        _ trace: OutgoingTrace?, _ client: ClientContext, _ rewrite: PathRewrite?,
        _ edits: FieldEdits?,
        _ passingUpgrade: Bool, into out: SendBuffer
    ) {
        let room = head.writtenBytesMax(
            forwarding: forwarding, rewrite: rewrite, edits: edits,
            certificateLines: client.certificateLines)
        out.append(room: room) { out in
            head.write(
                from: bytes, forwarding: forwarding, requestID: requestID,
                maxForwards: head.maxForwards.map { $0 - 1 },
                certificateLines: client.certificateLines, rewrite: rewrite, edits: edits,
                trace: trace, passingUpgrade: passingUpgrade, into: &out)
        }
    }
}
