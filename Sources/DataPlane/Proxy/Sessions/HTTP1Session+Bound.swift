// A session's connections to backends that serve its client alone (BoundConnections.swift). Few
// clients ever have any, and an idle session is to be small: so the worker keeps them, and the
// session knows whether there are any.

extension HTTP1Session {
    /// The free ones.
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

    /// The backend of the one for the service of `pool`; nil for none.
    func boundBackend(of pool: BackendPool) -> PooledBackend? {
        condition.contains(.hasBound) ? bound.backend(of: pool) : nil
    }

    /// Takes out the one to `backend`, for a request that may be sent twice, or not; nil for none.
    func takeBound(to backend: PooledBackend, isRepeatable: Bool) -> BackendStream? {
        guard condition.contains(.hasBound) else { return nil }
        return bound.take(to: backend, isRepeatable: isRepeatable)
    }

    /// Keeps `connection` for the next request.
    func keepBound(_ connection: HTTP1BackendConnection) { bound.keep(connection) }

    /// Forgets `connection`, which was kept and closes by itself.
    func dropBound(_ connection: HTTP1BackendConnection) { bound.remove(connection) }

    /// Closes the free ones.
    func closeBound() {
        if condition.contains(.hasBound) { bound.closeAll() }
    }
}
