// WebSocketFrames: where in a WebSocket stream one frame ends and the next begins (RFC 6455,
// section 5.2), so that a close frame can be put between two of a backend's. Payloads are skipped,
// not read.

/// Follows the frames of one direction. Value type, any thread.
struct WebSocketFrames {
    /// Payload bytes of the frame under way that are still to come.
    private(set) var remaining: UInt64 = 0
    /// The head of the frame under way, as far as it has come: 2 to 14 bytes.
    private var head: InlineArray<14, UInt8> = .init(repeating: 0)
    private var headCount: UInt8 = 0
    /// A close frame has passed: nothing may follow it.
    private(set) var hasClosed = false
    /// What came is no frame: nothing is known of what follows.
    private(set) var isLost = false

    /// Whether one frame has ended and the next has not begun.
    var isAtBoundary: Bool { !isLost && remaining == 0 && headCount == 0 }

    /// Goes on through `bytes`, which come next, and returns how many of them it has gone through:
    /// all, or, if it `stops`, those before the first boundary, which may be at their start.
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

    /// Notes that `count` bytes of payload have passed that were not looked at: at most
    /// `remaining`, unless `isLost`.
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
        // Nothing is defined for codes of 3 to 7 and from 11 on.
        isLost = (3...7).contains(code) || code > 10
        if code == 8 { hasClosed = true }
        var length = lengthBytes == 0 ? UInt64(short) : 0
        for index in 0..<lengthBytes { length = length << 8 | UInt64(head[2 + index]) }
        remaining = length
        headCount = 0
        // The highest bit of a length is 0.
        if length >> 63 != 0 { isLost = true }
    }

    /// A close frame from a server that goes away (code 1001, section 7.4.1).
    static var goingAway: [UInt8] { [0x88, 0x02, 0x03, 0xE9] }
}
