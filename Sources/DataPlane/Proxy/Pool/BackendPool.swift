// BackendPool: a service as one worker sees it: its backends, whose turn it is, the free
// connections to them, and the requests that wait.

internal import Backends
internal import Balancing
internal import Endpoints
internal import Events
internal import Evidence
internal import Routing
internal import Stats
internal import TLS
internal import Traffic

/// A service's backends on one worker. Worker thread only.
final class BackendPool {
    private(set) var options: ServiceOptions
    /// Its name, for the access log.
    let nameBytes: [UInt8]
    let counters: ServiceCounters
    var retryPolicy: RetryPolicy
    /// What makes connections to the backends secure; nil where TLS is not spoken.
    private(set) var tlsClient: TLSClient?
    /// The last fault of a backend's TLS; nil for none so far.
    var lastFault: TLSFault?
    // In nanoseconds, as deadlines are.
    private(set) var connectTimeout: UInt64
    private(set) var firstByteTimeout: UInt64
    private(set) var idleTimeout: UInt64
    /// Whether requests share connections, by HTTP/2, where a backend speaks it.
    private(set) var sharesConnections = false
    /// The limit of one try while another may follow; nil is none.
    private(set) var tryTimeout: UInt64?
    /// After how long without a response a safe request is sent to another backend as well; nil:
    /// never.
    private(set) var hedgeAfter: Duration?
    /// After how long a response is first tested for being late.
    private(set) var firstLook: UInt64
    private(set) var balancer: Balancer { didSet { balancerLink = Link(balancer) } }
    /// `balancer`, for what happens with each request: it is replaced between two events.
    private(set) var balancerLink: Link<Balancer>
    private(set) var affinity: Affinity
    private let worker: Int
    private var rotation: Rotation?
    /// The rotation's members, tier after tier, as `Pick` numbers them.
    private(set) var members: [PooledBackend] = []
    /// What live requests show of the backends.
    var evidence = LiveEvidence()
    /// Backends that left the rotation with requests in flight on them: they may come back.
    private var departed: [BackendID: PooledBackend] = [:]

    /// Requests that wait for room.
    let queue = RequestQueue()
    /// Requests that wait for a backend.
    private(set) lazy var awaiting = AwaitingRequests(for: self)
    private var queueTimer: Timer?
    /// Whether a request waits for this machine to have room for a connection: new ones wait behind
    /// it.
    private(set) var isShort = false
    /// How soon the request tries again; or earlier, when another ends and frees its connection.
    private static let shortPause = Duration.milliseconds(50)
    let loop: EventLoop
    /// Requests that have been admitted and are not over.
    private var admittedCount = 0

    init(options: ServiceOptions, counters: ServiceCounters, worker: Int, loop: EventLoop) {
        self.options = options
        self.loop = loop
        tryTimeout = nil
        firstLook = 0
        nameBytes = Array(options.name.utf8)
        self.counters = counters
        retryPolicy = RetryPolicy(options.policy.retry)
        connectTimeout = 0
        firstByteTimeout = 0
        idleTimeout = 0
        self.worker = worker
        balancer = Balancer.make(options.policy.balancing, worker: worker)
        balancerLink = Link(balancer)
        affinity = Affinity(options.policy.balancing)
        tlsClient = options.tls?.client(worker: worker)
        setTimeouts()
    }

    private func setTimeouts() {
        connectTimeout = options.policy.timeouts.connect.wholeNanoseconds
        firstByteTimeout = options.policy.timeouts.responseHead.wholeNanoseconds
        idleTimeout = options.policy.timeouts.idle.wholeNanoseconds
        sharesConnections = options.policy.speaks != .http1
        tryTimeout = options.policy.retry.tryTimeout?.wholeNanoseconds
        hedgeAfter = options.policy.retry.rule.hedging.delay
        evidence.failuresMin = options.policy.ejection.failures
        evidence.silence.limit = options.policy.ejection.silence?.wholeNanoseconds
        firstLook = min(firstByteTimeout, tryTimeout ?? .max, evidence.silence.limit ?? .max)
    }

