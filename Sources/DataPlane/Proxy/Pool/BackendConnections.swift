// BackendConnections: the connections to one backend that no request uses.

/// A backend's free connections. Value type, worker thread only.
struct BackendConnections {
    /// Connections that any request may use. The one used last is reused first, so that the others
    /// can time out. Links, since each is here between two requests: a connection lives until it is
    /// closed, and is not here any more by then.
    private var idle: [Link<HTTP1BackendConnection>] = []
    /// Connections that wait for the next request of the client to which they belong
    /// (BoundConnections.swift). Their number is not limited: without one of them a user would have
    /// to log on again.
    private var bound: [HTTP1BackendConnection] = []

    /// Whether any request finds a connection here.
    var hasIdle: Bool { !idle.isEmpty }

    /// Removes and returns a connection for a request, which may be sent twice if `isRepeatable`;
    /// nil if there is none. Its loop keeps it until it is closed.
    mutating func take(isRepeatable: Bool) -> Link<HTTP1BackendConnection>? {
        while let link = idle.popLast() {
            if link.use({ $0.isUsable(isRepeatable) }) { return link }
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

    /// Removes a connection that closed and is not bound.
    mutating func remove(_ connection: HTTP1BackendConnection) {
        // From the end: a connection that breaks was most likely used last.
        if let index = idle.lastIndex(where: { $0.refers(to: connection) }) {
            idle.remove(at: index)
        }
    }

    /// Adds a connection that its client keeps.
    mutating func addBound(_ connection: HTTP1BackendConnection) {
        connection.placeAmongBound = bound.count
        bound.append(connection)
    }

    /// Removes a bound connection, which is in use again or closes.
    mutating func removeBound(_ connection: HTTP1BackendConnection) {
        let last = bound.removeLast()
        guard last !== connection else { return }
        last.placeAmongBound = connection.placeAmongBound
        bound[last.placeAmongBound] = last
    }

    /// Removes and returns all connections that are not bound, and returns the bound ones as well.
    /// The caller closes each by `dropIdle`, which removes a bound one.
    mutating func takeAll() -> [HTTP1BackendConnection] {
        defer { idle = [] }
        return idle.compactMap(\.object) + bound
    }
}
