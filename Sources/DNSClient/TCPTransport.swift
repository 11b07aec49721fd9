// TCPTransport: a query over a connection (RFC 7766), for answers that do not fit a datagram. A
// connection serves one question: the control plane asks too seldom to keep connections.

internal import DNSWire
internal import Endpoints
internal import Events

/// Connect, send, and hand over each message until it is closed.
final class TCPTransport: Transport {
    private var output: [UInt8] = []
    private var sentCount = 0
    private var isConnected = false
    private var splitter = TCPFrameSplitter()

    /// Begins to connect to `server`. What becomes of it is reported, never before this returns.
    ///
    /// - Throws: `Errno` when the connect failed at once.
    init(
        _ query: Message, to server: Endpoint, buffer: ReceiveBuffer, on loop: EventLoop,
        report: @escaping (TransportEvent) -> Void
    ) throws(Errno) {
        query.encodeFrame(into: &output)
        let descriptor = try Socket.connectStream(to: server)
        super.init(descriptor, query, buffer: buffer, on: loop, report: report)
        awaitWrite()
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
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { splitter.append($0) }
            while isOpen, let frame = splitter.next() { tell(judge(frame.span)) }
        case .wouldBlock: break
        case .endOfStream, .failed: tell(.closed)  // a reset is a hasty close
        }
    }
}
