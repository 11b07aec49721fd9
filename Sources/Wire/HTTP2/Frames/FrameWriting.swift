// Writing frames into room that was made beforehand.

internal import HTTP1

extension OutputSpan<UInt8> {
    /// Appends the header of a frame.
    /// - Precondition: there is room for 9 bytes; the length is below 2^24.
    @inline(__always)
    mutating func append(_ header: FrameHeader) {
        let first =
            UInt64(header.length) << 40 | UInt64(header.type.rawValue) << 32
            | UInt64(header.flags.rawValue) << 24 | UInt64(header.stream >> 8)
        appendWhole(first.bigEndian)
        append(UInt8(truncatingIfNeeded: header.stream))
    }

    /// Appends `number` in 32 bits, the highest first.
    /// - Precondition: there is room for 4 bytes.
    @inline(__always)
    mutating func appendNumber(_ number: UInt32) { appendWhole(number.bigEndian) }

    /// Appends the bytes of `number` as they are in memory.
    @inline(__always)
    private mutating func appendWhole<Number: FixedWidthInteger & BitwiseCopyable>(
        _ number: Number
    ) {
        let count = MemoryLayout<Number>.size
        precondition(count <= freeCapacity, "more bytes than room was made for")
        // The room was checked, and the bytes of an integer are all initialised; the pointer is
        // used only inside the closure.
        unsafe withUnsafeMutableBufferPointer { target, initialized in
            guard let start = target.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(start + initialized).storeBytes(
                of: number, as: Number.self)
            initialized += count
        }
    }

    /// Appends one entry of SETTINGS (RFC 9113 section 6.5.1).
    /// - Precondition: there is room for 6 bytes.
    mutating func appendSetting(_ id: SettingID, _ value: UInt32) {
        append(UInt8(truncatingIfNeeded: id.rawValue >> 8))
        append(UInt8(truncatingIfNeeded: id.rawValue))
        appendNumber(value)
    }
}

/// Frames that the connection sends of itself, until the caller takes them; bounded by the budgets
/// on what the peer can provoke.
struct ControlQueue {
    private(set) var bytes: [UInt8] = []
    /// Frames in `bytes`.
    private(set) var frames = 0

    /// RST_STREAM (RFC 9113 section 6.4).
    mutating func reset(_ stream: UInt32, _ code: HTTP2ErrorCode) {
        append(.resetStream, stream, code.rawValue)
    }

    /// WINDOW_UPDATE (RFC 9113 section 6.9); stream 0 for the connection, increment 1 to 2^31-1.
    mutating func windowUpdate(_ stream: UInt32, by increment: Int32) {
        append(.windowUpdate, stream, UInt32(increment))
    }

    /// PING or its answer (RFC 9113 section 6.7), with eight bytes of its own.
    mutating func ping(_ payload: UInt64, flags: FrameFlags = []) {
        let high = UInt32(truncatingIfNeeded: payload >> 32)
        append(.ping, 0, high, UInt32(truncatingIfNeeded: payload), flags)
    }

    /// GOAWAY without debug data (RFC 9113 section 6.8).
    mutating func goAway(last: UInt32, _ code: HTTP2ErrorCode) {
        append(.goAway, 0, last, code.rawValue)
    }

    /// The answer to SETTINGS (RFC 9113 section 6.5.3).
    mutating func acknowledgeSettings() {
        write(FrameHeader.bytes) { out in
            out.append(
                FrameHeader(length: 0, type: .settings, flags: .acknowledgement, stream: 0))
        }
    }

    /// The first bytes of the connection: the preface of a client (RFC 9113 section 3.4) and the
    /// SETTINGS of both.
    mutating func preface(_ role: HTTP2Role, _ own: HTTP2Settings) {
        write(HTTP2Settings.prefaceBytesMax) { out in own.write(role, to: &out) }
    }

    /// Moves all of it to `out`.
    /// - Precondition: there is room for it.
    mutating func take(into out: inout OutputSpan<UInt8>) {
        out.append(bytes.span)
        bytes.removeAll(keepingCapacity: true)
        frames = 0
    }

    /// Gives memory back that nothing is in.
    mutating func freeUnused() { if bytes.isEmpty { bytes = [] } }

    private mutating func append(_ type: FrameType, _ stream: UInt32, _ number: UInt32) {
        write(FrameHeader.bytes + 4) { out in
            out.append(FrameHeader(length: 4, type: type, stream: stream))
            out.appendNumber(number)
        }
    }

    private mutating func append(
        _ type: FrameType, _ stream: UInt32, _ first: UInt32, _ second: UInt32,
        _ flags: FrameFlags = []
    ) {
        write(FrameHeader.bytes + 8) { out in
            out.append(FrameHeader(length: 8, type: type, flags: flags, stream: stream))
            out.appendNumber(first)
            out.appendNumber(second)
        }
    }

    private mutating func write(_ room: Int, _ body: (inout OutputSpan<UInt8>) -> Void) {
        bytes.append(addingCapacity: room) { (out: inout OutputSpan<UInt8>) in body(&out) }
        frames += 1
    }
}
