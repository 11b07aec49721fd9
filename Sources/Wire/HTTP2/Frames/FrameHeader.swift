// The nine bytes in front of each frame (RFC 9113 section 4.1).

/// What a frame is (RFC 9113 section 6); other numbers are ignored (section 5.5).
struct FrameType: Equatable {
    let rawValue: UInt8

    static let data = FrameType(rawValue: 0x0)
    static let headers = FrameType(rawValue: 0x1)
    static let priority = FrameType(rawValue: 0x2)
    static let resetStream = FrameType(rawValue: 0x3)
    static let settings = FrameType(rawValue: 0x4)
    static let pushPromise = FrameType(rawValue: 0x5)
    static let ping = FrameType(rawValue: 0x6)
    static let goAway = FrameType(rawValue: 0x7)
    static let windowUpdate = FrameType(rawValue: 0x8)
    static let continuation = FrameType(rawValue: 0x9)
}

/// Flags of a frame; what a bit means depends on the type, and bits without a meaning are ignored.
struct FrameFlags: OptionSet {
    let rawValue: UInt8

    /// DATA and HEADERS: the sender's side of the stream ends.
    static let endStream = FrameFlags(rawValue: 0x1)
    /// SETTINGS and PING: the answer to one.
    static let acknowledgement = FrameFlags(rawValue: 0x1)
    /// HEADERS and CONTINUATION: the header block ends.
    static let endHeaders = FrameFlags(rawValue: 0x4)
    /// DATA and HEADERS: the first byte is the length of the padding.
    static let padded = FrameFlags(rawValue: 0x8)
    /// HEADERS: five bytes of priority come before the block.
    static let priority = FrameFlags(rawValue: 0x20)
}

/// The header of a frame.
struct FrameHeader: Equatable {
    static let bytes = 9
    /// Bytes of payload that everyone must take, and the most that this side sends or takes
    /// (SETTINGS_MAX_FRAME_SIZE is left at it): larger frames would only hold up other streams.
    static let payloadBytesMax = 16_384

    var length: Int
    var type: FrameType
    var flags: FrameFlags
    /// Without its reserved bit, which is ignored.
    var stream: UInt32

    init(length: Int, type: FrameType, flags: FrameFlags = [], stream: UInt32) {
        self.length = length
        self.type = type
        self.flags = flags
        self.stream = stream
    }

    /// Reads the header at `offset`.
    /// - Precondition: its nine bytes are all there.
    @inline(__always)
    init(_ bytes: Span<UInt8>, at offset: Int) {
        let start = bytes.number32(at: offset)
        length = Int(start >> 8)
        type = FrameType(rawValue: UInt8(truncatingIfNeeded: start))
        flags = FrameFlags(rawValue: bytes[offset + 4])
        stream = bytes.number32(at: offset + 5) & 0x7FFF_FFFF
    }
}

extension Span<UInt8> {
    /// The big-endian number of 32 bits at `offset`.
    @inline(__always)
    func number32(at offset: Int) -> UInt32 {
        // Any four bytes are a number; that they are inside the span is checked.
        UInt32(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The big-endian number of 16 bits at `offset`.
    func number16(at offset: Int) -> UInt16 {
        UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
    }
}
