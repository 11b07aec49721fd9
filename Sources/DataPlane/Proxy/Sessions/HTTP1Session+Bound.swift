// HTTP1Session+Bound: a session's connections to backends that are for its client alone
// (BoundConnections.swift). Few clients ever have any, and an idle session has to be small: so the
// worker keeps them, and the session only knows whether there are any.

extension HTTP1Session {
    /// The free connections.
    private var bound: BoundConnections {
        get {
            guard condition.contains(.hasBound) else { return BoundConnections() }
            return worker.bound[clientNumber] ?? BoundConnections()
        }
        set {
            if newValue.isEmpty {
                condition.remove(.hasBound)
                worker.bound[clientNumber] = nil
            } else {
                condition.insert(.hasBound)
                worker.bound[clientNumber] = newValue
            }
        }
    }

    /// The backend of the connection for the service of `pool`; nil for none.
    func boundBackend(of pool: BackendPool) -> PooledBackend? {
        condition.contains(.hasBound) ? bound.backend(of: pool) : nil
    }

    /// Removes and returns the connection to `backend`, for a request that may be sent twice if
    /// `isRepeatable`; nil for none.
    func takeBound(
        to backend: PooledBackend, isRepeatable: Bool
    ) -> Link<HTTP1BackendConnection>? {
        guard condition.contains(.hasBound) else { return nil }
        return bound.take(to: backend, isRepeatable: isRepeatable)
    }

    /// Keeps `connection` for the next request.
    func keepBound(_ connection: HTTP1BackendConnection) { bound.keep(connection) }

    /// Removes `connection`, which was kept and closes by itself.
    func dropBound(_ connection: HTTP1BackendConnection) { bound.remove(connection) }

    /// Closes the free connections.
    func closeBound() {
        if condition.contains(.hasBound) { bound.closeAll() }
    }
}
