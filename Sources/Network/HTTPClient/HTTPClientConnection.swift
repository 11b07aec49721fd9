// HTTPClientConnection: the channel of an exchange, and what becomes of it between two exchanges.
//
// A kept connection stays readable while it is idle: that its server closed it, or says something
// that nobody asked for, is noticed then and not by the request that would have been sent on it.

internal import Endpoints
internal import Events

/// Where a connection goes, and by which TLS: what one that is kept can serve again.
struct ConnectionPlace: Hashable {
    let target: Target
    /// The TLS, where it is spoken. Options that were reloaded make another, and new connections.
    let security: HTTPClient.Security?

    init(_ target: Target, _ security: HTTPClient.Security?) {
        self.target = target
        self.security = security
    }
}

/// A connection: of one exchange at a time, or idle among those that are kept. Loop thread only.
final class HTTPClientConnection: StreamChannel {
    let place: ConnectionPlace
    private var isConnected = false
    /// Nil while the connection is idle.
    private var exchange: HTTPClientExchange?
    private weak var keeper: KeptConnections?

    init(_ descriptor: Descriptor, for request: HTTPClient.Request, of exchange: HTTPClientExchange)
    {
        place = ConnectionPlace(request.target, request.tls)
        self.exchange = exchange
        super.init(descriptor, on: exchange.client.loop)
    }

    override func onWritable() {
        guard !isConnected else { return super.onWritable() }
        stopAwaitingWrite()
        isConnected = true
        exchange?.connectEnded(descriptor.connectError())
    }

    override func onDrained() { exchange?.drained(self) }

    override func onBroken() { exchange?.takesNoMore() }

    override func onReadable() {
        guard let exchange else { return idleBecameReadable() }
        exchange.becameReadable(self)
    }

    /// The server has closed the idle connection, or says what nobody asked for. What TLS says for
    /// itself, such as a ticket, is neither.
    private func idleBecameReadable() {
        if let keeper, case .wouldBlock = receive(into: keeper.buffer) { return }
        discard()
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
    /// Idle connections to one place; one more is closed in place of being kept.
    private static let perPlaceMax = 128
    /// How long one is kept idle: shorter than servers keep theirs (60 s and more), so that few
    /// requests meet a connection that is just being closed.
    private static let idleTimeout = Duration.seconds(30)

    private var idle: [ConnectionPlace: [HTTPClientConnection]] = [:]
    /// Where what comes on an idle connection is read to.
    let buffer: ReceiveBuffer

    init(receivingInto buffer: ReceiveBuffer) { self.buffer = buffer }

    /// The one used last, which is the least likely to have been closed meanwhile; nil for none.
    func take(_ place: ConnectionPlace) -> HTTPClientConnection? {
        idle[place]?.popLast()
    }

    func keep(_ connection: HTTPClientConnection) {
        guard idle[connection.place, default: []].count < Self.perPlaceMax else {
            return connection.close()
        }
        let deadline = connection.loop.nowNanoseconds + Self.idleTimeout.wholeNanoseconds
        connection.becomeIdle(among: self, until: deadline)
        idle[connection.place, default: []].append(connection)
    }

    func forget(_ connection: HTTPClientConnection) {
        idle[connection.place]?.removeAll { $0 === connection }
        if idle[connection.place]?.isEmpty == true { idle[connection.place] = nil }
    }

    func closeAll() {
        for connection in idle.values.joined() { connection.close() }
        idle = [:]
    }

    var count: Int { idle.values.reduce(0) { $0 + $1.count } }
}
