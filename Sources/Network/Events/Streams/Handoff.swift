// Handoff: a connection between two owners: what one object gives up and the next one takes, such
// as a session that becomes a relay, or a connection that has only to end.

/// A connection that no channel has: it has to be taken by one of the same loop, or its descriptor
/// closed. Loop thread only.
package struct Handoff: ~Copyable {
    /// The connected socket.
    package let descriptor: Descriptor
    /// What lies between the stream and the socket; nil: nothing.
    package let layer: StreamLayer?
    /// What was written to the connection before and is still to be sent; the next owner's channel
    /// sends it first.
    let unsent: UnsentBytes
    /// What the peer has sent and nobody has read.
    package let received: [UInt8]

    /// Whether something lies between the stream and the socket, such as TLS.
    package var hasLayer: Bool { layer != nil }

    /// A connection, under `layer` if there is one, on which nothing has been sent or received yet.
    package init(_ descriptor: Descriptor, layer: StreamLayer? = nil) {
        self.init(descriptor, layer, unsent: UnsentBytes(), received: [])
    }

    init(
        _ descriptor: Descriptor, _ layer: StreamLayer?, unsent: UnsentBytes, received: [UInt8]
    ) {
        self.descriptor = descriptor
        self.layer = layer
        self.unsent = unsent
        self.received = received
    }
}
