// IdleConnections: TCP connections that have answered and wait for the next question.

internal import Endpoints
internal import Events

/// The idle connections of a resolver, by server. Loop thread only.
final class IdleConnections {
    /// Below the 10 s and more after which servers close idle connections, so that few are found
    /// closed (RFC 7766, section 6.2.3).
    private static let timeout = Duration.seconds(5)
    /// Per server: as many as a burst of questions uses; servers allow a client a hundred or so.
    private static let connectionsMax = 16

    private var connections: [Endpoint: [TCPTransport]] = [:]

    /// The one of `server` that was used last; nil without any.
    func take(_ server: Endpoint) -> TCPTransport? {
        connections[server]?.popLast()
    }

    /// Keeps `transport` if it is free for another question, else closes it.
    func keep(_ transport: TCPTransport) {
        let server = transport.server
        guard transport.isFree, connections[server, default: []].count < Self.connectionsMax else {
            transport.close()
            return
        }
        connections[server, default: []].append(transport)
        transport.rest(timeout: Self.timeout) { [weak self, weak transport] in
            self?.connections[server]?.removeAll { $0 === transport }
        }
    }

    /// Closes all of them.
    func close() {
        let all = connections.values.joined()
        connections = [:]
        for transport in all { transport.close() }
    }
}
