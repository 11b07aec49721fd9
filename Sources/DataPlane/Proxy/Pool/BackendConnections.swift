// BackendConnections: the connections to one backend that no request uses.

/// A backend's free connections. Value type, worker thread only.
struct BackendConnections {
    /// Connections that any request may use; the last used is reused first, so that the others can
    /// time out. Links, since each is here between two requests: a connection lives until it is
    /// closed, and is not here any more by then.
    private var idle: [Link<HTTP1BackendConnection>] = []
    /// Connections that wait for the next request of the client to which they belong
    /// (BoundConnections.swift). How many there are is up to the clients: each is one without which
    /// a user would have to log on again.
    private var bound: [HTTP1BackendConnection] = []

    /// Whether any request finds a connection here.
    var hasIdle: Bool { !idle.isEmpty }

    /// Takes out a connection for a request that may be sent twice, or not; nil if there is none.
    /// Its loop keeps it until it is closed.
    mutating func take(isRepeatable: Bool) -> BackendStream? {
        while let link = idle.popLast() {
            if link.use({ $0.isUsable(isRepeatable) }) { return .http1(link) }
            link.object?.close()
        }
        return nil
    }

    /// Keeps `connection` for the next request; false when there are `max` already.
    mutating func keep(_ connection: HTTP1BackendConnection, max: Int) -> Bool {
        guard idle.count < max else { return false }
        idle.append(Link(connection))
        return true
    }

    /// Forgets a connection that closed and is not bound.
    mutating func remove(_ connection: HTTP1BackendConnection) {
        // From the end: a connection that breaks was most likely used last.
        if let index = idle.lastIndex(where: { $0.refers(to: connection) }) {
            idle.remove(at: index)
        }
    }

    /// Notes a connection that its client keeps.
    mutating func noteBound(_ connection: HTTP1BackendConnection) {
        connection.placeAmongBound = bound.count
        bound.append(connection)
    }

    /// Forgets a bound connection, which is in use again or closes.
    mutating func removeBound(_ connection: HTTP1BackendConnection) {
        let last = bound.removeLast()
        guard last !== connection else { return }
        last.placeAmongBound = connection.placeAmongBound
        bound[last.placeAmongBound] = last
    }

    /// All of them, of which each is to be closed by `dropIdle`: that forgets it here, if bound.
    mutating func takeAll() -> [HTTP1BackendConnection] {
        defer { idle = [] }
        return idle.compactMap(\.object) + bound
    }
}
