// WebSocketFrames: where in a WebSocket stream one frame ends and the next begins (RFC 6455,
// section 5.2), so that a close frame can be sent between two frames of a backend. Payloads are
// skipped, not read.

/// Tracks the frames of one direction. Value type, any thread.
struct WebSocketFrames {
    /// Payload bytes of the current frame that are still to come.
    private(set) var remaining: UInt64 = 0
    /// The head of the current frame as far as it has come; a whole one has 2 to 14 bytes.
    private var head: InlineArray<14, UInt8> = .init(repeating: 0)
    private var headCount: UInt8 = 0
    /// Whether a close frame has passed: nothing may follow it.
    private(set) var hasClosed = false
    /// Whether something came that is no frame: frames can't be told apart from there on.
    private(set) var isLost = false

    /// Whether a frame has ended and the next has not begun.
    var isAtBoundary: Bool { !isLost && remaining == 0 && headCount == 0 }

    /// Reads on in `bytes`, which come next. Returns how many it has read: all or, if it `stops`,
    /// those before the first boundary, which may be at their start.
    mutating func advance(_ bytes: Span<UInt8>, stops: Bool) -> Int {
        var at = 0
        while at < bytes.count, !isLost {
            if stops, isAtBoundary { return at }
            if remaining > 0 {
                let step = Int(min(remaining, UInt64(bytes.count - at)))
                remaining -= UInt64(step)
                at += step
                continue
            }
            head[Int(headCount)] = bytes[at]
            headCount += 1
            at += 1
            if headCount >= 2 { endHead() }
        }
        return stops && isAtBoundary ? at : bytes.count
    }

    /// Skips `count` bytes of payload that passed unseen: at most `remaining`, unless `isLost`.
    mutating func skip(_ count: Int) {
        guard !isLost else { return }
        remaining -= UInt64(count)
    }

    private mutating func endHead() {
        let isMasked = head[1] & 0x80 != 0
        let short = head[1] & 0x7F
        let lengthBytes = short == 127 ? 8 : short == 126 ? 2 : 0
        guard Int(headCount) == 2 + lengthBytes + (isMasked ? 4 : 0) else { return }
        let code = head[0] & 0x0F
        // Opcodes 3 to 7 and from 11 on are not defined.
        isLost = (3...7).contains(code) || code > 10
        if code == 8 { hasClosed = true }
        var length = lengthBytes == 0 ? UInt64(short) : 0
        for index in 0..<lengthBytes { length = length << 8 | UInt64(head[2 + index]) }
        remaining = length
        headCount = 0
        // The highest bit of a length has to be 0.
        if length >> 63 != 0 { isLost = true }
    }

    /// How long a frame may take to end when the time of its stream is over, in nanoseconds.
    static let partingNanoseconds: UInt64 = 1_000_000_000

    /// A close frame of a server that goes away (code 1001, section 7.4.1).
    static var goingAway: [UInt8] { [0x88, 0x02, 0x03, 0xE9] }
}
