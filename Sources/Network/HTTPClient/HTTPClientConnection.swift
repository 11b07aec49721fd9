// HTTPClientConnection: the channel of an exchange, and what becomes of it between two exchanges.
//
// A kept connection stays readable while it is idle: that its server closed it, or says something
// that nobody asked for, is noticed then and not by the request that would have been sent on it.

internal import Endpoints
internal import Events

/// A connection: of one exchange at a time, or idle among those that are kept. Loop thread only.
final class HTTPClientConnection: StreamChannel {
    let target: Target
    private var isConnected = false
    /// Nil while the connection is idle.
    private var exchange: HTTPClientExchange?
    private weak var keeper: KeptConnections?

    init(_ descriptor: Descriptor, to target: Target, of exchange: HTTPClientExchange) {
        self.target = target
        self.exchange = exchange
        super.init(descriptor, on: exchange.client.loop)
    }

    override func onWritable() {
        guard !isConnected else { return super.onWritable() }
        stopAwaitingWrite()
        isConnected = true
        exchange?.connectEnded(descriptor.connectError())
    }

    override func onBroken() { exchange?.takesNoMore() }

    override func onReadable() {
        guard let exchange else { return discard() }
        exchange.becameReadable(self)
    }

    override func onDeadline() {
        if exchange == nil { discard() }
    }

    /// The exchange has ended and left the connection as good as new.
    func becomeIdle(among keeper: KeptConnections, until deadline: UInt64) {
        exchange = nil
        self.keeper = keeper
        deadlineNanoseconds = deadline
    }

    /// Another exchange uses it.
    func serve(_ exchange: HTTPClientExchange) {
        self.exchange = exchange
        keeper = nil
        deadlineNanoseconds = .max
    }

    private func discard() {
        keeper?.forget(self)
        close()
    }

    override func close() {
        exchange = nil
        super.close()
    }
}

/// The idle connections of one client. Loop thread only.
final class KeptConnections {
    /// Idle connections to one target; one more is closed in place of being kept.
    private static let perTargetMax = 128
    /// How long one is kept idle: shorter than servers keep theirs (60 s and more), so that few
    /// requests meet a connection that is just being closed.
    private static let idleTimeout = Duration.seconds(30)

    private var idle: [Target: [HTTPClientConnection]] = [:]

    /// The one used last, which is the least likely to have been closed meanwhile; nil for none.
    func take(_ target: Target) -> HTTPClientConnection? {
        idle[target]?.popLast()
    }

    func keep(_ connection: HTTPClientConnection) {
        guard idle[connection.target, default: []].count < Self.perTargetMax else {
            return connection.close()
        }
        let deadline = connection.loop.nowNanoseconds + Self.idleTimeout.wholeNanoseconds
        connection.becomeIdle(among: self, until: deadline)
        idle[connection.target, default: []].append(connection)
    }

    func forget(_ connection: HTTPClientConnection) {
        idle[connection.target]?.removeAll { $0 === connection }
        if idle[connection.target]?.isEmpty == true { idle[connection.target] = nil }
    }

    func closeAll() {
        for connection in idle.values.joined() { connection.close() }
        idle = [:]
    }

    var count: Int { idle.values.reduce(0) { $0 + $1.count } }
}
