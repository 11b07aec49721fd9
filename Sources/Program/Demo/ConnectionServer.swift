// ConnectionServer: the TCP side of the discovery server (RFC 7766): connections whose frames are
// answered in order, bounded in number, time and memory.

internal import DNSWire
internal import Endpoints
internal import Events

/// The listening socket and its connections.
final class ConnectionServer {
    /// Open connections at most.
    private static let connectionsMax = 64

    private let listening: ListeningChannel
    private var connections: [ObjectIdentifier: DiscoveryConnection] = [:]
    private let buffer = ReceiveBuffer(capacity: 16384)
    private let onRefused: () -> Void
    private let answer: (Span<UInt8>) -> [UInt8]?

    /// Takes over `descriptor`, which listens, and starts. `answer` maps a message to a whole
    /// frame.
    init(
        _ descriptor: Descriptor, on loop: EventLoop, onRefused: @escaping () -> Void,
        answer: @escaping (Span<UInt8>) -> [UInt8]?
    ) {
        self.onRefused = onRefused
        self.answer = answer
        listening = ListeningChannel(descriptor, on: loop)
        listening.start { [unowned self] connection, _ in accept(connection) }
    }

    private func accept(_ accepted: Descriptor) {
        guard connections.count < Self.connectionsMax else {
            accepted.close()
            onRefused()
            return
        }
        let connection = DiscoveryConnection(
            accepted, on: listening.loop, buffer: buffer, answer: answer
        ) { [unowned self] in connections[ObjectIdentifier($0)] = nil }
        connections[ObjectIdentifier(connection)] = connection
    }

    /// Stops listening and closes every connection. Harmless when repeated; required before it is
    /// released.
    func close() {
        for connection in connections.values { connection.close() }
        listening.close()
    }
}

/// One client's connection. Reads the next query only when the reply before it is sent, so it holds
/// one reply and what one receive brought.
final class DiscoveryConnection: StreamChannel {
    /// How long a connection may be without progress, in nanoseconds (RFC 7766, section 6.2.3).
    private static let idleNanoseconds: UInt64 = 10_000_000_000

    private let buffer: ReceiveBuffer
    private let answer: (Span<UInt8>) -> [UInt8]?
    private let onClosed: (DiscoveryConnection) -> Void
    private var splitter = TCPFrameSplitter()

    fileprivate init(
        _ descriptor: Descriptor, on loop: EventLoop, buffer: ReceiveBuffer,
        answer: @escaping (Span<UInt8>) -> [UInt8]?,
        onClosed: @escaping (DiscoveryConnection) -> Void
    ) {
        self.buffer = buffer
        self.answer = answer
        self.onClosed = onClosed
        super.init(descriptor, on: loop)
        onProgress()
        startReading()
    }

    override func onReadable() {
        switch receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { splitter.append($0) }
            answerFrames()
        case .wouldBlock: break
        case .endOfStream, .failed: close()
        }
    }

    override func onProgress() {
        deadlineNanoseconds = loop.nowNanoseconds + Self.idleNanoseconds
    }

    override func onDrained() {
        onProgress()
        startReading()
        answerFrames()
    }

    override func onBroken() { close() }

    override func onDeadline() {
        close()
    }

    override func close() {
        guard isOpen else { return }
        super.close()
        onClosed(self)
    }

    private func answerFrames() {
        while isOpen, !isCongested, let frame = splitter.next() {
            onProgress()
            // Without a reply it is no DNS client.
            guard let reply = answer(frame.span) else { return close() }
            switch write(reply) {
            case .sent: break
            case .kept: stopReading()
            case .failed: close()
            }
        }
    }
}
