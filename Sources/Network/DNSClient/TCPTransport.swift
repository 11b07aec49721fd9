// TCPTransport: queries over a connection (RFC 7766), for answers that do not fit a datagram. One
// at a time; when its answer has come whole, the connection is kept for a while for the next
// question (IdleConnections), since one for each would leave a port behind for a minute, and there
// are only 28,000.

internal import DNSWire
internal import Endpoints
internal import Events

/// Connect, send, and hand over each message until it is closed or let go.
final class TCPTransport: Transport {
    /// Where it is connected to.
    let server: Endpoint
    private var output: [UInt8] = []
    private var sentCount = 0
    private var isConnected = false
    private var splitter = TCPFrameSplitter()
    private var isAnswered = false
    /// Whether it has served a question before the one it serves now.
    private(set) var isReused = false
    /// Called when it ends while it is idle.
    private var onEnd: (() -> Void)?

    /// Begins to connect to `server`. What becomes of it is reported, never before this returns.
    ///
    /// - Throws: `Errno` when the connect failed at once.
    init(
        _ query: Message, to server: Endpoint, buffer: ReceiveBuffer, on loop: EventLoop,
        report: @escaping (TransportEvent) -> Void
    ) throws(Errno) {
        self.server = server
        query.encodeFrame(into: &output)
        let descriptor = try Socket.connectStream(to: server)
        super.init(descriptor, query, buffer: buffer, on: loop, report: report)
        awaitWrite()
    }

    /// Whether it can serve another question: it has answered, and nothing is left over.
    var isFree: Bool { isOpen && isAnswered && splitter.pendingOctets == 0 }

    /// Waits for the next question, or for the server or `timeout` to end it; then calls `onEnd`.
    func rest(timeout: Duration, onEnd: @escaping () -> Void) {
        letGo()
        self.onEnd = onEnd
        deadlineNanoseconds = loop.nowNanoseconds &+ timeout.wholeNanoseconds
    }

    /// Asks the next question.
    func ask(_ query: Message, report: @escaping (TransportEvent) -> Void) {
        onEnd = nil
        deadlineNanoseconds = .max
        isReused = true
        isAnswered = false
        take(query, report: report)
        output = []
        sentCount = 0
        query.encodeFrame(into: &output)
        awaitWrite()
    }

    override func onDeadline() {
        if report == nil { end() }
    }

    private func end() {
        let onEnd = onEnd
        self.onEnd = nil
        close()
        onEnd?()
    }

    override func onWritable() {
        if !isConnected {
            if let error = descriptor.connectError() {
                tell(.failed(error))
                return
            }
            isConnected = true
            startReading()
        }
        // Bytes are left: the write interest ends with the last of them.
        switch descriptor.send(output.span.extracting(sentCount...)) {
        case .bytes(let count):
            sentCount += count
            if sentCount == output.count { stopAwaitingWrite() }
        case .wouldBlock, .endOfStream: break
        case .failed: tell(.closed)
        }
    }

    override func onReadable() {
        // Whatever comes to an idle connection is its end: a close, or what nobody asked for.
        guard report != nil else { return end() }
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { splitter.append($0) }
            while isOpen, report != nil, let frame = splitter.next() {
                let event = judge(frame.span, sameSpelling: false)
                if case .message = event { isAnswered = true }
                tell(event)
            }
        case .wouldBlock: break
        case .endOfStream, .failed: tell(.closed)  // a reset is a hasty close
        }
    }
}
