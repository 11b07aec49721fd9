// BackendProtocol: which HTTP backends speak.

/// The protocol of a service's backends.
package enum BackendProtocol: String, CaseIterable, Sendable {
    /// HTTP/1.1: one request at a time on a connection.
    case http1
    /// HTTP/2, by TLS or in the clear ("prior knowledge", RFC 9113, section 3.3): many requests at
    /// a time on a connection.
    case http2 = "h2"
    /// HTTP/2 where a backend chooses it in the handshake of TLS (ALPN), else HTTP/1.1.
    case auto
}
