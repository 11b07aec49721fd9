// TCPFrame: DNS messages in a TCP stream, each after its length in two octets (RFC 1035, section
// 4.2.2; RFC 7766, section 8: a length may arrive apart from its message). `Message.encodeFrame`
// writes what this splits.

/// Cuts a stream that arrives in pieces of any size into messages.
///
/// Holds what was appended and not yet taken, so take every frame after each piece: then it holds
/// one incomplete frame, less than 64 KiB, which is all that a peer can make it hold.
package struct TCPFrameSplitter: Sendable {
    private var buffer: [UInt8] = []
    /// Where the next frame begins in `buffer`; what is before it was taken.
    private var start = 0

    /// The begin of a stream: nothing appended.
    package init() {}

    /// Octets that were appended and not yet taken. Not 0 at the end of a stream means that it
    /// ended within a frame.
    package var pendingOctets: Int { buffer.count - start }

    /// Adds the next piece of the stream.
    /// - Complexity: O(piece and one incomplete frame).
    package mutating func append(_ piece: Span<UInt8>) {
        // Only here, and not per frame: a piece of many frames is moved once.
        buffer.removeSubrange(..<start)
        start = 0
        buffer.reserveCapacity(buffer.count + piece.count)
        for index in piece.indices { buffer.append(piece[index]) }
    }

    /// The next whole frame without its length, 0 to 65,535 octets; nil until more arrives.
    package mutating func next() -> [UInt8]? {
        guard pendingOctets >= 2 else { return nil }
        let length = Int(buffer[start]) << 8 | Int(buffer[start + 1])
        guard pendingOctets >= 2 + length else { return nil }
        let frame = Array(buffer[(start + 2)..<(start + 2 + length)])
        start += 2 + length
        return frame
    }
}
