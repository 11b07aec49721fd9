// HTTPClientExchange: the life of one request, from the connect to the completion.
//
// One way out, end(): it releases the connection and the timer before it calls anybody, so that
// the completion may start the next request at once, and nothing can complete twice.

internal import Events
internal import HTTP1
internal import TLS

/// One request on its way. Loop thread only.
package final class HTTPClientExchange {
    private let request: HTTPClient.Request
    let client: HTTPClient
    /// Nil once the exchange has ended.
    private var completion: ((HTTPClient.Outcome) -> Void)?
    /// Gets the parts of a response that is streamed; nil for any other, and once it has ended.
    private var onPart: ((HTTPClient.Part) -> Void)?
    private var connection: HTTPClientConnection?
    /// The deadline; before that the failure of a request that could not even begin. It also keeps
    /// the exchange alive: its action holds `self` until `end()`.
    private var timer: Timer?
    private var immediateFailure: HTTPClient.Failure?
    /// In the loop's nanoseconds.
    private let start: UInt64

    /// Whether the connection is made, and secure if it has to be.
    private var isConnected = false
    /// Whether the connection has served another exchange before.
    private var isReused = false
    /// The request's head, as text of HTTP/1.1.
    private var head: [UInt8] = []
    /// What goes before the request in the clear.
    private var preface: [UInt8] = []
    private var reader: ResponseReader
    /// What takes the place of `reader` by HTTP/2, once that is spoken.
    private var http2: HTTP2ResponseReader?

    init(
        _ request: HTTPClient.Request, client: HTTPClient,
        onPart: ((HTTPClient.Part) -> Void)? = nil,
        completion: @escaping (HTTPClient.Outcome) -> Void
    ) {
        self.request = request
        self.client = client
        self.onPart = onPart
        self.completion = completion
        start = client.loop.nowNanoseconds
        reader = ResponseReader(
            answering: request.method, wish: request.responseBody, isStreamed: onPart != nil)
    }

    /// Whether neither the completion was called nor the exchange cancelled.
    package var isUnderWay: Bool { completion != nil }

    /// Ends the exchange without a completion; harmless when it has ended.
    package func cancel() {
        release()
    }

    func begin() {
        let timer = Timer(on: client.loop) { self.timePassed() }
        self.timer = timer
        do throws(HTTPClient.Failure) {
            head = try request.encodedHead()
            if request.keepsConnection, request.version == .http1,
                let kept = client.kept.take(ConnectionPlace(request.target, request.tls))
            {
                isReused = true
                isConnected = true
                kept.serve(self)
                connection = kept
                timer.schedule(after: request.deadline)
                sendRequest()
            } else {
                try connect()
            }
        } catch {
            // Told from the loop, as every other outcome.
            immediateFailure = error
            timer.schedule(after: .zero)
        }
    }

    private func connect() throws(HTTPClient.Failure) {
        do throws(Errno) {
            let connection = HTTPClientConnection(
                try Socket.connectStream(to: request.target), for: request, of: self)
            self.connection = connection
            connection.awaitWrite()
        } catch {
            throw .connect(error)
        }
        timer?.schedule(after: min(timeLeft, request.connectDeadline ?? request.deadline))
    }

    private var timeLeft: Duration {
        request.deadline - .nanoseconds(Int64(clamping: client.loop.nowNanoseconds - start))
    }

    private var phase: HTTPClient.Phase {
        isConnected ? (hasHead ? .receiving : .waiting) : .connecting
    }

    private var hasHead: Bool { http2?.hasHead ?? reader.hasHead }

    /// Whether a byte of a response came.
    private var hasBegun: Bool { http2?.hasBegun ?? reader.hasBegun }

    /// Whether the connection, which is made, is one of HTTP/2.
    private var speaksHTTP2: Bool {
        switch request.version {
        case .http1: false
        case .http2: true
        case .negotiated: (connection?.layer as? TLSLayer)?.outcome?.speaksHTTP2 == true
        }
    }

    private func timePassed() {
        if immediateFailure == nil, let connection, !isConnected,
            let failure = fault(of: connection, .timedOut)
        {
            return end(.failed(failure))
        }
        end(.failed(immediateFailure ?? .timeout(phase)))
    }

    // MARK: - The connection's events

    /// The connect has succeeded, or failed with `error`.
    func connectEnded(_ error: Errno?) {
        if let error { return end(.failed(.connect(error))) }
        guard let connection else { return }
        let preface = request.preface?(connection.descriptor.localEndpoint) ?? []
        guard let tls = request.tls else {
            self.preface = preface
            connection.startReading()
            ready()
            return
        }
        let layer = client.makeLayer(
            tls, to: request.target, offering: request.version == .http2 ? [.http2] : nil)
        switch connection.begin(layer, behind: preface) {
        case .sent, .kept: break
        // Reading finds out how it ended.
        case .failed: break
        }
        connection.startReading()
    }

    /// The connection is made, and secure if it has to be.
    private func ready() {
        isConnected = true
        if request.connectDeadline != nil { timer?.schedule(after: timeLeft) }
        sendRequest()
    }

    /// What TLS has to say of a connection that broke with `error`, or ended; nil: it was not
    /// TLS's doing.
    private func fault(of connection: HTTPClientConnection, _ error: Errno?) -> HTTPClient.Failure?
    {
        guard let layer = connection.layer as? TLSLayer, !hasBegun else { return nil }
        return layer.fault(error ?? .connectionReset).map { .tls($0) }
    }

    private func sendRequest() {
        if speaksHTTP2 {
            let http2 = HTTP2ResponseReader(request, head: head)
            self.http2 = http2
            send(preface + http2.takeOutput())
        } else {
            send(preface + head + request.body)
        }
    }

    private func send(_ bytes: [UInt8]) {
        switch connection?.write(bytes) {
        case .sent, .kept, nil: break
        case .failed: takesNoMore()
        }
    }

    /// Sends what HTTP/2 itself has to say. A peer that takes none of it is not read from.
    private func answerFrames(on connection: HTTPClientConnection) {
        guard let bytes = http2?.takeOutput(), !bytes.isEmpty else { return }
        send(bytes)
        if connection.isOpen, connection.isCongested { connection.stopReading() }
    }

    /// The peer has taken all that was kept for it.
    func drained(_ connection: HTTPClientConnection) {
        if isConnected { connection.startReading() }
    }

    /// The peer takes no more. It may have answered all the same (413, say): what it sent, or how
    /// it ended, is for reading to find out.
    func takesNoMore() {
        reader.forbidReuse()
    }

    func becameReadable(_ connection: HTTPClientConnection) {
        switch connection.receive(into: client.buffer) {
        case .bytes(let count):
            let step = client.buffer.withBytes(count) { bytes in
                http2?.receive(bytes, at: client.loop.nowNanoseconds) ?? reader.receive(bytes)
            }
            answerFrames(on: connection)
            follow(step)
        case .wouldBlock:
            if !isConnected, connection.layer?.isEstablished == true { ready() }
        case .endOfStream:
            if retryOnNewConnection() { return }
            if !isConnected, let failure = fault(of: connection, nil) {
                return end(.failed(failure))
            }
            follow(http2?.endOfStream() ?? reader.endOfStream())
        case .failed(let error):
            if retryOnNewConnection() { return }
            end(.failed(fault(of: connection, error) ?? .broken(error, phase)))
        }
    }

    /// A kept connection may be closed by its server just as the next request is sent on it.
    /// Nothing of a response came then, and what is only a GET may be asked again (RFC 9110 section
    /// 9.2.2): once, since the new connection has no such excuse. False when this is not that case.
    private func retryOnNewConnection() -> Bool {
        guard isReused, !reader.hasBegun, request.method == .get,
            request.retriesClosedConnection
        else { return false }
        connection?.close()
        connection = nil
        isReused = false
        isConnected = false
        reader = ResponseReader(
            answering: request.method, wish: request.responseBody, isStreamed: onPart != nil)
        do throws(HTTPClient.Failure) {
            try connect()
        } catch {
            end(.failed(error))
        }
        return true
    }

    /// Passes on what has come of a streamed response. Whoever gets it may cancel the exchange.
    private func passOnParts() {
        guard onPart != nil, reader.hasHead else { return }
        if let head = reader.takeHead() {
            // The deadline was for this.
            timer?.cancel()
            onPart?(.head(head))
        }
        let bytes = reader.takeBody()
        if !bytes.isEmpty { onPart?(.bytes(bytes)) }
    }

    private func follow(_ step: ResponseReader.Step) {
        passOnParts()
        guard isUnderWay else { return }
        switch step {
        case .needMore: break
        case .complete(var response):
            if onPart != nil { response.body = [] }
            if request.keepsConnection, reader.leavesConnection, let connection,
                !connection.isCongested
            {
                // Kept before the completion is called, which may send the next request.
                self.connection = nil
                client.kept.keep(connection)
            }
            if let farewell = http2?.farewell() { send(farewell) }
            end(.response(response))
        case .failed(let failure): end(.failed(failure))
        }
    }

    // MARK: - The way out

    private func end(_ outcome: HTTPClient.Outcome) {
        let completion = completion
        release()
        completion?(outcome)
    }

    private func release() {
        completion = nil
        onPart = nil
        connection?.close()
        connection = nil
        timer?.cancel()
        timer = nil
    }
}
