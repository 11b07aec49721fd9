// HTTP2Stream: one request and its response on a connection of HTTP/2, as it is to a client
// (HTTP2ClientStream.swift) and to a backend (HTTP2BackendStream.swift) alike: what comes from the
// peer, and what goes to it.
//
// Nothing is kept for longer than the other side makes it wait. What comes and can't be passed on
// is held, and its bytes are not given back to the peer's window (RFC 9113, section 5.2) until they
// have gone on; so a stream holds at most that window. Of what goes to the peer it keeps what one
// receive from the other side brought: that side is not read from until the peer's windows let that
// go.

internal import Events
internal import HTTP1

/// One stream of a connection of HTTP/2. Worker thread only; used again for one request after the
/// other.
class HTTP2Stream: Deadlined {
    final let worker: Worker
    private final var channelLink = Link<HTTP2Channel>()
    /// Its place among the streams of its connection.
    private(set) final var slot = 0

    // MARK: What comes

    /// Whether all of it has come.
    final var isWhole = false
    /// Whether the exchange has the end of it.
    final var hasPassedAll = false
    /// Whether the exchange takes none of its body for now.
    private(set) final var isPaused = false
    /// Whether what is held goes on at the end of the turn.
    private final var isResuming = false
    /// What has come of its body meanwhile.
    private final var held: [UInt8] = []
    /// The field lines of its trailers; empty for none.
    final var trailersCome: [UInt8] = []
    /// Bytes of it by which the windows are not opened yet.
    private final var owed = 0

    // MARK: What goes

    /// What the windows, or the connection, do not let go yet.
    private final var kept: [UInt8] = []
    private final var keptStart = 0
    /// Whether the last byte is among those kept, or was sent.
    private(set) final var hasLast = false
    /// Whether the peer has been told that it ends.
    final var hasEnded = false
    /// The field lines of its trailers; empty for none.
    final var trailersGo: [UInt8] = []
    /// Whether it is among those that the connection sends from when it can.
    final var isWaiting = false

    init(worker: Worker) {
        self.worker = worker
        super.init(on: worker.loop)
    }

    /// Takes it into use for the stream in `slot` of `channel`.
    final func begin(_ slot: Int, in channel: HTTP2Channel) {
        channelLink = Link(channel)
        self.slot = slot
    }

    /// Makes it ready for another stream.
    func clear() {
        channelLink = Link()
        deadlineNanoseconds = .max
        isWhole = false
        hasPassedAll = false
        isPaused = false
        isResuming = false
        owed = 0
        keptStart = 0
        hasLast = false
        hasEnded = false
        isWaiting = false
        if !held.isEmpty { held = [] }
        if !kept.isEmpty { kept.removeAll(keepingCapacity: kept.capacity <= 4096) }
        if !trailersCome.isEmpty { trailersCome = [] }
        if !trailersGo.isEmpty { trailersGo = [] }
    }

    /// Passes its connection to `body`.
    @inline(__always)
    final func withChannel<Result>(_ body: (HTTP2Channel) -> Result) -> Result {
        channelLink.use(body)
    }

    // MARK: - What a side answers

    /// Whether an exchange takes what comes.
    var isTaken: Bool { false }

    /// Passes `body` on to the exchange, and what `isWhole` says.
    func pass(_ body: Span<UInt8>) {}

    /// The peer has taken some of what is kept.
    func keptProgressed() {}

    /// The peer has taken all that was kept.
    func keptDrained() {}

    // MARK: - What comes

    /// A part of the body has come, and its end if `isLast`. It is as long as its head says
    /// (HTTP2Connection).
    final func received(_ body: Span<UInt8>, isLast: Bool) {
        if isLast { isWhole = true }
        owed += body.count
        guard isTaken else {
            // Nobody waits for the rest: it is dropped.
            giveBack()
            return
        }
        if isPaused || isResuming {
            held.append(body)
        } else {
            pass(body)
            if !isPaused { giveBack() }
        }
    }

    /// Holds what comes of the body from now on.
    final func pause() { isPaused = true }

    /// Lets the body go on, from the end of the turn on: the caller is in the midst of its work.
    final func resumeSoon() {
        guard isPaused, !isResuming else { return }
        isPaused = false
        isResuming = true
        withChannel { $0.resume(self) }
    }

    /// Passes on what is held.
    final func resume() {
        guard isResuming else { return }
        isResuming = false
        guard isTaken else { return }
        if !held.isEmpty || isWhole && !hasPassedAll {
            let body = held
            held = []
            pass(body.span)
        }
        if !isPaused { giveBack() }
    }

    /// Opens the windows by what has gone on.
    private final func giveBack() {
        // Nothing is owed, and nobody is there, once the stream has ended with what was passed on.
        guard owed > 0 else { return }
        let count = owed
        owed = 0
        withChannel { $0.giveBack(count, to: slot) }
    }

    // MARK: - What goes

    /// Whether bytes are kept for the peer.
    final var isCongested: Bool { kept.count > keptStart }

    /// Whether the peer has acknowledged anything of what is on its way to it. One that takes
    /// nothing of this stream is not heard from.
    final func hasAcknowledgedMore() -> Bool {
        withChannel { $0.isCongested && $0.hasAcknowledgedMore() }
    }

    /// Sends `body`, with which the stream ends if `isLast`, but for the trailers that are to go.
    final func transmit(_ body: Span<UInt8>, isLast: Bool) -> WriteOutcome {
        if hasEnded { return .sent }
        var sent = 0
        if !isCongested {
            sent = withChannel { $0.send(body, on: slot, isLast: isLast && trailersGo.isEmpty) }
        }
        if isLast { hasLast = true }
        guard sent == body.count else {
            kept.append(body.extracting(sent..<body.count))
            withChannel { $0.wait(self) }
            return .kept
        }
        if isLast { sendEnd() }
        return .sent
    }

    /// Ends the stream, all of which has gone out.
    private final func sendEnd() {
        hasEnded = true
        guard !trailersGo.isEmpty else { return }
        let lines = trailersGo
        trailersGo = []
        withChannel { channel in channel.sendTrailers(lines.span, on: slot) }
    }

    /// Sends at most `limit` of the bytes that are kept. Returns whether it could send any.
    final func sendKept(atMost limit: Int, _ channel: HTTP2Channel) -> Bool {
        let end = min(kept.count, keptStart + limit)
        let isLast = end == kept.count && hasLast && trailersGo.isEmpty
        // Held by itself, since what is kept may change meanwhile.
        let bytes = kept
        let sent = channel.send(
            bytes.span.extracting(keptStart..<end), on: slot, isLast: isLast)
        guard sent > 0 else { return false }
        keptStart += sent
        guard keptStart == kept.count else {
            keptProgressed()
            return true
        }
        kept.removeAll(keepingCapacity: kept.capacity <= 65_536)
        keptStart = 0
        if hasLast { sendEnd() }
        keptDrained()
        return true
    }
}
