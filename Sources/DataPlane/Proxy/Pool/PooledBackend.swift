// PooledBackend: a backend as one worker sees it: what is in flight on it, its free connections,
// and what its answers show.

internal import Backends
internal import Endpoints
internal import Evidence
internal import Stats
internal import TLS

/// One backend of a service. Worker thread only.
final class PooledBackend {
    let endpoint: Endpoint
    let counters: BackendCounters
    /// The name that its endpoint was resolved from; empty for none.
    var hostName: String
    /// Where its newest session of TLS is kept.
    lazy var sessions = TLSSessionSlot()
    /// Its address, for the access log.
    private(set) lazy var nameBytes = Array("\(endpoint)".utf8)
    /// What this worker's requests show of it.
    var record: BackendRecord
    /// How long it keeps idle connections.
    var idleTime = IdleTime()
    /// Its connections that no request uses.
    var free = BackendConnections()
    /// Its connections that requests share; nil until the first request by HTTP/2.
    private(set) var shared: SharedConnections?

    init(id: BackendID, endpoint: Endpoint, hostName: String, counters: BackendCounters) {
        record = BackendRecord(id)
        self.endpoint = endpoint
        self.hostName = hostName
        self.counters = counters
    }

    var id: BackendID { record.id }

    /// The backend has left the rotation: it gets no new request, and no connection is kept.
    func leave() {
        record.leave()
        closeIdle()
    }

    /// Keeps `connection` for the next request. False when it is not needed: outside of the
    /// rotation none is, and in it no more than `max`.
    func keep(_ connection: HTTP1BackendConnection, max: Int) -> Bool {
        record.isInRotation && free.keep(connection, max: max)
    }

    /// Adds `connection`, which its client keeps; false when it is not needed.
    func keepBound(_ connection: HTTP1BackendConnection) -> Bool {
        guard record.isInRotation else { return false }
        free.addBound(connection)
        return true
    }

    /// The connections that requests share, made for the first one.
    func shared(_ pool: BackendPool, _ worker: Worker) -> SharedConnections {
        if let shared { return shared }
        let made = SharedConnections(to: self, of: pool, worker: worker)
        shared = made
        return made
    }

    /// Whether a request finds a connection to it that is there already.
    var hasConnection: Bool { free.hasIdle || shared?.hasRoom == true }

    /// Closes all free connections, and has those that requests share take no more.
    func closeIdle() {
        shared?.retireAll()
        for connection in free.takeAll() { connection.dropIdle() }
    }
}
