// BackendPool: what one worker knows of a service: its backends, whose turn it is, and which
// connections to them are free.

internal import Backends
internal import Balancing
internal import Endpoints
internal import Events
internal import Stats

/// One backend as one worker sees it. Worker thread only.
final class PooledBackend {
    let id: BackendID
    let endpoint: Endpoint
    let counters: BackendCounters
    /// Its address, for the access log.
    private(set) lazy var nameBytes = Array("\(endpoint)".utf8)
    /// Connections that wait for a request; the last used is reused first, so that the others can
    /// time out.
    private var idle: [BackendConnection] = []
    /// Whether the rotation has it; if not, connections are not kept.
    var isInRotation = true
    /// When a failed dial was last reported, so that a dead backend is not reported a thousand times
    /// before the control thread can say so.
    var lastReportNanoseconds: UInt64 = 0

    init(id: BackendID, endpoint: Endpoint, counters: BackendCounters) {
        self.id = id
        self.endpoint = endpoint
        self.counters = counters
    }

    /// Counts the head of a response, so many nanoseconds after its request was sent.
    func noteResponse(status: Int, after nanoseconds: UInt64) {
        counters.firstByte.record(microseconds: Int(nanoseconds / 1000))
        if status >= 500 { counters.responses5xx.add() }
    }

    /// A connection that was free, if there is one.
    func takeIdle() -> BackendConnection? { idle.popLast() }

    /// Keeps `connection` for the next request; false when it is not wanted.
    func keep(_ connection: BackendConnection, max: Int) -> Bool {
        guard isInRotation, idle.count < max else { return false }
        idle.append(connection)
        return true
    }

    /// Forgets a free connection that closed.
    func remove(_ connection: BackendConnection) {
        // From the end: a connection that breaks was most likely used last.
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    /// Closes all free connections.
    func closeIdle() {
        let closing = idle
        idle = []
        for connection in closing { connection.close() }
    }
}

/// A service's backends on one worker. Worker thread only.
final class BackendPool {
    private(set) var options: ServiceOptions
    /// Its name, for the access log.
    let nameBytes: [UInt8]
    let counters: ServiceCounters
    var retryPolicy: RetryPolicy
    // In nanoseconds, as deadlines are.
    private(set) var connectTimeout: UInt64
    private(set) var firstByteTimeout: UInt64
    private(set) var idleTimeout: UInt64
    private var policy: RoundRobin
    /// The rotation's members, tier after tier, as `RoundRobin.pick` numbers them.
    private var members: [PooledBackend] = []

    init(options: ServiceOptions, counters: ServiceCounters, worker: Int) {
        self.options = options
        nameBytes = Array(options.name.utf8)
        self.counters = counters
        retryPolicy = RetryPolicy(options.retry)
        connectTimeout = options.connectTimeout.wholeNanoseconds
        firstByteTimeout = options.firstByteTimeout.wholeNanoseconds
        idleTimeout = options.idleTimeout.wholeNanoseconds
        policy = RoundRobin(offset: worker)
    }

    /// Takes up a new rotation. Connections to backends that stay are kept, free ones to those that
    /// left are closed; requests in flight on them go on.
    func update(to rotation: Rotation, counters: (BackendID) -> BackendCounters) {
        var known: [BackendID: PooledBackend] = [:]
        for member in members { known[member.id] = member }
        members = rotation.tiers.joined().map { member in
            known.removeValue(forKey: member.id)
                ?? PooledBackend(
                    id: member.id, endpoint: member.endpoint, counters: counters(member.id))
        }
        policy.update(to: rotation)
        for gone in known.values {
            gone.isInRotation = false
            gone.closeIdle()
        }
    }

    /// Does as `options`, of the same service, say from now on; what is under way is not touched.
    func update(to options: ServiceOptions) {
        self.options = options
        retryPolicy.update(to: options.retry)
        connectTimeout = options.connectTimeout.wholeNanoseconds
        firstByteTimeout = options.firstByteTimeout.wholeNanoseconds
        idleTimeout = options.idleTimeout.wholeNanoseconds
    }

    /// The service is gone: no request comes any more. Those in flight go on, and may be tried on
    /// another backend; a connection is closed as soon as it is free.
    func retire() {
        options.idleConnectionsMax = 0
        closeIdle()
    }

    /// The backend whose turn it is; nil when there is none that was not tried.
    func pick(avoiding tried: TriedBackends) -> PooledBackend? {
        policy.pick(avoiding: tried).map { members[$0] }
    }

    /// Counts a response by the class of its status.
    func noteResponse(status: Int) {
        switch status {
        case ..<300: counters.responses2xx.add()
        case ..<400: counters.responses3xx.add()
        case ..<500: counters.responses4xx.add()
        default: counters.responses5xx.add()
        }
    }

    /// Whether the rotation has a backend that was not tried.
    func hasOther(than tried: TriedBackends) -> Bool {
        members.contains { !tried.contains($0.id) }
    }

    /// Closes all free connections.
    func closeIdle() {
        for member in members { member.closeIdle() }
    }
}
