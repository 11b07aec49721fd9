// TCPProbe: connects, sends and expects what the check says, and closes at once.
//
// An orderly close (FIN), not a reset: a server that finds a reset connection in its queue may log
// an error for each check, while one that was opened and closed is an idle client like any other.
//
// It keeps no more of an answer than it needs to decide: as many bytes as are expected, and a few
// more to say what came instead.

internal import Backends
internal import Endpoints
internal import Events
internal import HTTPClient
internal import TLS
internal import Traffic

/// One attempt to connect, and to get the expected answer if there is one. Loop thread only. It
/// lives until it has ended, whether anything refers to it or not.
final class TCPProbe {
    private let key: CheckKey
    /// What to send and to expect; nil where the connection is enough.
    private let script: CheckOptions.SendExpect?
    private let client: HTTPClient
    /// Nil once the probe has ended.
    private var completion: ((ProbeResult) -> Void)?
    private var connection: Connection?
    /// The timeout, or a failure that is still to be reported. Its action keeps the probe alive
    /// until `cancel()`.
    private var timer: Timer?
    private var resultInTime = ProbeResult.failed(.timeout)

    /// Whether the connection is made, and secure if it has to be.
    private var isReady = false
    private var answer: [UInt8] = []
    /// Bytes that tell one kind of answer from another.
    private static let kindBytes = 16

    /// Connects to where `key` says, follows `script` if there is one, and calls `completion` on
    /// the loop's thread exactly once, unless the probe is cancelled before; never while this
    /// initialiser runs. With TLS it makes its layers as `client` does.
    init(
        _ key: CheckKey, _ script: CheckOptions.SendExpect? = nil, for client: HTTPClient,
        completion: @escaping (ProbeResult) -> Void
    ) {
        self.key = key
        self.script = script
        self.completion = completion
        self.client = client
        let loop = client.loop
        let timer = Timer(on: loop) { self.end(self.resultInTime) }
        self.timer = timer
        do throws(Errno) {
            let connection = Connection(
                try Socket.connectStream(to: key.target), on: loop, of: self)
            self.connection = connection
            connection.awaitWrite()
            timer.schedule(after: key.timeout)
        } catch {
            resultInTime = ProbeResult(error)
            timer.schedule(after: .zero)
        }
    }

    /// Ends the probe without a completion. Harmless when it has ended.
    func cancel() {
        completion = nil
        connection?.close()
        connection = nil
        timer?.cancel()
        timer = nil
    }

    private func connectEnded(_ connection: Connection) {
        let descriptor = connection.descriptor
        if let error = descriptor.connectError() { return end(ProbeResult(error)) }
        // On loopback the kernel may choose as our own port the very one that nobody listens on any
        // more, and TCP then connects the socket to itself (simultaneous open, RFC 9293 section
        // 3.5).
        let local = descriptor.localEndpoint
        if local == key.target { return end(.failed(.refused)) }
        let header = key.header(from: local) ?? []
        guard let tls = key.tls else { return ready(connection, header) }
        let layer = client.makeLayer(tls, to: .endpoint(key.target))
        connection.startReading()
        goOn(connection.begin(layer, behind: header))
    }

    /// The connection is made, and secure if it has to be.
    private func ready(_ connection: Connection, _ header: [UInt8]) {
        isReady = true
        if script != nil { connection.startReading() }
        let bytes = header + (script?.send ?? [])
        if !bytes.isEmpty { goOn(connection.write(bytes)) }
        if script == nil { end(.passed) }
    }

    /// Goes on after a write, whatever became of it: the peer may have answered anyway, and reading
    /// finds out how it ended.
    private func goOn(_ outcome: WriteOutcome) {
        switch outcome {
        case .sent, .kept, .failed: break
        }
    }

    /// Goes on with the handshake of TLS.
    private func secure(_ connection: Connection) {
        switch connection.receive(into: ReceiveBuffer(capacity: Self.kindBytes)) {
        case .bytes: preconditionFailure("a layer gives content after its handshake")
        case .wouldBlock: if connection.layer?.isEstablished == true { ready(connection, []) }
        case .endOfStream: fail(connection, .connectionReset)
        case .failed(let error): fail(connection, error)
        }
    }

    private func fail(_ connection: Connection, _ error: Errno) {
        let fault = (connection.layer as? TLSLayer)?.fault(error)
        end(fault.map { .failed(.insecure("\($0)")) } ?? ProbeResult(error))
    }

    private func becameReadable(_ connection: Connection) {
        guard isReady else { return secure(connection) }
        guard let expected = script?.expect else { return }
        let buffer = ReceiveBuffer(capacity: max(expected.count, Self.kindBytes))
        switch connection.receive(into: buffer) {
        case .bytes(let count):
            buffer.withBytes(count) { bytes in
                for index in bytes.indices { answer.append(bytes[index]) }
            }
            judge(by: expected)
        case .wouldBlock: break
        case .endOfStream: end(.failed(.reset))
        case .failed(let error): fail(connection, error)
        }
    }

    private func judge(by expected: [UInt8]) {
        if answer.starts(with: expected) {
            end(.passed)
        } else if !expected.starts(with: answer) {
            end(.failed(.unexpected(CheckFailure.AnswerKind(of: answer))))
        }
    }

    private func end(_ result: ProbeResult) {
        let completion = completion
        cancel()
        completion?(result)
    }

    private final class Connection: StreamChannel {
        private let probe: TCPProbe
        private var isConnected = false

        init(_ descriptor: Descriptor, on loop: EventLoop, of probe: TCPProbe) {
            self.probe = probe
            super.init(descriptor, on: loop)
        }

        override func onWritable() {
            guard !isConnected else { return super.onWritable() }
            stopAwaitingWrite()
            isConnected = true
            probe.connectEnded(self)
        }

        override func onReadable() { probe.becameReadable(self) }
    }
}
