// ClientContext: what routing, forwarding and the log need to know of a client besides its request.

internal import Endpoints
internal import Events
internal import Traffic

/// What is known of a client from its connection. Value type, worker thread only.
struct ClientContext {
    /// The listener that accepted the client.
    let listener: WorkerListener
    /// The client's address.
    let address: IPAddress
    /// Whether it speaks TLS.
    let isSecure: Bool
    /// The field lines that tell backends who it is by its certificate; empty without one.
    let certificateLines: [UInt8]

    /// Whether the client is a proxy that the operator trusts: what it says of its own clients is
    /// believed.
    var isTrusted: Bool {
        listener.options.policy.trustedProxies.contains { $0.contains(address) }
    }
}

extension ClientContext {
    /// What is known of the client at `address` whose connection to `listener` is `handoff`.
    init(_ handoff: borrowing Handoff, from address: IPAddress, _ listener: WorkerListener) {
        self.init(
            listener: listener, address: address, isSecure: handoff.hasLayer,
            certificateLines: handoff.hasLayer ? listener.certificateLines(of: handoff.tls) : [])
    }
}
