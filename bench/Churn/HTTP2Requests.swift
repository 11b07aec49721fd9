// HTTP2Requests: requests of the load by HTTP/2 in the clear, as browsers and meshes send them: a
// connection for as many streams as the proxy allows, and another one only when it is full or the
// proxy has said that it takes no more there. What a proxy breaks off is not sent again.

internal import Endpoints
internal import Events
internal import HTTP1
internal import HTTP2

/// A request by HTTP/2, until its end.
final class HTTP2Request {
    /// The head, as text of HTTP/1.1.
    let head: [UInt8]
    let method: Method
    /// At most what one frame takes.
    let body: [UInt8]
    /// Told how it ended, and the number of the instance that answered, once.
    private var completion: ((Exchange.Outcome, Int?) -> Void)?
    private var timer: Timer?
    fileprivate var slot: Int?
    /// Of its final head.
    fileprivate var status: Int?
    fileprivate var instance: Int?
    fileprivate var isSent = false
    fileprivate weak var connection: HTTP2LoadConnection?

    init(
        _ method: Method, fields: String = "", body: [UInt8] = [],
        completion: @escaping (Exchange.Outcome, Int?) -> Void
    ) {
        precondition(body.count <= HTTP2Connection.dataBytesMax, "a body is one frame")
        self.method = method
        self.body = body
        self.completion = completion
        let length = body.isEmpty ? "" : "Content-Length: \(body.count)\r\n"
        let name = method == .post ? "POST" : "GET"
        head = Array("\(name) / HTTP/1.1\r\nHost: bench\r\n\(fields)\(length)\r\n".utf8)
    }

    fileprivate func begin(on loop: EventLoop) {
        // Kept by its action until the end.
        let timer = Timer(on: loop) { [self] in
            connection?.give(up: self)
            end(.timeout)
        }
        timer.schedule(after: Load.patience)
        self.timer = timer
    }

    fileprivate func end(_ outcome: Exchange.Outcome) {
        timer?.cancel()
        timer = nil
        completion.take()?(outcome, instance)
    }
}

/// The connections of one load. Its thread only.
final class HTTP2Requests {
    private let port: UInt16
    private let loop: EventLoop
    private var connections: [HTTP2LoadConnection] = []

    init(on port: UInt16, loop: EventLoop) {
        self.port = port
        self.loop = loop
    }

    func send(_ request: HTTP2Request) {
        request.begin(on: loop)
        place(request)
    }

    private func place(_ request: HTTP2Request) {
        if let free = connections.first(where: \.hasRoom) { return free.send(request) }
        do throws(Errno) {
            let descriptor = try Socket.connectStream(to: Endpoint(.loopback, port))
            let connection = HTTP2LoadConnection(descriptor, on: loop) { [unowned self] in
                connections.removeAll { !$0.isOpen }
            } onRefused: { [unowned self] requests in
                // Not a byte of them was sent.
                for request in requests { place(request) }
            }
            connections.append(connection)
            connection.send(request)
        } catch {
            request.end(.refused)
        }
    }

    func close() {
        for connection in connections { connection.close() }
        connections = []
    }
}

/// One connection.
private final class HTTP2LoadConnection: StreamChannel {
    private static let streamsMax = 100

    private let onEnd: () -> Void
    private let onRefused: ([HTTP2Request]) -> Void
    private let buffer = ReceiveBuffer(capacity: 16_384)
    private var connection: HTTP2Connection
    private var decoder = HPACKDecoder()
    private var text = ResponseText()
    private var trailers = TrailerText()
    private var isConnected = false
    /// In streams, by slot.
    private var requests: [Int: HTTP2Request] = [:]
    /// Requests that wait for a stream.
    private var queue: [HTTP2Request] = []
    private var output: [UInt8] = []

    init(
        _ descriptor: Descriptor, on loop: EventLoop, onEnd: @escaping () -> Void,
        onRefused: @escaping ([HTTP2Request]) -> Void
    ) {
        self.onEnd = onEnd
        self.onRefused = onRefused
        var own = HTTP2Settings()
        own.streamsMax = Self.streamsMax
        connection = HTTP2Connection(.client, own)
        super.init(descriptor, on: loop)
        awaitWrite()
    }

    /// Whether another request goes to this connection.
    var hasRoom: Bool {
        isOpen && !connection.opensNoMore && requests.count + queue.count < Self.streamsMax
    }

    func send(_ request: HTTP2Request) {
        request.connection = self
        queue.append(request)
        guard isConnected else { return }
        sendQueued()
        flush()
    }

    /// The client does not wait any longer.
    func give(up request: HTTP2Request) {
        queue.removeAll { $0 === request }
        guard let slot = request.slot, requests[slot] === request else { return }
        requests[slot] = nil
        connection.reset(slot, .cancel)
        connection.release(slot)
        flush()
    }

