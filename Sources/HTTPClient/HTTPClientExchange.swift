// HTTPClientExchange: the life of one request, from the connect to the completion.
//
// One way out, end(): it lets go of the connection and the timer before it calls anybody, so that
// the completion may start the next request at once, and nothing can complete twice.

internal import Events

/// One request on its way. Loop thread only.
package final class HTTPClientExchange {
    private let request: HTTPClient.Request
    private let client: HTTPClient
    /// Nil once the exchange has ended.
    private var completion: ((HTTPClient.Outcome) -> Void)?
    private var connection: Connection?
    /// The deadline; before that the failure of a request that could not even begin. It also keeps
    /// the exchange alive: its action holds `self` until `end()`.
    private var timer: Timer?
    private var immediateFailure: HTTPClient.Failure?

    private var isConnected = false
    private var output: [UInt8] = []
    private var sentCount = 0
    private var reader: ResponseReader

    init(
        _ request: HTTPClient.Request, client: HTTPClient,
        completion: @escaping (HTTPClient.Outcome) -> Void
    ) {
        self.request = request
        self.client = client
        self.completion = completion
        reader = ResponseReader(answering: request.method, wish: request.responseBody)
    }

    /// Whether neither the completion was called nor the exchange cancelled.
    package var isUnderWay: Bool { completion != nil }

    /// Ends the exchange without a completion; harmless when it has ended.
    package func cancel() {
        release()
    }

    func start() {
        let timer = Timer(on: client.loop) { self.timePassed() }
        self.timer = timer
        do throws(HTTPClient.Failure) {
            output = try request.encoded()
            let connection = Connection(try Self.connect(request), exchange: self)
            self.connection = connection
            connection.awaitWrite()
            timer.schedule(after: request.deadline)
        } catch {
            // Told from the loop, as every other outcome.
            immediateFailure = error
            timer.schedule(after: .zero)
        }
    }

    private static func connect(
        _ request: HTTPClient.Request
    ) throws(HTTPClient.Failure) -> Descriptor {
        do throws(Errno) {
            return try Socket.connectStream(to: request.endpoint)
        } catch {
            throw .connect(error)
        }
    }

    private var phase: HTTPClient.Phase {
        isConnected ? (reader.hasHead ? .receiving : .waiting) : .connecting
    }

    private func timePassed() {
        end(.failed(immediateFailure ?? .timeout(phase)))
    }

    // MARK: - The connection's events

    private func becameWritable(_ descriptor: Descriptor) {
        if !isConnected {
            if let error = descriptor.connectError() { return end(.failed(.connect(error))) }
            isConnected = true
            connection?.startReading()
        }
        while sentCount < output.count {
            switch descriptor.send(output.span.extracting(sentCount..<output.count)) {
            case .bytes(let count): sentCount += count
            case .wouldBlock: return
            case .failed, .endOfStream:
                // The peer takes no more. It may have answered all the same (413, say): what it
                // sent, or how it ended, is for reading to find out.
                sentCount = output.count
            }
        }
        connection?.stopAwaitingWrite()
    }

    private func becameReadable(_ descriptor: Descriptor) {
        switch descriptor.receive(into: client.buffer) {
        case .bytes(let count):
            follow(client.buffer.withBytes(count) { reader.receive($0) })
        case .wouldBlock: break
        case .endOfStream: follow(reader.endOfStream())
        case .failed(let error): end(.failed(.broken(error, phase)))
        }
    }

    private func follow(_ step: ResponseReader.Step) {
        switch step {
        case .needMore: break
        case .complete(let response): end(.response(response))
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
        connection?.close()
        connection = nil
        timer?.cancel()
        timer = nil
    }

    /// The channel of an exchange; hands everything on.
    private final class Connection: Channel {
        private let exchange: HTTPClientExchange

        init(_ descriptor: Descriptor, exchange: HTTPClientExchange) {
            self.exchange = exchange
            super.init(descriptor, on: exchange.client.loop)
        }

        override func onWritable() { exchange.becameWritable(descriptor) }
        override func onReadable() { exchange.becameReadable(descriptor) }
    }
}
