// BoundConnections: the backend connections that belong to one client's connection.
//
// NTLM and Negotiate authenticate a connection: the backend takes for Alice's whatever comes on the
// connection on which Alice has proved who she is. A connection that carried such a request, or
// offered such a scheme, serves this client only, and ends with the client's connection at the
// latest. The client's next requests have to use it as well, since the handshake takes several.

/// The free backend connections of one client, at most one for each service. Worker thread only.
struct BoundConnections {
    private var connections: [HTTP1BackendConnection] = []

    var isEmpty: Bool { connections.isEmpty }

    /// The backend on which the client has a connection for the service of `pool`; nil for none.
    func backend(of pool: BackendPool) -> PooledBackend? {
        connections.first { $0.pool === pool }?.backend
    }

    /// Takes out the connection to `backend`, if there is one, for a request that may be sent
    /// twice, or not. Its loop keeps it until it is closed.
    mutating func take(
        to backend: PooledBackend, isRepeatable: Bool
    ) -> Link<HTTP1BackendConnection>? {
        guard let index = connections.firstIndex(where: { $0.backend === backend }) else {
            return nil
        }
        let connection = connections.remove(at: index)
        if connection.isUsable(isRepeatable) { return Link(connection) }
        connection.close()
        return nil
    }

    /// Keeps `connection`, and closes another of the same service.
    mutating func keep(_ connection: HTTP1BackendConnection) {
        if let index = connections.firstIndex(where: { $0.pool === connection.pool }) {
            connections.remove(at: index).close()
        }
        connections.append(connection)
    }

    /// Removes `connection`, which closes by itself.
    mutating func remove(_ connection: HTTP1BackendConnection) {
        connections.removeAll { $0 === connection }
    }

    /// Closes all of them.
    mutating func closeAll() {
        let closing = connections
        connections = []
        for connection in closing { connection.close() }
    }
}