    override func onWritable() {
        guard !isConnected else { return super.onWritable() }
        stopAwaitingWrite()
        if descriptor.connectError() != nil { return finish(.refused) }
        isConnected = true
        sendQueued()
        startReading()
        flush()
    }

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            var bytes: [UInt8] = []
            bytes.reserveCapacity(count)
            buffer.withBytes(count) { bytes.append($0) }
            read(bytes)
        case .wouldBlock: break
        case .endOfStream, .failed: finish(.closed)
        }
    }

    override func onBroken() { finish(.closed) }

    private func sendQueued() {
        while !queue.isEmpty, let slot = connection.openStream() {
            let request = queue.removeFirst()
            request.slot = slot
            requests[slot] = request
            // What the connection itself says comes first: its preface, at the beginning.
            takeControl()
            let head = request.head
            let block = [UInt8](capacity: HeaderBlock.bytesMax(ofText: head.count)) { out in
                HeaderBlock.append(requestText: head.span, scheme: .http, into: &out)
            }
            output.append(addingCapacity: HTTP2Connection.headersBytesMax(block: block.count)) {
                connection.writeHeaders(
                    slot, block: block.span, endsStream: request.body.isEmpty, into: &$0)
            }
            request.isSent = request.body.isEmpty
        }
        for (slot, request) in requests where !request.isSent { sendBody(request, in: slot) }
        if connection.opensNoMore, !queue.isEmpty {
            let refused = queue
            queue = []
            onRefused(refused)
        }
    }

    private func sendBody(_ request: HTTP2Request, in slot: Int) {
        guard connection.canWrite(slot), connection.sendRoom(slot) >= request.body.count else {
            return
        }
        output.append(addingCapacity: HTTP2Connection.dataHeaderBytes) {
            connection.writeDataHeader(
                slot, count: request.body.count, endsStream: true, into: &$0)
        }
        output += request.body
        request.isSent = true
    }

    private func takeControl() {
        let count = connection.controlBytes
        guard count > 0 else { return }
        output.append(addingCapacity: count) { connection.takeControl(into: &$0) }
    }

    private func flush() {
        guard isOpen, isConnected else { return }
        takeControl()
        guard !output.isEmpty else { return }
        if case .failed = write(output) { finish(.closed) }
        output.removeAll(keepingCapacity: true)
    }

    private func read(_ bytes: [UInt8]) {
        var place = 0
        while isOpen {
            let step = connection.next(bytes.span, from: place, at: loop.nowNanoseconds)
            place = step.end
            switch step.event {
            case .needMore:
                sendQueued()
                return flush()
            case .headers(let slot, let block, _, let endsStream):
                readHead(self.bytes(of: block, in: bytes), in: slot)
                if endsStream { ended(slot) }
            case .discarded(let block):
                let block = self.bytes(of: block, in: bytes)
                _ = trailers.read(
                    block.span, rule: .leaveOut, limits: HeadLimits(), decoder: &decoder)
            case .data(let slot, let range, let endsStream):
                connection.consumed(slot, range.count)
                if endsStream { ended(slot) }
            case .reset(let slot, _), .streamError(let slot, _, _): end(slot, .closed)
            case .settings, .windowOpened, .pong, .goAway, .draining: break
            case .connectionError: return finish(.malformed)
            }
        }
    }

    /// A header block, which came in `received` or was gathered.
    private func bytes(of block: HTTP2Block, in received: [UInt8]) -> [UInt8] {
        switch block {
        case .received(let range): Array(received[range])
        case .gathered(let range): Array(connection.gathered[range])
        }
    }

    private func readHead(_ block: [UInt8], in slot: Int) {
        guard let request = requests[slot] else { return }
        guard request.status == nil else {
            _ = trailers.read(block.span, rule: .leaveOut, limits: HeadLimits(), decoder: &decoder)
            return
        }
        let outcome = text.read(
            block.span, endsStream: false, answering: request.method, limits: HeadLimits(),
            decoder: &decoder)
        guard outcome == .complete else { return end(slot, .malformed) }
        var bytes: [UInt8] = []
        text.withText { bytes.append($0) }
        let head = String(decoding: bytes, as: UTF8.self)
        guard let status = Int(head.dropFirst("HTTP/1.1 ".utf8.count).prefix(3)), status >= 200
        else { return }
        request.status = status
        let field = "\r\n\(InstanceServer.numberField): "
        if let start = head.firstRange(of: field)?.upperBound {
            request.instance = Int(head[start...].prefix { $0.isNumber })
        }
    }

    private func ended(_ slot: Int) {
        end(slot, requests[slot]?.status.map { .status($0) } ?? .malformed)
    }

    private func end(_ slot: Int, _ outcome: Exchange.Outcome) {
        guard let request = requests.removeValue(forKey: slot) else { return }
        // An answer may come before the body is sent.
        if !request.isSent { connection.reset(slot, .noError) }
        connection.release(slot)
        request.end(outcome)
    }

    private func finish(_ outcome: Exchange.Outcome) {
        guard isOpen else { return }
        let left = Array(requests.values) + queue
        requests = [:]
        queue = []
        close()
        onEnd()
        for request in left { request.end(outcome) }
    }
}
