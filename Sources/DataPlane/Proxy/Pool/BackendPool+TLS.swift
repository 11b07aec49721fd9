// How connections to a service's backends are made secure.

internal import Endpoints
internal import Events
internal import Stats
internal import TLS

extension BackendPool {
    /// The layer of a new connection to `backend`, which is offered nothing but HTTP/1.1 if
    /// `asksForHTTP1`; nil where TLS is not spoken.
    func makeLayer(
        to backend: PooledBackend, asksForHTTP1: Bool = false, _ worker: Worker
    ) -> TLSLayer? {
        guard let tlsClient else { return nil }
        // What an operator says goes before the host's name, and that before its address.
        let name =
            tlsClient.options.name ?? TLSPeerName(backend.hostName)
            ?? .address(backend.endpoint.address)
        return TLSLayer(
            client: tlsClient, for: name, offering: asksForHTTP1 ? [.http1] : nil,
            resuming: backend.sessions, worker.tlsTransport)
    }

    /// Counts the handshake of `layer`, which is over.
    func countHandshake(_ layer: TLSLayer?) {
        guard let outcome = layer?.outcome else { return }
        counters.add(outcome.isResumed ? .resumedHandshakes : .fullHandshakes)
    }
}
