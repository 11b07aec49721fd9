// ClientContext: who asks, and where: what routing, forwarding and the log want to know of a client
// besides its request.

internal import Endpoints

/// What is known of a client from its connection. Value type, worker thread only.
struct ClientContext {
    /// The listener that the client came by.
    let listener: WorkerListener
    /// The client's address.
    let address: IPAddress
}
