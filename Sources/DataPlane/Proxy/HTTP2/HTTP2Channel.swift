// HTTP2Channel: a connection of HTTP/2 (RFC 9113), as it is to a client (HTTP2Session.swift) and to
// a backend (HTTP2BackendConnection.swift) alike: it reads frames, and lets its streams send in
// turns. What the protocol asks of a connection is in HTTP2Connection, which reads frames and knows
// the windows; how frames go out is in HTTP2Channel+Sending.swift.

internal import Events
internal import HTTP1
internal import HTTP2

/// A connection of HTTP/2. Worker thread only.
class HTTP2Channel: StreamChannel {
    final let worker: Worker
    final var connection: HTTP2Connection
    final var decoder = HPACKDecoder()
    /// Streams that have something to send, in the order of their turns.
    final var waiting: [HTTP2Stream] = []
    /// Streams that go on with what they hold at the end of the turn.
    private final var resuming: [HTTP2Stream] = []
    /// What is sent at the end of the turn; nil when nothing is.
    final var output: SendBuffer?
    /// Records of TLS that are sent together, at the end of the turn at the latest; nil when there
    /// are none. Each was sealed behind all that was gathered before it.
    final var sealed: SendBuffer?
    /// Whether writing has failed: the connection ends at the end of the turn.
    final var isBroken = false

    /// The side of `role` of a connection, which allows its peer what `settings` say.
    init(
        _ handoff: consuming Handoff, _ role: HTTP2Role, _ settings: HTTP2Settings, worker: Worker
    ) {
        self.worker = worker
        connection = HTTP2Connection(role, settings)
        super.init(handoff, on: worker.loop)
    }

    // MARK: - What a side answers

    /// How large the header blocks may be that belong to nobody.
    var headLimits: HeadLimits { HeadLimits() }

    /// A header block has come in the stream of `slot`: `isFirst` says whether the peer has sent
    /// none there before.
    func receivedBlock(_ block: Span<UInt8>, in slot: Int, isFirst: Bool, endsStream: Bool) {}

    /// A part of the content of the stream of `slot` has come, and its end if `endsStream`.
    func receivedData(_ bytes: Span<UInt8>, in slot: Int, endsStream: Bool) {}

    /// The peer has reset the stream of `slot`, or does nothing with it.
    func streamReset(_ slot: Int, _ code: HTTP2ErrorCode) {}

    /// The peer has broken a rule in the stream of `slot`, which is reset.
    func streamFailed(_ slot: Int) {}

    /// The peer has said what it allows.
    func settingsCame() {}

    /// The peer has answered a PING of ours.
    func pongCame() {}

    /// All bytes that have come are read.
    func readAll() {}

    /// The peer has broken the rules of the connection, and is to be told so by `code`.
    func fail(_ code: HTTP2ErrorCode) {}

    /// The peer sends no more.
    func ended() { broken() }

    /// The connection is broken.
    func broken() {}

    // MARK: - Reading

    override func onReadable() {
        // TLS may answer while it reads, and its records have one order.
        sendSealed()
        switch worker.receive(from: self) {
        case .bytes(let count):
            received(count)
            worker.withReceived(count) { read($0) }
        case .wouldBlock: break
        case .endOfStream: ended()
        case .failed: receiveFailed()
        }
    }

    /// So many bytes have come, and are read next.
    func received(_ count: Int) {}

    /// Receiving has failed.
    func receiveFailed() { broken() }

    /// Reads what has come.
    final func read(_ bytes: Span<UInt8>) {
        var place = 0
        while isOpen {
            let step = connection.next(bytes, from: place, at: loop.nowNanoseconds)
            place = step.end
            switch step.event {
            case .needMore:
                readAll()
                awaitTurnEnd()
                return
            case .headers(let slot, let block, let isFirst, let endsStream):
                withBlock(block, bytes) {
                    receivedBlock($0, in: slot, isFirst: isFirst, endsStream: endsStream)
                }
            case .discarded(let block): withBlock(block, bytes) { discard($0) }
            case .data(let slot, let range, let endsStream):
                receivedData(bytes.extracting(range), in: slot, endsStream: endsStream)
            case .reset(let slot, let code): streamReset(slot, code)
            case .streamError(let slot, _, _): streamFailed(slot)
            case .windowOpened: sendWaiting()
            case .settings:
                sendWaiting()
                settingsCame()
            case .pong: pongCame()
            case .goAway, .draining: break
            case .connectionError(let code, _):
                fail(code)
                return
            }
        }
    }

    /// Passes a header block, which is in `bytes` or was gathered, to `body`.
    private func withBlock(
        _ block: HTTP2Block, _ bytes: Span<UInt8>, _ body: (Span<UInt8>) -> Void
    ) {
        switch block {
        case .received(let range): body(bytes.extracting(range))
        case .gathered(let range):
            // Held by itself, since the connection may be asked for something meanwhile.
            let gathered = connection.gathered
            body(gathered.span.extracting(range))
        }
    }

    /// Decodes a block that no stream takes.
    final func discard(_ block: Span<UInt8>) {
        let outcome = worker.trailerText.read(
            block, rule: .refuse, limits: headLimits, decoder: &decoder)
        switch outcome {
        case .complete, .refused, .malformed: break
        case .broken, .excessive: failDecoding(outcome)
        }
    }

    /// Ends the connection, since what `outcome` says of a block leaves its tables unknown, or
    /// takes too much work.
    final func failDecoding(_ outcome: HeadTextOutcome) {
        if outcome == .excessive {
            connection.fail(.enhanceYourCalm, for: .tooManyFields)
        } else {
            connection.fail(.compressionError, for: .compression)
        }
    }

    // MARK: - Streams

    /// Goes on with `stream` at the end of the turn.
    final func resume(_ stream: HTTP2Stream) {
        resuming.append(stream)
        awaitTurnEnd()
    }

    /// Has the streams go on that were to do so at the end of the turn.
    final func resumeStreams() {
        while let stream = resuming.popLast() { stream.resume() }
    }

    /// Opens the windows by `count` bytes of the stream of `slot`, which have gone on.
    final func giveBack(_ count: Int, to slot: Int) {
        connection.consumed(slot, count)
        awaitTurnEnd()
    }

    override func onDrained() {
        sendWaiting()
        awaitTurnEnd()
    }

    override func onBroken() { broken() }

    override func close() {
        guard isOpen else { return }
        giveBackFrames()
        super.close()
    }
}
