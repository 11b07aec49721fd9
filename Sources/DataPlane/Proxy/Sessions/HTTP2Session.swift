// HTTP2Session: a client that speaks HTTP/2 (RFC 9113). It gives each request to a stream of its
// own (HTTP2Stream.swift), as many at a time as its client may have open. What the protocol asks of
// a connection is in HTTP2Connection, which reads frames and knows the windows; how frames go out
// is in HTTP2Session+Sending.swift.

internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTP2
internal import Stats

/// One HTTP/2 client connection. Worker thread only.
final class HTTP2Session: StreamChannel, ClientSide {
    let worker: Worker
    let context: ClientContext
    var listener: WorkerListener { context.listener }
    var connection: HTTP2Connection
    var decoder = HPACKDecoder()
    /// By their slots. A stream is here until its backend's work has ended, and counts so long
    /// among those that the client may have open.
    var streams: [HTTP2Stream?] = []
    private var streamCount = 0
    /// Streams that have something to send, in the order of their turns.
    var waiting: [HTTP2Stream] = []
    /// Streams that go on with what they hold at the end of the turn.
    private var resuming: [HTTP2Stream] = []
    /// What is sent at the end of the turn; nil when nothing is.
    var output: SendBuffer?
    private var stage = Stage.serving
    /// Whether writing has failed: the connection ends at the end of the turn.
    var isBroken = false
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
        return settings
    }

    /// The session of a connection with the client of `context`; `begin` follows.
    init(_ handoff: consuming Handoff, of context: ClientContext, worker: Worker) {
        self.worker = worker
        self.context = context
        connection = HTTP2Connection(.server, Self.settings(of: context.listener))
        super.init(handoff, on: worker.loop)
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

    override func onReadable() {
        switch worker.receive(from: self) {
        case .bytes(let count): worker.withReceived(count) { read($0) }
        case .wouldBlock: break
        case .endOfStream: end()
        case .failed:
            listener.countFlood(self)
            broken()
        }
    }

    private func read(_ bytes: Span<UInt8>) {
        var place = 0
        while isOpen {
            let step = connection.next(bytes, from: place, at: loop.nowNanoseconds)
            place = step.end
            switch step.event {
            case .needMore:
                awaitTurnEnd()
                return
            case .headers(let slot, let block, let isFirst, let endsStream):
                withBlock(block, bytes) {
                    if isFirst {
                        readHead($0, in: slot, endsStream: endsStream)
                    } else {
                        readTrailers($0, of: slot)
                    }
                }
            case .discarded(let block): withBlock(block, bytes) { discard($0) }
            case .data(let slot, let range, let endsStream):
                stream(in: slot)?.received(bytes.extracting(range), isLast: endsStream)
            case .reset(let slot, _), .streamError(let slot, _, _): drop(slot)
            case .windowOpened, .settings: sendWaiting()
            case .pong, .goAway, .draining: break
            case .connectionError:
                fail()
                return
            }
        }
    }

    // MARK: - Streams

    /// The stream of `slot`; nil when there is none.
    func stream(in slot: Int) -> HTTP2Stream? { slot < streams.count ? streams[slot] : nil }

    /// Ends the stream of `slot`, which the client has reset, or may not go on with.
    private func drop(_ slot: Int) {
        guard let stream = stream(in: slot) else { return }
        stream.broken()
        remove(stream)
    }

    /// Puts a stream for the request in `slot` in its place, and returns it.
    func add(in slot: Int) -> HTTP2Stream {
        let stream = worker.takeStream()
        stream.begin(slot, in: self)
        while streams.count <= slot { streams.append(nil) }
        streams[slot] = stream
        streamCount += 1
        listener.counters.add(.http2Streams)
        return stream
    }

    /// Removes `stream`, which has ended, and may still be on the stack: the worker keeps it.
    func remove(_ stream: HTTP2Stream) {
        let slot = stream.slot
        // Only the session has counted it.
        guard let stream = streams[slot].take() else {
            preconditionFailure("a stream is removed once")
        }
        streamCount -= 1
        connection.release(slot)
        if stream.isWaiting { waiting.removeAll { $0 === stream } }
        stream.clear()
        worker.recycle(stream)
        // What may follow, such as the end of the connection, is for when nobody is at work.
        awaitTurnEnd()
    }

    /// Resets `stream`, so that the client can tell what came of it from a whole response.
    func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        connection.reset(stream.slot, code)
        remove(stream)
    }

    /// Goes on with `stream` at the end of the turn.
    func resume(_ stream: HTTP2Stream) {
        resuming.append(stream)
        awaitTurnEnd()
    }

    /// Opens the windows by `count` bytes of the stream of `slot`, which have gone on.
    func giveBack(_ count: Int, to slot: Int) {
        connection.consumed(slot, count)
        awaitTurnEnd()
    }

    // MARK: - To the client

    override func onTurnEnd() {
        while let stream = resuming.popLast() { stream.resume() }
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

    override func onDrained() {
        sendWaiting()
        awaitTurnEnd()
    }

    override func onBroken() { broken() }

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
    private func fail() {
        listener.counters.add(.http2Ended)
        if connection.hasFaults { countFaults() }
        sendOutput()
        breakStreams()
        depart()
    }

    /// The client sends no more: it is gone, since it could not even open a window.
    private func end() {
        breakStreams()
        close()
    }

    private func broken() {
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

    private func depart() {
        ClosingEnd.end(self, self, .end, stall: listener.stallTimeout, on: worker)
    }

    override func close() {
        guard isOpen else { return }
        if let output {
            self.output = nil
            worker.giveBackFrames(output)
        }
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
