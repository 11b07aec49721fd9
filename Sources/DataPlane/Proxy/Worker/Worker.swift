// Worker: one thread that moves traffic. Everything that a request needs is reached from here.
// Nothing of it is shared with another thread but the counters, which only this thread writes.

internal import AccessLog
internal import Backends
internal import Balancing
internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTP2
internal import Passwords
internal import Random
internal import Stats
internal import TLS

/// What the control thread sends to a worker.
enum WorkerMessage: Sendable {
    /// From now on these backends get the service's traffic.
    case rotation(Rotation)
    /// Services and listeners change.
    case change(ProxyChange)
    /// End what is still under way on these backends.
    case expel([BackendID])
    /// End the streams on these backends, at random moments within the time.
    case endStreams([BackendID], within: Duration)
    /// From now on the process is ready, or is not.
    case readiness(Bool)
    /// What certificate authorities are answered from now on.
    case challenges(ChallengeAnswers)
    /// From now on requests are traced so; nil for not at all.
    case traces(TraceOptions?)
    /// The password of the check of this number was checked.
    case passwordChecked(UInt64, PasswordVerdict)
    /// Report that the worker is alive.
    case ping
    /// Accept no more, finish what is in flight, give up after the limit.
    case drain(limit: Duration)
}

/// The client's side of a request or stream, or a connection that is being ended: what a stopping
/// worker waits for. Worker thread only.
protocol ClientSide: AnyObject {
    /// The descriptor's number, unique among those open.
    var clientNumber: Int { get }
    /// The listener that accepted it.
    var listener: WorkerListener { get }
    /// The time for the drain of these backends is over: what is under way on them goes elsewhere
    /// or ends.
    func leave(_ backends: [BackendID])
    /// Ends a stream to one of these backends or, for nil, to any, at this time in the loop's
    /// nanoseconds, unless it ends before. Does nothing if it is no stream.
    func endStream(to backends: [BackendID]?, at time: UInt64)
    /// The worker is stopping, or the listener is closed: ends once what is under way is done.
    func drain()
    /// The time for the drain is over: ends at once.
    func abandon()
}

/// One worker. Lives on its own thread from `init` on.
final class Worker {
    let number: Int
    let loop = EventLoop()
    /// The buffer into which this thread receives.
    let buffer = ReceiveBuffer()
    /// Where a connection is looked at while the bytes of another one are in `buffer`; made for the
    /// first one.
    lazy var spareBuffer = ReceiveBuffer(capacity: 512)
    /// What OpenSSL takes for the sockets of this thread; made for the first one.
    lazy var tlsTransport = TLSTransport()
    /// Where handshakes wait for their turn; made for the first one.
    lazy var handshakeTurns = HandshakeTurns(on: loop)
    /// The buffer for what is written to a client, reused for every head.
    let outgoing = SendBuffer(capacity: 65_536, keeping: 1 << 18)
    /// The buffer for a part of a request's body in chunks; made for the first one.
    lazy var chunk = SendBuffer(capacity: 1024, keeping: 65_536)
    /// The heads of HTTP/2 requests of this thread, as text of HTTP/1.1.
    var requestText = RequestText()
    /// Trailers of HTTP/2, as field lines of HTTP/1.1.
    var trailerText = TrailerText()
    /// The heads of responses of HTTP/2 of this thread, as text of HTTP/1.1.
    var responseText = ResponseText()
    /// The buffer for a header block that is sent; made for the first one.
    lazy var block = SendBuffer(capacity: 1024, keeping: 65_536)
    /// What an encoder has given out, on its way to the client; made for the first one.
    lazy var codedBytes = SendBuffer(capacity: 32_768, keeping: 1 << 17)
    /// The encoders of responses.
    var codedBodies = CodedBodies()
    /// Parse every head of this thread, within the limits that are set before; neither holds one
    /// across callbacks.
    var requestHead = RequestHead()
    var responseHead = ResponseHead()
    /// The initial state of every request, made once: a copy costs a tenth of making it.
    let newRequest = RequestState()
    /// The field line for responses whose backend sent no Date.
    var dateLine = DateLine()
    /// The worker's access log; nil without one.
    let log: WorkerLog?
    /// Makes the traces of requests; nil while they are not traced.
    private(set) var tracer: Tracer?
    /// Whether the process is ready, as the control thread has said last.
    private(set) var isReady = false
    /// What certificate authorities are answered that look at who serves a name.
    private(set) var challenges = ChallengeAnswers()
    /// Whether connections end once what is under way on them is done.
    private(set) var isDraining = false
    /// Whether the worker accepts no more, and ends.
    private var isStopping: Bool { !drainTimers.isEmpty }
    /// How many descriptors clients and backends may use.
    var descriptorRoom = DescriptorRoom.current

