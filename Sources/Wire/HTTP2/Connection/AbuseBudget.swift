// What a peer may do too often before it is told to go, and then cut off. Each rule is on work that
// the peer causes at no cost of its own, and is far from what any honest client does.

/// The counts of one connection.
struct AbuseBudget {
    /// Over how long frames and bytes are counted.
    static let period: UInt64 = 10_000_000_000
    /// SETTINGS, PING, GOAWAY, and RST_STREAM of what is over, in a period (CVE-2019-9512, 9515).
    static let controlFramesMax: UInt16 = 1000
    /// Streams that may be reset beyond those that end well: all that can be open, once. With one
    /// more the peer is told to go elsewhere, and after as many again it is cut off
    /// (CVE-2023-44487, CVE-2025-8671).
    static let resets: Int16 = 100
    /// DATA frames in a row without a byte in them and without an end (CVE-2019-9518).
    static let emptyFramesMax: UInt8 = 10
    /// Bytes in a period that are in no message, beyond 7 for each that is.
    static let uselessBytesMax = 8 * 256 * 1024
    /// Faults at which the peer is told to go elsewhere, and at which it is cut off; half of them
    /// are forgotten after each period.
    static let faultsToDrain: UInt16 = 150
    static let faultsMax: UInt16 = 200

    /// What follows.
    enum Verdict: Equatable { case drain(HTTP2Fault), close(HTTP2Fault) }

    /// Set once and taken by the connection; a close replaces a drain.
    private(set) var verdict: Verdict?
    /// What was done since `takeCounts`.
    private(set) var counts = HTTP2FaultCounts()
    private var start: UInt64 = 0
    private var received = 0
    private var useful = 0
    private var controlFrames: UInt16 = 0
    private var resets = Self.resets
    private var faults: UInt16 = 0
    private var emptyFrames: UInt8 = 0
    private var hasDrained = false

    /// Begins a new period if it is time to, at `now`.
    mutating func turn(_ now: UInt64) {
        guard now &- start >= Self.period else { return }
        if start != 0 { faults /= 2 }
        start = now
        received = 0
        useful = 0
        controlFrames = 0
    }

    /// A frame of `bytes` came, its header included.
    mutating func frame(_ bytes: Int) {
        received += bytes
        if received > 8 * useful + Self.uselessBytesMax { close(.uselessBytes) }
    }

    /// So many bytes of a message came or went.
    mutating func message(_ bytes: Int) { useful += bytes }

    /// DATA of so many bytes came for a stream that we reset: of no use, but nobody's fault, since
    /// a whole window of each stream may be on its way.
    mutating func late(_ bytes: Int) { received -= bytes }

    /// SETTINGS, PING, GOAWAY, or RST_STREAM of what is over came.
    mutating func controlFrame() {
        controlFrames += 1
        if controlFrames > Self.controlFramesMax { close(.controlFrames) }
    }

    /// DATA came.
    mutating func data(isEmpty: Bool) {
        guard isEmpty else { return emptyFrames = 0 }
        emptyFrames += 1
        if emptyFrames > Self.emptyFramesMax { close(.emptyFrames) }
    }

    /// A stream ended well.
    mutating func good() { if resets < Self.resets { resets += 1 } }

    /// The peer reset a stream, or had it reset.
    mutating func reset() {
        resets -= 1
        if resets < -Self.resets { return close(.resets) }
        if resets < 0 { drain(.resets) }
    }

    /// The peer did something wrong that does not end the connection.
    mutating func fault(_ fault: HTTP2Fault) {
        counts.add(fault)
        faults += 1
        if faults >= Self.faultsMax { return close(.faults) }
        if faults >= Self.faultsToDrain { drain(.faults) }
    }

    /// The connection ends by a fault of the peer.
    mutating func lastFault(_ fault: HTTP2Fault) { counts.add(fault) }

    /// What was done since this was called last, or since the beginning.
    mutating func takeCounts() -> HTTP2FaultCounts {
        defer { counts = HTTP2FaultCounts() }
        return counts
    }

    /// What is to follow; nil when nothing is, or it was taken already.
    mutating func takeVerdict() -> Verdict? {
        defer { verdict = nil }
        return verdict
    }

    private mutating func drain(_ fault: HTTP2Fault) {
        guard !hasDrained else { return }
        hasDrained = true
        counts.add(fault)
        if verdict == nil { verdict = .drain(fault) }
    }

    private mutating func close(_ fault: HTTP2Fault) {
        if case .close? = verdict { return }
        verdict = .close(fault)
    }
}
