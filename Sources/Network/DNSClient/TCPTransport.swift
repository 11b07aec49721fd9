// TCPTransport: queries over a connection (RFC 7766), for answers that do not fit a datagram. One
// at a time; when its answer has come whole, the connection is kept for a while for the next
// question (IdleConnections), since a connection for each question would leave a port unusable for
// a minute, and there are only 28,000.

internal import DNSWire
internal import Endpoints
internal import Events

/// Connects, sends, and hands over each message until it is closed.
final class TCPTransport: StreamChannel {
    /// Where it is connected to.
    let server: Endpoint
    /// Nil while nobody waits for an answer.
    private var query: SentQuery?
    private let buffer: ReceiveBuffer
    private var isConnected = false
    private var splitter = TCPFrameSplitter()
    private var isAnswered = false
    /// Whether it has served a question before the one it serves now.
    private(set) var isReused = false
    /// Called when it ends while it is idle.
    private var onEnd: (() -> Void)?

    /// Begins to connect to `server`. The outcome is reported, never before this returns. `buffer`
    /// may be shared by all transports of the loop.
    ///
    /// - Throws: `Errno` when the connect failed at once.
    init(
        _ query: SentQuery, to server: Endpoint, buffer: ReceiveBuffer, on loop: EventLoop
    ) throws(Errno) {
        self.server = server
        self.query = query
        self.buffer = buffer
        super.init(try Socket.connectStream(to: server), on: loop)
        awaitWrite()
    }

    /// Whether it can serve another question: it has answered, and nothing is left over.
    var isFree: Bool { isOpen && isAnswered && splitter.pendingOctets == 0 }

    /// Waits for the next question, or for the server or `timeout` to end it; then calls `onEnd`.
    func rest(timeout: Duration, onEnd: @escaping () -> Void) {
        query = nil
        self.onEnd = onEnd
        deadlineNanoseconds = loop.nowNanoseconds &+ timeout.wholeNanoseconds
    }

    /// Asks the next question. The outcome is reported, never before this returns.
    func ask(_ query: SentQuery) {
        onEnd = nil
        deadlineNanoseconds = .max
        isReused = true
        isAnswered = false
        self.query = query
        send(query)
    }

    private func send(_ query: SentQuery) {
        var frame: [UInt8] = []
        query.message.encodeFrame(into: &frame)
        switch write(frame) {
        // The server takes no more: it has ended the connection, which reading finds out.
        case .sent, .kept, .failed: break
        }
    }

    /// Reports `event`, unless the transport is closed or no question waits.
    private func report(_ event: TransportEvent) {
        if isOpen { query?.report(event) }
    }

    override func onDeadline() {
        if query == nil { end() }
    }

    private func end() {
        let onEnd = onEnd
        self.onEnd = nil
        close()
        onEnd?()
    }

    override func onWritable() {
        guard !isConnected else { return super.onWritable() }
        stopAwaitingWrite()
        if let error = descriptor.connectError() { return report(.failed(error)) }
        isConnected = true
        startReading()
        if let query { send(query) }
    }

    override func onBroken() { report(.closed) }

    override func onReadable() {
        // Anything that arrives on an idle connection ends it: a close, or bytes that nobody asked
        // for.
        guard query != nil else { return end() }
        switch receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { splitter.append($0) }
            while isOpen, let query, let frame = splitter.next() {
                let event = query.judge(frame.span, sameSpelling: false)
                if case .message = event { isAnswered = true }
                report(event)
            }
        case .wouldBlock: break
        case .endOfStream, .failed: report(.closed)  // a reset is a hasty close
        }
    }
}