    private let reports: Mailbox<ProxyReport>
    private let registry: StatsRegistry
    /// The pools of the services, for messages; requests find theirs by `Destinations`.
    private var pools: [ServiceID: BackendPool] = [:]
    /// Listeners by number. Closed ones are in `closing` until their last connection has ended.
    private var listeners: [Int: WorkerListener] = [:]
    private var acceptors: [Int: [Acceptor]] = [:]
    private var closing: [WorkerListener] = []
    /// Whether other processes go on listening on the addresses that this one leaves, without
    /// getting the connections that wait here.
    private let leavesSlowly: Bool
    /// Acceptors that take no new handshakes, until they are closed.
    private var leaving: [Acceptor] = []
    /// Clients by descriptor number.
    private var clients: [(any ClientSide)?] = []
    /// Free connections to backends that serve one client alone, by its descriptor number.
    var bound: [Int: BoundConnections] = [:]
    /// How clients came, by descriptor number, where there is more to say of it than the session
    /// knows: of those that a PROXY header was for.
    var arrivals: [Int: ClientArrival] = [:]
    /// Where connections are counted by their addresses, by their numbers; empty without a limit.
    var counted: [Int: CountedConnection] = [:]
    private var clientCount = 0
    /// Free exchanges, kept so that a request allocates nothing.
    private var freeExchanges: [HTTPExchange] = []
    /// Questions about requests, for the same reason.
    var authRequests = AuthRequests()
    /// What is known of passwords; made for the first request that needs one.
    lazy var passwords = PasswordChecks(passwordThreads, mailbox: mailbox)
    private let passwordThreads: PasswordThreads
    private let mailbox: Mailbox<WorkerMessage>
    /// Copies of requests.
    var mirrors = MirrorRequests()
    private var requestIDs = RequestIDs()
    private var jitter = SplitMix64()
    /// Timers that end what is in flight shortly before, and when, the time for the stop is over;
    /// none until the worker stops.
    private var drainTimers: [Timer] = []

    /// Free streams and buffers of HTTP/2 sessions, for the same reason.
    var freeStreams: [HTTP2ClientStream] = []
    /// Streams whose requests go to backends once all is read that their connection has received.
    var startingStreams: [HTTP2ClientStream] = []
    var freeBackendStreams: [HTTP2BackendStream] = []
    var freeFrames: [SendBuffer] = []

    /// The most free buffers: as many connections may have something to send in one turn.
    static let freeFramesMax = 64
    /// The most free exchanges: as many requests in flight are likely to come again.
    static let freeExchangesMax = 1024

    init(
        number: Int, options: ProxyOptions, registry: StatsRegistry,
        mailbox: Mailbox<WorkerMessage>, reports: Mailbox<ProxyReport>, passwords: PasswordThreads,
        accessLog: AccessLog?,
        leavesSlowly: Bool
    ) {
        self.number = number
        self.mailbox = mailbox
        passwordThreads = passwords
        self.leavesSlowly = leavesSlowly
        self.registry = registry
        self.reports = reports
        log = accessLog.map { [loop] log in
            WorkerLog(log, registry.accessLog(worker: number), on: loop)
        }
        renewWebSocketKey()
        follow(options.traces)
        for service in options.services { addPool(service) }
    }

    /// Listens on `sockets`, which are those of each listener, and runs until it is drained.
    func run(_ listeners: [ListenerOptions], sockets: [[Descriptor]]) throws(Errno) {
        let reader = try MailboxReader(mailbox, on: loop) { [unowned self] in receive($0) }
        for (options, sockets) in zip(listeners, sockets) { listen(options, on: sockets) }
        // What was published before this thread began comes before the first connection.
        reader.onReadable()
        loop.run()
        reader.close()
        authRequests.cancel()
        for copy in mirrors.taken { copy.cancel() }
        for pool in pools.values { pool.closeIdle() }
        loop.runOnce()
        log?.finish()
        tracer?.spans?.finish()
        freeExchanges = []
        authRequests = AuthRequests()
        mirrors = MirrorRequests()
        freeStreams = []
        freeBackendStreams = []
    }

    private func receive(_ message: WorkerMessage) {
        switch message {
        case .rotation(let rotation):
            // Nil for a service that was removed while its rotation was on its way.
            pools[rotation.service]?.update(to: rotation) { id in
                registry.backend(id.rawValue, worker: number)
            }
        case .change(let change):
            apply(change)
        case .expel(let backends):
            // This is rare: no need for a list of clients by backend.
            for client in clients { client?.leave(backends) }
            for copy in mirrors.taken { copy.exchange?.leave(backends) }
        case .endStreams(let backends, let time):
            endStreams(to: backends, within: time)
        case .readiness(let isReady): self.isReady = isReady
        case .challenges(let answers):
            challenges = answers
            for listener in listeners.values { followChallenges(listener) }
        case .traces(let options): follow(options)
        case .passwordChecked(let number, let verdict):
            passwords.finished(number, verdict, at: loop.nowNanoseconds)
        case .ping:
            reports.post(.alive(worker: number))
        case .drain(let limit):
            drain(limit: limit)
        }
    }

