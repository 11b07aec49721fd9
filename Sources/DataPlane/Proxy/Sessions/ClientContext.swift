// ClientContext: what routing, forwarding and the log need to know of a client besides its request.

internal import Endpoints

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
}
