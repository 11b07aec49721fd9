// HTTP2BackendConnection: a connection to a backend that speaks HTTP/2. It carries as many requests
// at a time as the backend allows, each in a stream of its own (HTTP2BackendStream.swift);
// SharedConnections has those of a backend. What it has in common with a client's connection is in
// HTTP2Channel.swift.
//
// | when                                         | what follows                                 |
// |----------------------------------------------|----------------------------------------------|
// | the backend's SETTINGS have not come         | one request, since the backend may allow no  |
// |                                              | more; without them in time it is broken      |
// | no request is under way for `timeouts.idle`  | it is closed, with a GOAWAY                  |
// | nothing came for 30 s and requests wait      | a PING; without an answer in 10 s it is      |
// |                                              | broken. While they go on waiting, one each   |
// |                                              | 310 s: servers of gRPC end connections that  |
// |                                              | ask more often                               |
// | it is an hour old, or up to a tenth less     | no new requests: DNS and balancers in front  |
// |                                              | of backends get a say again                  |
// | the backend says GOAWAY                      | no new requests; those that it has not       |
// |                                              | looked at go elsewhere                       |

internal import Events
internal import Evidence
internal import HTTP1
internal import HTTP2
internal import Stats

/// A connection of HTTP/2 to a backend. Worker thread only.
final class HTTP2BackendConnection: HTTP2Channel {
    let backend: PooledBackend
    let pool: BackendPool
    /// By their slots.
    private var streams: [HTTP2BackendStream?] = []
    private(set) var streamCount = 0
    /// Whether the backend's SETTINGS have not come yet.
    private(set) var isOpening = true
    /// Whether it takes no more requests.
    private(set) var isRetired = false
    /// Whether a response has come on it.
    var isProven = false
    /// The slot of the stream whose head waits to be sent to its client with what comes next in
    /// the same read; nil for none.
    var unsentHead: Int?

    // In the loop's nanoseconds.
    private var opensUntil: UInt64
    private var idleSince: UInt64
    private var retiresAt: UInt64
    private var heardAt: UInt64
    /// When the PING was sent that has no answer yet; 0 for none.
    private var askedAt: UInt64 = 0
    /// Before when no other PING is sent.
    private var asksAgainAt: UInt64 = 0

    private static let ageMax: UInt64 = 3_600_000_000_000
    private static let silenceMax: UInt64 = 30_000_000_000
    private static let answerMax: UInt64 = 10_000_000_000
    private static let pingPause: UInt64 = 310_000_000_000

    /// What backends are allowed. The window of the connection has room for those of all its
    /// streams: else a few clients that take nothing would hold up the responses of all others.
    private static let settings: HTTP2Settings = {
        var settings = HTTP2Settings()
        settings.connectionWindow = settings.streamsMax * settings.streamWindow
        settings.headBytesMax = 64 * 1024
        return settings
    }()

    /// The connection of `handoff` to `backend`, which is new.
    init(
        _ handoff: consuming Handoff, to backend: PooledBackend, worker: Worker, pool: BackendPool
    ) {
        self.backend = backend
        self.pool = pool
        let now = worker.loop.nowNanoseconds
        opensUntil = now + pool.connectTimeout
        retiresAt = now + worker.jittered(Self.ageMax)
        heardAt = now
        idleSince = now
        super.init(handoff, .client, Self.settings, worker: worker)
        pool.counters.add(.http2Connections)
        deadlineNanoseconds = opensUntil
        startReading()
        awaitTurnEnd()
    }

    // MARK: - Streams

    /// Whether it takes another request now.
    var hasRoom: Bool { isOpen && !isRetired && !isBroken && connection.canOpenStream }

    /// Whether most of the streams are in use that it may have.
    var isFilling: Bool {
        let limit = min(Int(connection.peer.streamsMax), Self.settings.streamsMax)
        return streamCount * 4 >= limit * 3
    }

    /// A stream for the try of `exchange` in `trySlot`; nil when there is no room.
    func open(for exchange: HTTPExchange, _ trySlot: Tries.Slot) -> BackendStream? {
        guard hasRoom, let slot = connection.openStream() else { return nil }
        let stream = worker.takeBackendStream()
        stream.begin(slot, of: self, for: exchange, trySlot)
        while streams.count <= slot { streams.append(nil) }
        streams[slot] = stream
        streamCount += 1
        return .http2(Link(stream))
    }

    /// Removes `stream`, whose try is over, and which may still be on the stack: the worker keeps
    /// it. The backend is told, unless it has ended.
    func remove(_ stream: HTTP2BackendStream) {
        let slot = stream.slot
        // Only the connection has counted it.
        guard let stream = streams[slot].take() else {
            preconditionFailure("a stream is removed once")
        }
        streamCount -= 1
        if streamCount == 0 { idleSince = loop.nowNanoseconds }
        connection.release(slot)
        if stream.isWaiting { waiting.removeAll { $0 === stream } }
        stream.clear()
        worker.recycle(stream)
        awaitTurnEnd()
    }

    /// Resets a stream whose head or trailers break the rules (RFC 9113, section 8.1.1).
    func refuse(_ stream: HTTP2BackendStream) {
        connection.reset(stream.slot, .protocolError, for: .malformedHead)
        stream.failed()
    }