    /// Traces requests by `options` from now on. Those under way have no more spans if these go
    /// elsewhere.
    private func follow(_ options: TraceOptions?) {
        if let options, let tracer, tracer.spans?.spool === options.spool {
            tracer.policy = options.policy
            return
        }
        tracer?.spans?.finish()
        tracer = options.map { options in
            let spans = options.spool.map {
                WorkerSpans($0, registry.traces(worker: number), on: loop)
            }
            return Tracer(options.policy, spans)
        }
    }

    /// Ends streams at random moments within `time`, so that their clients do not all come back at
    /// once. Nil for `backends` means any backend, nil for the listener any listener.
    private func endStreams(
        to backends: [BackendID]? = nil, of listener: WorkerListener? = nil, within time: Duration
    ) {
        let now = loop.nowNanoseconds
        let within = time.wholeNanoseconds
        for client in clients where listener == nil || client?.listener === listener {
            client?.endStream(
                to: backends, at: now + UInt64.random(in: 0...within, using: &jitter))
        }
    }

    /// The timers of a drain that may take `limit`, of one listener or, for nil, of all. Streams
    /// end before the limit, and `whenOver` is called at the limit.
    private func drainTimers(
        _ limit: Duration, of listener: WorkerListener? = nil, whenOver: @escaping () -> Void
    ) -> [Timer] {
        let streams = Timer(on: loop) { [unowned self, unowned listener] in
            endStreams(of: listener, within: StreamEnds.time(of: limit))
        }
        streams.schedule(after: limit - StreamEnds.lead(of: limit))
        let end = Timer(on: loop, action: whenOver)
        end.schedule(after: limit)
        return [streams, end]
    }

    /// Applies a change between two events, so that no request sees half of it: services are added
    /// before a listener names them, and removed once none does.
    private func apply(_ change: ProxyChange) {
        for service in change.added { addPool(service) }
        for service in change.changed { pools[service.id]?.update(to: service) }
        for listener in change.listeners {
            listeners[listener.index]?.update(to: listener, pools: pools)
            listeners[listener.index].map(followChallenges)
            limitPeers(of: listener.index)
        }
        for (number, certificates) in change.certificates {
            listeners[number]?.show(certificates)
        }
        for opening in change.opened { open(opening) }
        for number in change.closed { close(number, limit: change.drainLimit) }
        for service in change.removed { pools.removeValue(forKey: service)?.retire() }
    }

    private func addPool(_ service: ServiceOptions) {
        pools[service.id] = BackendPool(
            options: service, counters: registry.service(service.id.index, worker: number),
            worker: number, loop: loop)
    }

    // MARK: - Listeners

    /// Accepts connections on `sockets`, which the worker owns from now on.
    private func listen(_ options: ListenerOptions, on sockets: [Descriptor]) {
        let listener = enlist(options, on: sockets.first)
        acceptors[options.index] = sockets.map {
            Acceptor($0, worker: self, listener: listener)
        }
        // The sockets may have been opened with the limits of an earlier change.
        limitPeers(of: options.index)
    }

    /// Gives the sockets of a listener the limits that its connections are to have.
    private func limitPeers(of index: Int) {
        guard let listener = listeners[index] else { return }
        for acceptor in acceptors[index] ?? [] {
            acceptor.descriptor.setPeerLimits(listener.peerLimits)
        }
    }

    private func enlist(_ options: ListenerOptions, on socket: Descriptor?) -> WorkerListener {
        let listener = WorkerListener(
            options: options, port: socket?.localEndpoint?.port ?? options.endpoint.port,
            counters: registry.listener(options.index, worker: number), worker: number,
            pools: pools)
        listeners[options.index] = listener
        followChallenges(listener)
        return listener
    }

    /// Has `listener` look for certificate authorities while there is something to show them.
    private func followChallenges(_ listener: WorkerListener) {
        listener.hasChallenges = challenges.certificates != nil
    }

    private func open(_ opening: ProxyChange.Opening) {
        switch opening.origin {
        case .sockets(let sockets):
            let sockets = sockets.descriptors[number]
            if isStopping {
                for socket in sockets { socket.close() }
            } else {
                listen(opening.options, on: sockets)
            }
        case .successor(let old):
            guard let moved = acceptors.removeValue(forKey: old) else { return }
            acceptors[opening.options.index] = moved
            let listener = enlist(opening.options, on: moved.first?.descriptor)
            for acceptor in moved { acceptor.listener = listener }
            limitPeers(of: opening.options.index)
        }
    }

