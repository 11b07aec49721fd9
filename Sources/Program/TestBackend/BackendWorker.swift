// BackendWorker: a thread of the test backend: its listening socket, its connections, and what they
// share.

internal import Events
internal import HTTP1

/// Accepts connections and lends them what they need while they handle a readiness. Loop thread
/// only.
final class BackendWorker: Deadlined {
    let name: [UInt8]
    let buffer = ReceiveBuffer()
    let body = BackendBody()
    /// The one that is being parsed; a connection keeps nothing of it.
    var head = RequestHead()
    /// The response that is being written.
    var out: [UInt8] = []
    var flaky = FlakyTurns()
    private(set) var isDraining = false

    private let listening: ListeningChannel
    private let stopNanoseconds: UInt64
    private var connections: [ObjectIdentifier: ServerConnection] = [:]
    /// Connections that are being ended.
    private var leaving: [ObjectIdentifier: ClosingConnection] = [:]
    /// How long a client may take nothing of a last response.
    private static let stallNanoseconds: UInt64 = 60_000_000_000

    /// What the thread runs.
    static func run(
        _ listener: Descriptor, _ options: TestBackendOptions, _ orders: Mailbox<TestBackend.Order>
    ) {
        let loop = EventLoop()
        let worker = BackendWorker(listener, on: loop, options)
        let reader: MailboxReader<TestBackend.Order>
        do throws(Errno) {
            reader = try MailboxReader(orders, on: loop) { _ in worker.drain() }
        } catch {
            // Without a mailbox it could not be stopped.
            worker.listening.close()
            return
        }
        loop.run()
        reader.close()
        // One more turn, in which the loop releases the channels that were closed last.
        loop.runOnce()
    }

    private init(_ listener: Descriptor, on loop: EventLoop, _ options: TestBackendOptions) {
        name = Array("\(options.name)\n".utf8)
        stopNanoseconds = options.stopTimeout.wholeNanoseconds
        listening = ListeningChannel(listener, on: loop)
        super.init(on: loop)
        listening.hasRoom = { [unowned self] in !isDraining }
        listening.start { [unowned self] accepted, _ in
            let connection = ServerConnection(accepted, of: self)
            connections[ObjectIdentifier(connection)] = connection
        }
    }

    /// The time for a stop is over.
    override func onDeadline() { end() }

    func forget(_ connection: ServerConnection) {
        connections[ObjectIdentifier(connection)] = nil
        endWhenIdle()
    }

    /// Ends `connection` once its client has everything.
    func end(_ connection: ServerConnection) {
        let last = ClosingConnection(
            connection, .end, limits: ClosingLimits(stall: Self.stallNanoseconds), dropping: buffer)
        last.onClosed = { [self, unowned last] in
            leaving[ObjectIdentifier(last)] = nil
            endWhenIdle()
        }
        leaving[ObjectIdentifier(last)] = last
        connections[ObjectIdentifier(connection)] = nil
        last.begin()
    }

    private func endWhenIdle() {
        if isDraining, connections.isEmpty, leaving.isEmpty { end() }
    }

    private func drain() {
        guard !isDraining else { return }
        isDraining = true
        listening.stopReading()
        for connection in connections.values where connection.isIdle { connection.close() }
        if connections.isEmpty, leaving.isEmpty {
            end()
        } else {
            deadlineNanoseconds = loop.nowNanoseconds + stopNanoseconds
        }
    }

    private func end() {
        guard listening.isOpen else { return }
        listening.close()
        for connection in connections.values { connection.close() }
        for connection in leaving.values { connection.giveUp() }
        loop.stop()
    }
}
