// GRPCMessage: the frame in which each message of a call stands: a byte that says whether it is
// compressed, its length in four, and its bytes (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md).

/// The one message of a unary call. Any thread.
package enum GRPCMessage {
    /// Bytes in front of a message.
    private static let prefix = 5

    /// Why a body is not one message that can be read.
    package enum Problem: Error, Hashable, Sendable {
        /// The body ends before its message does, or has none.
        case cutShort
        /// The message is compressed, which nobody has asked for.
        case compressed
        /// Something stands behind the message.
        case trailingBytes
    }

    /// The body that has `message` alone, uncompressed.
    /// - Precondition: `message` has less than 2^32 bytes.
    package static func framed(_ message: [UInt8]) -> [UInt8] {
        let count = UInt32(message.count)
        return [0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + message
    }

    /// Where the message is in `body`, which has to be one and nothing else.
    package static func range(in body: Span<UInt8>) throws(Problem) -> Range<Int> {
        guard body.count >= prefix else { throw .cutShort }
        guard body[0] == 0 else { throw .compressed }
        let length = (1..<prefix).reduce(0) { $0 << 8 | Int(body[$1]) }
        guard length <= body.count - prefix else { throw .cutShort }
        guard length == body.count - prefix else { throw .trailingBytes }
        return prefix..<body.count
    }
}