    /// Closes the listener of this number; its connections have `limit` to end.
    private func close(_ number: Int, limit: Duration) {
        retire(acceptors.removeValue(forKey: number) ?? [])
        guard let listener = listeners.removeValue(forKey: number) else { return }
        listener.isDraining = true
        closing.append(listener)
        listener.drainTimers = drainTimers(limit, of: listener) {
            [unowned self, unowned listener] in
            listener.isGivingUp = true
            for client in clients where client?.listener === listener { client?.abandon() }
        }
        for client in clients where client?.listener === listener { client?.drain() }
        reportIfClosed(listener)
    }

    private func reportIfClosed(_ listener: WorkerListener) {
        guard listener.clientCount == 0, listener.leavingCount == 0,
            let place = closing.firstIndex(where: { $0 === listener })
        else { return }
        closing.remove(at: place)
        for timer in listener.drainTimers { timer.cancel() }
        reports.post(.listenerClosed(listener.options.index))
    }

    // MARK: - Stopping

    private func drain(limit: Duration) {
        guard !isStopping else { return }
        retire(acceptors.values.joined())
        acceptors = [:]
        drainTimers = drainTimers(limit) { [unowned self] in
            for listener in Array(listeners.values) + closing { listener.isGivingUp = true }
            for client in clients { client?.abandon() }
            for acceptor in leaving { acceptor.closeAtOnce() }
            loop.stop()
        }
        if leaving.isEmpty { drainClients() }
    }

    /// Ends connections once what is under way on them is done. Not before the sockets are closed:
    /// clients connect again at once, and have to reach another process.
    private func drainClients() {
        isDraining = true
        for listener in listeners.values { listener.isDraining = true }
        for client in clients { client?.drain() }
        stopWhenIdle()
    }

    private func stopWhenIdle() {
        if isDraining, clientCount == 0, leaving.isEmpty { loop.stop() }
    }

    /// Closes `acceptors`, with a short delay where that saves connections.
    private func retire(_ acceptors: some Sequence<Acceptor>) {
        for acceptor in acceptors {
            if leavesSlowly, acceptor.leave() {
                acceptor.listener.leavingCount += 1
                leaving.append(acceptor)
            } else {
                acceptor.closeAtOnce()
            }
        }
    }

    /// The acceptor's delay is over, and it is closed.
    func acceptorLeft(_ acceptor: Acceptor) {
        leaving.removeAll { $0 === acceptor }
        acceptor.listener.leavingCount -= 1
        reportIfClosed(acceptor.listener)
        guard leaving.isEmpty, isStopping else { return }
        if isDraining { stopWhenIdle() } else { drainClients() }
    }

    // MARK: - Clients

    func add(_ client: any ClientSide) {
        let number = client.clientNumber
        while clients.count <= number { clients.append(nil) }
        clients[number] = client
        clientCount += 1
        client.listener.clientCount += 1
    }

    func remove(_ client: any ClientSide) {
        let number = client.clientNumber
        guard number < clients.count, clients[number] === client else { return }
        clients[number] = nil
        clientCount -= 1
        if !arrivals.isEmpty { arrivals[number] = nil }
        if !counted.isEmpty { uncount(number) }
        let listener = client.listener
        listener.clientCount -= 1
        if listener.isDraining { reportIfClosed(listener) }
        stopWhenIdle()
    }

    /// `client` has become `successor`, on the same descriptor.
    func replace(_ client: any ClientSide, by successor: any ClientSide) {
        let number = client.clientNumber
        precondition(clients[number] === client, "only a client that is known has a successor")
        clients[number] = successor
    }

    /// `duration` or up to a tenth less, so that streams that began together do not end together.
    func jittered(_ duration: UInt64) -> UInt64 {
        duration - UInt64.random(in: 0...duration / 10, using: &jitter)
    }

    /// A random number.
    func random() -> UInt64 { jitter.next() }

    // MARK: - Exchanges

    /// A name for the request at hand.
    func nextRequestID() -> RequestID { requestIDs.next() }

    func takeExchange() -> HTTPExchange {
        freeExchanges.popLast() ?? HTTPExchange(worker: self)
    }

    /// Keeps `exchange`, which is still on the stack: of too many, another is dropped.
    func recycle(_ exchange: consuming HTTPExchange) {
        if freeExchanges.count == Self.freeExchangesMax { freeExchanges.removeLast() }
        freeExchanges.append(exchange)
    }

    // MARK: - Shortages

    /// A call failed since this machine has run out of something.
    func recordShortage(_ error: Errno) {
        if error.shortage == .descriptors { descriptorRoom.wasShort(now: loop.nowNanoseconds) }
    }

    // MARK: - Reports

    /// Tells the control thread something.
    func report(_ report: ProxyReport) { reports.post(report) }
}
