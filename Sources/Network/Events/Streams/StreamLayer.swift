// StreamLayer: what changes the bytes of a stream between its channel and the socket, such as TLS.
//
// A layer is bytes in, bytes out: the channel alone makes system calls. So there stays one write
// loop, whose kept bytes are always those of the socket: what a layer has sealed once is never
// given to it again, however slowly the peer takes it. And a layer is tested without a socket.

/// What became of bytes that a layer was given. Any thread.
///
/// `public`, like `StreamLayer`, whose subclasses in other modules answer with it.
public enum LayerOutcome: Equatable, Sendable {
    /// So many bytes of content are in the buffer; at least one.
    case content(Int)
    /// There is no content before more bytes come.
    case needsMore
    /// The peer has said that this was all.
    case ended
    /// The bytes break the layer's rules: nothing more can be believed.
    case failed
}

/// A layer under one `StreamChannel`. Loop thread only.
///
/// `open` and not `package`, because only `open` allows subclasses in other modules.
open class StreamLayer {
    /// A layer that has seen nothing yet.
    package init() {}

    /// Whether content can be sent: whatever the two layers have to agree on first, they have.
    open var isEstablished: Bool { true }

    /// Whether the peer has broken the layer's rules. It has been told so, by what was appended to
    /// be sent; nothing else comes or goes any more.
    open var hasFailed: Bool { false }

    /// Appends to `out` what the layer has to say before anything has come; nothing by default.
    open func begin(into out: SendBuffer) {}

    /// Whether `receive` has content to give although no byte comes.
    open var hasPending: Bool { false }

    /// Takes all of `bytes`, which came from the peer; none when only what is held is wanted. Puts
    /// content into `content`, as much as fits; the layer holds the rest, which is then `pending`.
    /// Appends to `reply` what has to be sent in return at once. After the first `ended` every call
    /// gives that.
    open func receive(
        _ bytes: Span<UInt8>, into content: ReceiveBuffer, reply: SendBuffer
    ) -> LayerOutcome {
        preconditionFailure("a layer says how it receives")
    }

    /// Appends to `out` what carries `first` and then `second`, of which one may be empty, to the
    /// peer's layer.
    open func send(_ first: Span<UInt8>, _ second: Span<UInt8>, into out: SendBuffer) {
        preconditionFailure("a layer says how it sends")
    }

    /// Appends to `out` what tells the peer's layer that nothing more will be sent; nothing when
    /// that was said before.
    open func closeNotify(into out: SendBuffer) {
        preconditionFailure("a layer says how it ends")
    }
}

/// What all layers of a loop use for the time of a call. Loop thread only.
final class LayerBuffers {
    /// What came from a socket.
    let received = ReceiveBuffer()
    /// What goes to a socket.
    let out = SendBuffer(capacity: 4096, keeping: 1 << 17)
}