    /// Applies a new rotation. Connections to backends that stay are kept; free connections to
    /// backends that left are closed, and requests in flight on those go on.
    func update(to rotation: Rotation, counters: (BackendID) -> BackendCounters) {
        var known = departed.filter { $0.value.record.inFlight > 0 }
        for member in members { known[member.id] = member }
        members = rotation.members.enumerated().map { place, member in
            let backend =
                known.removeValue(forKey: member.id)
                ?? PooledBackend(
                    id: member.id, endpoint: member.endpoint, hostName: member.hostName,
                    counters: counters(member.id))
            rename(backend, to: member.hostName)
            backend.record.enter(
                at: place, isOnProbation: member.isOnProbation, now: loop.nowNanoseconds)
            return backend
        }
        for gone in known.values { gone.leave() }
        departed = known
        self.rotation = rotation
        updateBalancer()
        awaiting.rotationChanged()
    }

    /// The endpoint of `backend` may have come by another name: then what was made for the old one
    /// is not used any more.
    private func rename(_ backend: PooledBackend, to hostName: String) {
        guard backend.hostName != hostName else { return }
        backend.hostName = hostName
        guard tlsClient != nil else { return }
        backend.sessions = TLSSessionSlot()
        backend.closeIdle()
    }

    private func updateBalancer() {
        guard let rotation else { return }
        balancer.update(
            to: rotation, inFlightMax: options.policy.limits.backendRequestsMax,
            inFlight: { members[$0].record.inFlight }, streams: { members[$0].record.streams })
        serveQueueSoon()
    }

    /// Applies new options of the service; requests in flight are not touched.
    func update(to options: ServiceOptions) {
        let old = self.options
        self.options = options
        // Free connections began in the old way.
        if options.policy.sendsHeader != old.policy.sendsHeader || options.tls != old.tls
            || options.policy.speaks != old.policy.speaks
        {
            closeIdle()
        }
        // A client whose options stay keeps its sessions.
        if options.tls != old.tls { tlsClient = options.tls?.client(worker: worker) }
        affinity = Affinity(options.policy.balancing)
        if options.policy.balancing != old.policy.balancing {
            balancer = Balancer.make(options.policy.balancing, worker: worker)
        }
        if options.policy.balancing != old.policy.balancing
            || options.policy.limits != old.policy.limits
        {
            updateBalancer()
        }
        retryPolicy.update(to: options.policy.retry)
        setTimeouts()
        serveQueueSoon()
    }

    /// Whether responses get field lines of the service's own. Few services want them, so they may
    /// allocate.
    var addsLines: Bool {
        options.policy.retry.isReported || options.policy.balancing.sticky.cookie != nil
    }

    /// Whether the service was removed.
    private(set) var isRetired = false

    /// The service was removed: no request comes any more. Those in flight go on, and may be tried
    /// on another backend; a connection is closed as soon as it is free.
    func retire() {
        isRetired = true
        awaiting.refuseAll()
        options.policy.idleConnectionsMax = 0
        closeIdle()
    }

    /// The backend for `request`: the one that the client's token names, if it has a token and may
    /// go there; else the balancer's choice.
    func pick(_ request: PickRequest, token: UInt64? = nil) -> Pick {
        if let token, let place = balancer.place(of: token), balancer.admits(place, request) {
            return .backend(place)
        }
        return balancerLink.use { balancer in
            evidence.pick(for: request, by: balancer, at: moment) { members[$0].record }
        }
    }

    /// The choice for a client that has a connection of its own to `backend`: that backend, once it
    /// has room; nil when it has left the rotation.
    func pick(boundTo backend: PooledBackend) -> Pick? {
        guard let place = backend.record.place else { return nil }
        return balancer.isFull(place) ? .full : .backend(place)
    }

    /// A request goes to `backend`.
    func begin(on backend: PooledBackend) {
        backend.counters.add(.requests)
        backend.counters.add(.inFlight)
        backend.record.begin(now: loop.nowNanoseconds)
        if let place = backend.record.place { balancerLink.use { $0.began(place) } }
    }

