// PooledBackend: one backend as one worker sees it: what is in flight on it, which connections to
// it are free, and what its answers say about it.

internal import Backends
internal import Endpoints
internal import Evidence
internal import Stats

/// One backend of a service. Worker thread only.
final class PooledBackend {
    let endpoint: Endpoint
    let counters: BackendCounters
    /// Its address, for the access log.
    private(set) lazy var nameBytes = Array("\(endpoint)".utf8)
    /// What this worker knows of it.
    var record: BackendRecord
    /// How long it keeps idle connections.
    var idleTime = IdleTime()
    /// Connections that wait for a request; the last used is reused first, so that the others can
    /// time out.
    private var idle: [BackendConnection] = []
    /// Those that wait for the next request of the client to which they belong.
    private var bound: [BackendConnection] = []

    init(id: BackendID, endpoint: Endpoint, counters: BackendCounters) {
        record = BackendRecord(id)
        self.endpoint = endpoint
        self.counters = counters
    }

    var id: BackendID { record.id }

    /// The rotation has it no more: no new request, and no connection is kept.
    func leave() {
        record.leave()
        closeIdle()
    }

    /// Whether a connection to it is free.
    var hasIdle: Bool { !idle.isEmpty }

    /// A connection that was free, if there is one; for a request that may be sent twice, or not.
    func takeIdle(isRepeatable: Bool) -> BackendConnection? {
        while let connection = idle.popLast() {
            if connection.isUsable(isRepeatable) { return connection }
            connection.close()
        }
        return nil
    }

    /// Keeps `connection` for the next request; false when it is not wanted.
    func keep(_ connection: BackendConnection, max: Int) -> Bool {
        guard record.isInRotation, idle.count < max else { return false }
        idle.append(connection)
        return true
    }

    /// Forgets a free connection that closed.
    func remove(_ connection: BackendConnection) {
        // From the end: a connection that breaks was most likely used last.
        if let index = idle.lastIndex(where: { $0 === connection }) { idle.remove(at: index) }
    }

    /// Notes a free connection that is kept by the client to which it belongs; false when it is not
    /// wanted. How many there are is up to the clients: each is one without which a user would have
    /// to log on again.
    func keepBound(_ connection: BackendConnection) -> Bool {
        guard record.isInRotation else { return false }
        connection.placeAmongBound = bound.count
        bound.append(connection)
        return true
    }

    /// A connection noted by `keepBound` is in use again, or closes.
    func removeBound(_ connection: BackendConnection) {
        let last = bound.removeLast()
        guard last !== connection else { return }
        last.placeAmongBound = connection.placeAmongBound
        bound[last.placeAmongBound] = last
    }

    /// Closes all free connections.
    func closeIdle() {
        let closing = idle + bound
        idle = []
        for connection in closing { connection.dropIdle() }
    }
}