    /// Sends the head of a request that is here as text of HTTP/1.1 in the stream of `slot`, which
    /// ends with it if `isLast`. Returns the size of its frames.
    func sendHead(
        _ text: Span<UInt8>, on slot: Int, isLast: Bool, acceptsTrailers: Bool
    ) -> Int {
        let scheme = layer == nil ? Scheme.http : .https
        let room = HeaderBlock.bytesMax(ofText: text.count)
        return sendBlock(on: slot, isLast: isLast, room: room) { out in
            HeaderBlock.append(
                requestText: text, scheme: scheme, acceptsTrailers: acceptsTrailers, into: &out)
        }
    }

    // MARK: - From the backend

    override func received(_ count: Int) {
        backend.counters.add(.bytesReceived, count)
        heardAt = loop.nowNanoseconds
        backend.record.heardAt = heardAt
    }

    /// The stream of `slot`; nil when there is none any more.
    private func stream(in slot: Int) -> HTTP2BackendStream? {
        slot < streams.count ? streams[slot] : nil
    }

    override func receivedBlock(
        _ block: Span<UInt8>, in slot: Int, isFirst: Bool, endsStream: Bool
    ) {
        sendUnsentHead(but: slot)
        guard let stream = stream(in: slot) else { return discard(block) }
        stream.receivedBlock(block, endsStream: endsStream, self)
    }

    override func receivedData(_ bytes: Span<UInt8>, in slot: Int, endsStream: Bool) {
        sendUnsentHead(but: slot)
        stream(in: slot)?.received(bytes, isLast: endsStream)
    }

    override func streamReset(_ slot: Int, _ code: HTTP2ErrorCode) {
        sendUnsentHead(but: slot)
        if code == .refusedStream { pool.counters.add(.refusedStreams) }
        if code == .http11Required { backend.shared?.needsHTTP1() }
        stream(in: slot)?.wasReset(code)
    }

    override func streamFailed(_ slot: Int) {
        sendUnsentHead(but: slot)
        stream(in: slot)?.failed()
    }

    override func settingsCame() { isOpening = false }

    override func pongCame() { askedAt = 0 }

    override func readAll() { sendUnsentHead() }

    /// Sends the head that waits to its client, unless what comes next is of the same `slot`.
    private func sendUnsentHead(but slot: Int? = nil) {
        guard let unsent = unsentHead else { return }
        unsentHead = nil
        if unsent != slot { stream(in: unsent)?.sendHead() }
    }

    // MARK: - To the backend

    override func onTurnEnd() {
        resumeStreams()
        if connection.hasFaults { countFaults() }
        // The streams that are free now, as long as their requests can go in the same write.
        backend.shared?.serve()
        sendOutput()
        if isBroken {
            broken()
        } else {
            settle()
        }
    }

    /// Sees, at the end of a turn, to what follows from it.
    private func settle() {
        guard isOpen else { return }
        if connection.opensNoMore { retire() }
        guard streamCount > 0 || isCongested || !isRetired && !worker.isDraining else {
            return depart()
        }
        // The backend's frames cause more answers than it takes.
        if connection.mustPause { stopReading() } else { startReading() }
        renewDeadline()
    }

    private func renewDeadline() {
        var due = isRetired ? UInt64.max : retiresAt
        if isOpening {
            due = min(due, opensUntil)
        } else if streamCount == 0 {
            due = min(due, idleSince &+ pool.idleTimeout)
        } else if askedAt > 0 {
            due = min(due, askedAt + Self.answerMax)
        } else {
            due = min(due, max(heardAt + Self.silenceMax, asksAgainAt))
        }
        deadlineNanoseconds = due
    }

    override func onDeadline() {
        let now = loop.nowNanoseconds
        if isOpening, now >= opensUntil { return timedOut() }
        if now >= retiresAt { retire() }
        if streamCount == 0 {
            if isRetired || now >= idleSince &+ pool.idleTimeout { return depart() }
        } else if askedAt > 0 {
            // What came meanwhile shows that it is alive, if not what became of the PING.
            if now >= askedAt + Self.answerMax {
                guard heardAt > askedAt else { return broken() }
                askedAt = 0
            }
        } else if now >= max(heardAt + Self.silenceMax, asksAgainAt) {
            connection.ping()
            askedAt = now
            asksAgainAt = now + Self.pingPause
            sendOutput()
        }
        renewDeadline()
    }

    /// The backend has accepted the connection and said nothing.
    private func timedOut() {
        backend.shared?.openingFailed(.system(.timedOut), self)
        broken()
    }

    private func countFaults() {
        pool.counters.add(.http2Faults, connection.takeFaults().total)
    }

    // MARK: - The end

    /// Takes no more requests, and closes once those that are under way are done.
    func retire() {
        guard !isRetired else { return }
        isRetired = true
        backend.shared?.remove(self)
        awaitTurnEnd()
    }

    /// The backend has broken the rules, and is told so.
    override func fail(_ code: HTTP2ErrorCode) {
        if connection.hasFaults { countFaults() }
        sendOutput()
        if isOpening {
            isRetired = true
            backend.shared?.openingFailed(.notHTTP2, self)
            for stream in streams { stream?.isNotSpoken() }
            close()
        } else {
            broken()
        }
    }

    override func broken() {
        guard isOpen else { return }
        isRetired = true
        isBroken = true
        backend.shared?.remove(self)
        for stream in streams { stream?.broken() }
        guard streamCount == 0 else {
            // Clients go on taking responses that have come to their end.
            stopReading()
            deadlineNanoseconds = .max
            return
        }
        reset()
    }

    private func depart() {
        isRetired = true
        backend.shared?.remove(self)
        connection.goAway(.noError)
        sendOutput()
        close()
    }

    override func close() {
        guard isOpen else { return }
        backend.counters.add(.open, -1)
        super.close()
        backend.shared?.serve()
    }
}
