// HeldStreams: clients of one proxy that each hold a response open whose body goes on, and ask
// again when it ends, as browsers do with server-sent events.

internal import BenchSupport
internal import Endpoints
internal import Events

/// One stream, from its head to its end.
struct HeldStream: Equatable, Sendable {
    /// The instance that sent it.
    var instance: Int
    /// When its head came, and when it ended, in monotonic nanoseconds; the latter is nil when the
    /// client ended it.
    var opened: UInt64
    var ended: UInt64?
    /// Whether the last thing that came was the end of the body.
    var isWhole = false
}

/// The clients, on the load's thread.
final class HeldStreams {
    /// How long a client waits before it asks again.
    private static let pause = Duration.milliseconds(100)

    private let port: UInt16
    private let loop: EventLoop
    private var clients: [ObjectIdentifier: StreamClient] = [:]
    private var timers: [ObjectIdentifier: Timer] = [:]
    private var isStopping = false
    /// Every stream that has ended, or was open at the end.
    private(set) var streams: [HeldStream] = []
    /// Requests that brought no stream.
    private(set) var refusedCount = 0

    init(_ count: Int, on port: UInt16, loop: EventLoop) {
        self.port = port
        self.loop = loop
        for _ in 0..<count { open() }
    }

    /// Ends them all.
    func stop() {
        isStopping = true
        timers.removeAll()
        for client in clients.values {
            if let stream = client.stream { streams.append(stream) }
            client.close()
        }
        clients.removeAll()
    }

    private func open() {
        let descriptor: Descriptor
        do throws(Errno) {
            descriptor = try Socket.connectStream(to: Endpoint(.loopback, port))
        } catch {
            refusedCount += 1
            return openLater()
        }
        let client = StreamClient(descriptor, on: loop) { [unowned self] client in ended(client) }
        clients[ObjectIdentifier(client)] = client
    }

    private func ended(_ client: StreamClient) {
        clients[ObjectIdentifier(client)] = nil
        if var stream = client.stream {
            stream.ended = monotonic()
            streams.append(stream)
        } else {
            refusedCount += 1
        }
        openLater()
    }

    private func openLater() {
        guard !isStopping else { return }
        var key: ObjectIdentifier?
        let timer = Timer(on: loop) { [unowned self] in
            // Kept until it has fired.
            if let key { timers[key] = nil }
            open()
        }
        key = ObjectIdentifier(timer)
        timers[ObjectIdentifier(timer)] = timer
        timer.schedule(after: Self.pause)
    }
}

/// One client's connection.
private final class StreamClient: StreamChannel {
    private let onEnd: (StreamClient) -> Void
    private let buffer = ReceiveBuffer(capacity: 4_096)
    private var head: [UInt8] = []
    private var hasAsked = false
    /// Nil until the head has come.
    private(set) var stream: HeldStream?

    init(
        _ descriptor: Descriptor, on loop: EventLoop, onEnd: @escaping (StreamClient) -> Void
    ) {
        self.onEnd = onEnd
        super.init(descriptor, on: loop)
        awaitWrite()
    }

    override func onWritable() {
        guard !hasAsked else { return super.onWritable() }
        hasAsked = true
        stopAwaitingWrite()
        let request = "GET \(InstanceServer.streamPath) HTTP/1.1\r\nHost: bench\r\n\r\n"
        if case .failed = write(Array(request.utf8)) { return finish() }
        startReading()
    }

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { bytes in
                for index in bytes.indices { head.append(bytes[index]) }
            }
            received()
        case .wouldBlock: break
        case .endOfStream, .failed: finish()
        }
    }

    /// Reads the instance's number in the head; of the body only the last bytes are kept.
    private func received() {
        if stream == nil {
            let text = String(decoding: head, as: UTF8.self).lowercased()
            guard text.contains("\r\n\r\n") else { return }
            let field = "\r\n\(InstanceServer.numberField): "
            guard text.hasPrefix("http/1.1 200"),
                let start = text.firstRange(of: field)?.upperBound,
                let number = Int(text[start...].prefix { $0.isNumber })
            else { return finish() }
            stream = HeldStream(instance: number, opened: monotonic())
        }
        head = head.suffix(5)
        stream?.isWhole = head == Array("0\r\n\r\n".utf8)
        if stream?.isWhole == true { finish() }
    }

    private func finish() {
        guard isOpen else { return }
        close()
        onEnd(self)
    }
}
