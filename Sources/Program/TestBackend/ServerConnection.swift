// ServerConnection: one client of the test backend, one request at a time.
//
//   head ── complete ──▶ body ── complete ──▶ delayed ──▶ sending ──▶ head, or ended
//
// What arrives behind a request is kept until that is answered, and nothing is read meanwhile, so a
// connection holds at most one receive of it.

internal import Events
internal import HTTP1

/// A connection of the test backend. Loop thread only.
final class ServerConnection: StreamChannel {
    private enum State {
        case head
        case body(BodyTracker)
        /// Until the delay is over.
        case delayed
        /// Content is left to send.
        case sending
    }

    private let worker: BackendWorker
    private var state = State.head
    private var plan = BackendPlan()
    private var client = ClientCapabilities(version: .http11, keepsAlive: true)
    private var omitsBody = false
    /// Received and not yet looked at; a head that is not complete.
    private var pending: [UInt8] = []
    /// For `/head`.
    private var keptHead: [UInt8] = []
    /// Of the content: what is sent, and what is not.
    private var position: UInt64 = 0
    private var remaining: UInt64 = 0
    private var timer: Timer?

    init(_ descriptor: Descriptor, of worker: BackendWorker) {
        self.worker = worker
        super.init(descriptor, on: worker.loop)
        startReading()
    }

    /// Between two requests.
    var isIdle: Bool {
        if case .head = state { return pending.isEmpty }
        return false
    }

    override func close() {
        guard isOpen else { return }
        timer = nil
        super.close()
        worker.forget(self)
    }

    // MARK: - Receiving

    override func onReadable() {
        switch receive(into: worker.buffer) {
        case .bytes(let count):
            if pending.isEmpty {
                worker.buffer.withBytes(count) { bytes in
                    let used = consume(bytes)
                    if used < bytes.count, isOpen { pending.append(bytes.extracting(used...)) }
                }
            } else {
                worker.buffer.withBytes(count) { pending.append($0) }
                consumePending()
            }
        case .wouldBlock: break
        case .endOfStream, .failed: close()
        }
    }

    private func consumePending() {
        guard !pending.isEmpty else { return }
        let bytes = pending
        pending = []
        let used = consume(bytes.span)
        if used < bytes.count, isOpen { pending = Array(bytes[used...]) }
    }

    /// Answers as many requests of `bytes` as can be answered now; returns how many bytes they
    /// were.
    private func consume(_ bytes: Span<UInt8>) -> Int {
        var at = 0
        while at < bytes.count, isOpen {
            let rest = bytes.extracting(at...)
            switch state {
            case .head:
                switch worker.head.parse(rest) {
                case .needMore: return at
                case .bad(let error):
                    refuse(error)
                    return bytes.count
                case .complete(let length):
                    begin(
                        worker.head, rest.extracting(..<length), isFollowed: length < rest.count)
                    at += length
                }
            case .body(var tracker):
                let progress = tracker.advance(rest)
                let used: Int
                switch progress {
                case .more: used = rest.count
                case .end(let consumed): used = consumed
                case .bad:
                    // What was echoed of it can't be taken back, so the client has to see a break.
                    reset()
                    return bytes.count
                }
                state = .body(tracker)
                if plan.content == .echo, !omitsBody { echo(rest.extracting(..<used)) }
                if case .end = progress, isOpen { answer() }
                at += used
            case .delayed, .sending: return at
            }
        }
        return at
    }

