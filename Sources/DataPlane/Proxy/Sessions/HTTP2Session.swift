// HTTP2Session: a client that speaks HTTP/2 (RFC 9113). It gives each request to a stream of its
// own (HTTP2ClientStream.swift), as many at a time as its client may have open. What it has in
// common with a connection to a backend is in HTTP2Channel.swift.

internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTP2
internal import Stats
internal import Traffic

/// One HTTP/2 client connection. Worker thread only.
final class HTTP2Session: HTTP2Channel, ClientSide {
    let context: ClientContext
    var listener: WorkerListener { context.listener }
    /// By their slots. A stream is here until its backend's work has ended, and counts so long
    /// among those that the client may have open.
    private var streams: [HTTP2ClientStream?] = []
    private var streamCount = 0
    private var stage = Stage.serving
    /// When the rest has to be here of a frame, or of a head, that has begun to come; `.max` when
    /// none has.
    private var restDueAt = UInt64.max
    /// When no more streams are served, while the connection is leaving.
    private var drainsAt = UInt64.max

    /// How far the connection is from its end.
    private enum Stage {
        case serving
        /// The client knows that it is to open no more streams; those on their way are served.
        case leaving
        /// No more streams are served.
        case draining
    }

    /// How long streams are served that were opened before the client knew that it is to open no
    /// more (RFC 9113, section 6.8).
    private static let drainGraceNanoseconds: UInt64 = 250_000_000

    /// What clients are allowed. The streams of one connection hold at most what its window lets
    /// come, and their responses a receive buffer each.
    private static func settings(of listener: WorkerListener) -> HTTP2Settings {
        var settings = HTTP2Settings()
        settings.headBytesMax = listener.headLimits.bytesMax
        settings.allowsExtendedConnect = listener.options.policy.allowsUpgrade
        return settings
    }

    /// The session of a connection with the client of `context`; `begin` follows.
    init(_ handoff: consuming Handoff, of context: ClientContext, worker: Worker) {
        self.context = context
        super.init(handoff, .server, Self.settings(of: context.listener), worker: worker)
        deadlineNanoseconds = loop.nowNanoseconds + listener.headTimeout
        listener.counters.add(.http2Connections)
    }

    /// Begins to read with `received`, which has come already. The worker knows the session by now.
    func begin(with received: [UInt8] = []) {
        awaitTurnEnd()
        startReading()
        if !received.isEmpty { read(received.span) }
    }

    // MARK: - From the client

    override var headLimits: HeadLimits { listener.headLimits }

    override func receiveFailed() {
        listener.countFlood(self)
        broken()
    }

    override func receivedBlock(
        _ block: Span<UInt8>, in slot: Int, isFirst: Bool, endsStream: Bool
    ) {
        if isFirst {
            readHead(block, in: slot, endsStream: endsStream)
        } else {
            readTrailers(block, of: slot)
        }
    }

    override func receivedData(_ bytes: Span<UInt8>, in slot: Int, endsStream: Bool) {
        stream(in: slot)?.received(bytes, isLast: endsStream)
    }

    override func streamReset(_ slot: Int, _ code: HTTP2ErrorCode) { drop(slot) }

    override func streamFailed(_ slot: Int) { drop(slot) }

    /// Sends the requests on that have come, now that all is read: one that its client has reset at
    /// once goes nowhere (CVE-2023-44487), and one with a short body goes in one piece.
    override func readAll() {
        var index = 0
        while index < worker.startingStreams.count {
            worker.startingStreams[index].start()
            index += 1
        }
        worker.startingStreams.removeAll(keepingCapacity: true)
    }

    // MARK: - Streams

    /// The stream of `slot`; nil when there is none.
    func stream(in slot: Int) -> HTTP2ClientStream? { slot < streams.count ? streams[slot] : nil }

    /// Ends the stream of `slot`, which the client has reset, or may not go on with.
    private func drop(_ slot: Int) {
        guard let stream = stream(in: slot) else { return }
        stream.broken()
        remove(stream)
    }

    /// Puts a stream for the request in `slot` in its place, and returns it.
    func add(in slot: Int) -> HTTP2ClientStream {
        let stream = worker.takeStream()
        stream.begin(slot, of: self)
        while streams.count <= slot { streams.append(nil) }
        streams[slot] = stream
        streamCount += 1
        listener.counters.add(.http2Streams)
        return stream
    }

    /// Removes `stream`, which has ended, and may still be on the stack: the worker keeps it.
    func remove(_ stream: HTTP2ClientStream) {
        let slot = stream.slot
        // Only the session has counted it.
        guard let stream = streams[slot].take() else {
            preconditionFailure("a stream is removed once")
        }
        streamCount -= 1
        connection.release(slot)
        if stream.isWaiting { waiting.removeAll { $0 === stream } }
        if stream.isStarting { worker.startingStreams.removeAll { $0 === stream } }
        stream.clear()
        worker.recycle(stream)
        // What may follow, such as the end of the connection, is for when nobody is at work.
        awaitTurnEnd()
    }

