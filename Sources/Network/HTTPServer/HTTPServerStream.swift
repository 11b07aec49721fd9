// HTTPServerStream: a response whose body goes on for as long as its owner and its client like. It
// is pushed, never pulled: the owner sends when there is something, what the client has not taken
// yet waits in a queue that is bounded, and a client for whom that is not enough is cut off. So a
// slow reader costs a known amount of memory for a known time, and holds up nobody.

internal import Events

/// The body of a response, piece by piece. Loop thread only.
package final class HTTPServerStream {
    /// Called once when the stream ends without the owner having ended it: the client went away or
    /// read too slowly, or the server closed. May be called from within `send`.
    package var onClose: (() -> Void)?
    private weak var connection: HTTPServerConnection?

    init(_ connection: HTTPServerConnection) {
        self.connection = connection
    }

    /// Whether the client is still there, as far as is known.
    package var isOpen: Bool { connection != nil }

    /// Bytes that the client has not taken yet, those in the kernel not counted.
    package var queuedBytes: Int { connection?.keptCount ?? 0 }

    /// Sends a piece of the body; dropped when the client is gone. One that would make the queue
    /// longer than `HTTPServerOptions.streamBytesMax` ends the stream.
    package func send(_ bytes: [UInt8]) {
        connection?.sendPiece(bytes)
    }

    /// Ends the body; the client learns that it is complete.
    package func finish() {
        let connection = connection
        self.connection = nil
        onClose = nil
        connection?.endStream()
    }

    /// The server serves no more: the body is complete as it is.
    func finishByServer() {
        let connection = connection
        lose()
        connection?.endStream()
    }

    /// The connection is closed.
    func lose() {
        connection = nil
        let action = onClose
        onClose = nil
        action?()
    }
}
