// ConnectionServer: the TCP side of the discovery server (RFC 7766): connections whose frames are
// answered in order, bounded in number, time and memory.

internal import DNSWire
internal import Endpoints
internal import Events

/// The listening socket.
final class ConnectionAcceptor: Channel {
    /// Open connections at most.
    private static let connectionsMax = 64
    /// How long accepting pauses when there is no descriptor left, in nanoseconds.
    private static let pauseNanoseconds: UInt64 = 200_000_000

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
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        while isOpen {
            switch descriptor.accept() {
            case .connection(let accepted, _):
                guard connections.count < Self.connectionsMax else {
                    accepted.close()
                    onRefused()
                    continue
                }
                let connection = DiscoveryConnection(
                    accepted, on: loop, buffer: buffer, answer: answer
                ) { [unowned self] in connections[ObjectIdentifier($0)] = nil }
                connections[ObjectIdentifier(connection)] = connection
            case .wouldBlock: return
            case .failed:
                // The connection stays in the queue, and the socket readable.
                stopReading()
                deadlineNanoseconds = loop.nowNanoseconds + Self.pauseNanoseconds
                return
            }
        }
    }

    override func onDeadline() {
        startReading()
    }

    override func close() {
        for connection in connections.values { connection.close() }
        super.close()
    }
}

/// One client's connection. Reads the next query only when the reply before it is sent, so it holds
/// one reply and what one receive brought.
final class DiscoveryConnection: Channel {
    /// How long a connection may be without progress, in nanoseconds (RFC 7766, section 6.2.3).
    private static let idleNanoseconds: UInt64 = 10_000_000_000

    private let buffer: ReceiveBuffer
    private let answer: (Span<UInt8>) -> [UInt8]?
    private let onClosed: (DiscoveryConnection) -> Void
    private var splitter = TCPFrameSplitter()
    private var output: [UInt8] = []
    private var sentCount = 0

    fileprivate init(
        _ descriptor: Descriptor, on loop: EventLoop, buffer: ReceiveBuffer,
        answer: @escaping (Span<UInt8>) -> [UInt8]?,
        onClosed: @escaping (DiscoveryConnection) -> Void
    ) {
        self.buffer = buffer
        self.answer = answer
        self.onClosed = onClosed
        super.init(descriptor, on: loop)
        deadlineNanoseconds = loop.nowNanoseconds + Self.idleNanoseconds
        startReading()
    }

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { splitter.append($0) }
            answerFrames()
        case .wouldBlock: break
        case .endOfStream, .failed: close()
        }
    }

    override func onWritable() {
        send()
        if output.isEmpty { answerFrames() }
    }

    override func onDeadline() {
        close()
    }

    override func close() {
        guard isOpen else { return }
        super.close()
        onClosed(self)
    }

    private func answerFrames() {
        while isOpen, output.isEmpty, let frame = splitter.next() {
            deadlineNanoseconds = loop.nowNanoseconds + Self.idleNanoseconds
            guard let reply = answer(frame.span) else {
                close()  // not a DNS client
                return
            }
            output = reply
            sentCount = 0
            send()
        }
    }

    private func send() {
        guard isOpen, !output.isEmpty else { return }
        switch descriptor.send(output.span.extracting(sentCount...)) {
        case .bytes(let count):
            sentCount += count
            deadlineNanoseconds = loop.nowNanoseconds + Self.idleNanoseconds
            guard sentCount == output.count else { return waitForRoom() }
            output = []
            stopAwaitingWrite()
            startReading()
        case .wouldBlock: waitForRoom()
        case .endOfStream, .failed: close()
        }
    }

    private func waitForRoom() {
        stopReading()
        awaitWrite()
    }
}