    /// The `head` of a request, which was parsed from `bytes`.
    private func begin(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, isFollowed: Bool
    ) {
        plan = BackendPlan(bytes.extracting(head.pathAndQuery.bounds)) {
            worker.flaky.next($0)
        }
        // A connection begun before the drain may bring one more request.
        client = ClientCapabilities(
            version: head.version, keepsAlive: head.keepsAlive && !worker.isDraining)
        omitsBody = head.method == .head
        if plan.content == .head { keptHead.append(bytes) }
        let tracker = BodyTracker(head.body)
        state = .body(tracker)
        if head.expectsContinue, !isFollowed, !tracker.isComplete {
            send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        if plan.content == .echo {
            writeHead(framing: head.body == .none ? .length(0) : head.body)
            send(worker.out)
        }
        if tracker.isComplete, isOpen { answer() }
    }

    private func refuse(_ error: HeadError) {
        client = ClientCapabilities(version: .http11, keepsAlive: false)
        var writer = ResponseWriter(status: error.status, to: client)
        writer.addField("Cache-Control", "no-store")
        worker.out.removeAll(keepingCapacity: true)
        writer.write(body: Array("\(error)\n".utf8).span, into: &worker.out)
        send(worker.out)
        finish()
    }

    private func echo(_ bytes: Span<UInt8>) {
        switch write(bytes) {
        case .sent: break
        // Back-pressure: the client gets no further ahead than it takes back.
        case .kept: stopReading()
        case .failed: close()
        }
    }

    // MARK: - Answering

    /// The request is complete.
    private func answer() {
        guard plan.delay > 0 else { return respond() }
        state = .delayed
        stopReading()
        let timer = Timer(on: loop) { [unowned self] in
            self.timer = nil
            respond()
        }
        timer.schedule(after: .milliseconds(plan.delay))
        self.timer = timer
    }

    private func respond() {
        switch plan.content {
        case .echo: break
        case .name: respond(with: worker.name)
        case .head:
            let head = keptHead
            keptHead = []
            respond(with: head)
        case .text(let text):
            worker.out.removeAll(keepingCapacity: true)
            ResponseWriter(status: plan.status, to: client, omitsBody: omitsBody)
                .write(body: text.text, into: &worker.out)
            send(worker.out)
        case .bytes(let count, let isChunked):
            // RFC 9112, section 6.1: HTTP/1.0 has no chunks; there the end of the connection ends
            // it.
            let framing: BodyFraming =
                !isChunked ? .length(count) : client.version == .http10 ? .untilClose : .chunked
            if framing == .untilClose { client.keepsAlive = false }
            plan.content = .bytes(count, isChunked: framing == .chunked)
            writeHead(framing: framing)
            position = 0
            remaining = count
            state = .sending
            if omitsBody {
                remaining = 0
                send(worker.out)
            } else if framing == .chunked {
                sendChunks()
            } else {
                sendFirst()
            }
            if isOpen, remaining > 0 || isCongested { stopReading() }
        }
        if isOpen, remaining == 0, !isCongested { finish() } else if isOpen { state = .sending }
    }

    private func respond(with body: [UInt8]) {
        worker.out.removeAll(keepingCapacity: true)
        ResponseWriter(status: plan.status, to: client, omitsBody: omitsBody)
            .write(body: body.span, into: &worker.out)
        send(worker.out)
    }

    private func writeHead(framing: BodyFraming) {
        worker.out.removeAll(keepingCapacity: true)
        ResponseWriter(status: plan.status, contentType: "application/octet-stream", to: client)
            .writeHead(framing: framing, into: &worker.out)
    }

    private func send(_ bytes: [UInt8]) {
        switch write(bytes) {
        case .sent: break
        case .kept: stopReading()
        case .failed: close()
        }
    }

    /// The head with the first piece of the content.
    private func sendFirst() {
        sendPiece(limit: 65_536, behind: worker.out)
        sendMore()
    }

    /// Content, straight from where it lies, until the kernel takes no more.
    private func sendMore() {
        while isOpen, remaining > 0, !isCongested {
            sendPiece(limit: UInt64(BackendBody.pieceBytes), behind: [])
        }
    }

    private func sendPiece(limit: UInt64, behind first: [UInt8]) {
        let range = worker.body.range(at: position, limit: min(remaining, limit))
        position += UInt64(range.count)
        remaining -= UInt64(range.count)
        switch write(first, worker.body.bytes.span.extracting(range)) {
        case .sent, .kept: break
        case .failed: close()
        }
    }

    /// Chunks behind what is in `out`, until the kernel takes no more.
    private func sendChunks() {
        repeat {
            remaining -= worker.body.appendChunks(remaining: remaining, to: &worker.out)
            send(worker.out)
            worker.out.removeAll(keepingCapacity: true)
        } while remaining > 0 && isOpen && !isCongested
    }

    override func onDrained() {
        switch state {
        case .sending:
            if remaining > 0 {
                if case .bytes(_, isChunked: true) = plan.content {
                    worker.out.removeAll(keepingCapacity: true)
                    sendChunks()
                } else {
                    sendMore()
                }
            }
            if isOpen, remaining == 0, !isCongested { finish() }
        case .body: startReading()
        case .head, .delayed: break
        }
    }

    override func onBroken() {
        close()
    }

    /// The response is sent.
    private func finish() {
        guard isOpen else { return }
        guard client.keepsAlive, !worker.isDraining else {
            pending = []
            return worker.end(self)
        }
        state = .head
        guard !isReading else { return }
        startReading()
        consumePending()
    }
}