    /// A TCP connection goes to `backend`, or the stream that a request there has become goes on.
    func adopt(_ backend: PooledBackend) {
        backend.counters.add(.inFlight)
        backend.counters.add(.streams)
        backend.record.beginStream()
        guard let place = backend.record.place else { return }
        balancer.began(place)
        balancer.becameStream(place)
    }

    /// A request on `backend` is a stream from now on; `owes` says whether its next byte is due.
    func becameStream(_ backend: PooledBackend, owes: Bool) {
        backend.counters.add(.streams)
        backend.record.becomeStream(owes: owes)
        if let place = backend.record.place { balancer.becameStream(place) }
    }

    /// A request on `backend` is over, or goes elsewhere; `hold` is what it held.
    func end(on backend: PooledBackend, _ hold: BackendRecord.Hold = .request) {
        backend.record.end(hold)
        backend.counters.add(.inFlight, -1)
        if hold != .request {
            backend.counters.add(.streams, -1)
            if let place = backend.record.place { balancer.streamEnded(place) }
        }
        if let place = backend.record.place { balancerLink.use { $0.ended(place) } }
        serveQueueSoon()
    }

    // MARK: - Limits

    /// Admits a request, unless the service is at its limit; `release` undoes that.
    func admits() -> Bool {
        guard hasRoom else { return false }
        admittedCount += 1
        return true
    }

    /// Whether the service is below its limit.
    var hasRoom: Bool {
        guard let limit = options.policy.limits.requestsMax else { return true }
        return admittedCount < limit
    }

    /// A request that was admitted is over.
    func release() {
        admittedCount -= 1
        serveQueueSoon()
    }

    /// Serves the queue between two events, since the caller is in the middle of something.
    private func serveQueueSoon() {
        guard queue.count > 0 else { return }
        if queueTimer == nil { queueTimer = Timer(on: loop) { [unowned self] in serveQueue() } }
        queueTimer?.schedule(after: .zero)
    }

    /// `exchange` waits for this machine to have room for a connection; ahead of the others if it
    /// had its turn already.
    func awaitRoom(_ exchange: HTTPExchange, hadTurn: Bool) {
        if hadTurn { queue.putBack(exchange) } else { queue.append(exchange) }
        isShort = true
        if queueTimer == nil { queueTimer = Timer(on: loop) { [unowned self] in serveQueue() } }
        // This replaces the timer that its failed dial has set, which has made no room.
        queueTimer?.schedule(after: Self.shortPause)
    }

    /// A backend that `request` may go to and that has a free connection; nil for none. O(n): for
    /// when no connection can be made.
    func backendWithIdle(for request: PickRequest) -> PooledBackend? {
        for (place, member) in members.enumerated()
        where member.hasConnection && balancer.admits(place, request) {
            return member
        }
        return nil
    }

    private func serveQueue() {
        isShort = false
        var bound = 0
        while !isShort, let exchange = queue.first {
            guard exchange.request.isAdmitted || hasRoom else { return }
            let pick = exchange.pick(self)
            if pick == .full {
                // A request that is bound to a backend waits for it, and holds up no other.
                guard exchange.held.boundTo != nil, bound < queue.count else { return }
                bound += 1
                queue.moveToEnd(exchange)
                continue
            }
            exchange.leaveQueue(to: pick)
        }
    }

    /// Counts a response by the class of its status.
    func countResponse(status: Int) {
        switch status {
        case ..<300: counters.add(.responses2xx)
        case ..<400: counters.add(.responses3xx)
        case ..<500: counters.add(.responses4xx)
        default: counters.add(.responses5xx)
        }
    }

    /// Whether the rotation has a backend that was not tried.
    func hasOther(than tried: TriedBackends) -> Bool {
        members.contains { !tried.contains($0.id) }
    }

    /// How many answers its backends have sent to this worker. O(n), and not cheap.
    var answeredCount: Int { members.reduce(0) { $0 + $1.counters.firstByte.count } }

    /// Closes all free connections.
    func closeIdle() {
        for member in members { member.closeIdle() }
    }
}