    /// Resets `stream`, so that the client can tell what came of it from a whole response.
    func reset(_ stream: HTTP2ClientStream, _ code: HTTP2ErrorCode) {
        connection.reset(stream.slot, code)
        remove(stream)
    }

    /// Sends the head that is here as text of HTTP/1.1 in the stream of `slot`, which ends with it
    /// if `isLast`, and without its Content-Length if `omitsLength`. For a 101 a client gets a 200
    /// if it `acceptsWebSocket`. Returns the size of its frames.
    func sendHead(
        _ text: Span<UInt8>, on slot: Int, isLast: Bool, omitsLength: Bool = false,
        acceptsWebSocket: Bool = false
    ) -> Int {
        sendBlock(on: slot, isLast: isLast, room: HeaderBlock.bytesMax(ofText: text.count)) { out in
            HeaderBlock.append(
                responseText: text, acceptsWebSocket: acceptsWebSocket, omitsLength: omitsLength,
                into: &out)
        }
    }

    // MARK: - To the client

    override func onTurnEnd() {
        resumeStreams()
        // Before anybody learns of them.
        if connection.hasFaults { countFaults() }
        sendOutput()
        if isBroken {
            broken()
        } else {
            settle()
        }
    }

    override func onProgress() { renewDeadline() }

    // MARK: - The end

    /// Sees, at the end of a turn, to what follows from it.
    private func settle() {
        guard isOpen else { return }
        if stage == .leaving, connection.takesNoMore { stage = .draining }
        if stage == .draining, streamCount == 0, !isCongested { return depart() }
        // The client's frames cause more answers than it takes.
        if connection.mustPause { stopReading() } else { startReading() }
        renewDeadline()
    }

    /// The deadline is that of what the connection waits for: the rest of a frame, a request, or
    /// that its client takes what is kept for it. Requests that are under way have their own.
    private func renewDeadline() {
        let now = loop.nowNanoseconds
        if !connection.hasPart {
            restDueAt = .max
        } else if restDueAt == .max {
            restDueAt = now + listener.headTimeout
        }
        let rest =
            if isCongested {
                now + listener.stallTimeout
            } else {
                streamCount > 0 || restDueAt != .max ? UInt64.max : now + listener.idleTimeout
            }
        deadlineNanoseconds = min(rest, restDueAt, stage == .leaving ? drainsAt : .max)
    }

    override func onDeadline() {
        let now = loop.nowNanoseconds
        if stage == .leaving, now >= drainsAt {
            connection.goAway(.noError)
            awaitTurnEnd()
        } else if isCongested, now < restDueAt {
            if hasAcknowledgedMore() { renewDeadline() } else { broken() }
        } else {
            // Its time is over: that of an unused connection, or of a part of a frame.
            connection.goAway(.noError)
            sendOutput()
            breakStreams()
            depart()
        }
    }

    /// The client has broken the rules, and is told so.
    override func fail(_ code: HTTP2ErrorCode) {
        listener.counters.add(.http2Ended)
        if connection.hasFaults { countFaults() }
        sendOutput()
        breakStreams()
        // One that floods is not read any further: to drop what comes for as long as an honest
        // client is given to end its side would be a worker's whole time.
        depart(code == .enhanceYourCalm ? .dismiss : .end)
    }

    /// The client sends no more: it is gone, since it could not even open a window.
    override func ended() {
        breakStreams()
        close()
    }

    override func broken() {
        breakStreams()
        if layer?.hasFailed == true { depart() } else { reset() }
    }

    private func breakStreams() {
        if connection.hasFaults { countFaults() }
        for stream in streams {
            guard let stream else { continue }
            stream.broken()
            remove(stream)
        }
    }

    private func depart(_ farewell: Farewell = .end) {
        ClosingEnd.end(self, self, farewell, stall: listener.stallTimeout, on: worker)
    }

    override func close() {
        guard isOpen else { return }
        worker.remove(self)
        listener.counters.add(.open, -1)
        super.close()
    }

    // MARK: - ClientSide

    var clientNumber: Int { Int(descriptor.number) }

    func drain() {
        guard stage == .serving else { return }
        stage = .leaving
        drainsAt = loop.nowNanoseconds + Self.drainGraceNanoseconds
        connection.drain()
        awaitTurnEnd()
    }

    func leave(_ backends: [BackendID]) {
        for stream in streams { stream?.leave(backends) }
    }

    func endStream(to backends: [BackendID]?, at time: UInt64) {
        for stream in streams { stream?.endStream(to: backends, at: time) }
    }

    func abandon() { broken() }
}
