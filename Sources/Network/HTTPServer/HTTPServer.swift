// HTTPServer: HTTP/1.1 for the control plane: the admin port, and small servers for demonstrations
// and tests. Not the data plane's: it favours being short and bounded over being fast.
//
// What is bounded, and where: connections (here; when there are as many as may be, an idle one or
// the oldest request that is not complete makes room, and vital paths have places of their own),
// heads, bodies and times (HTTPServerOptions), one request at a time per connection, so that
// answers are in order and output never piles up.

package import Endpoints
package import Events
internal import HTTP1
package import TLS

/// A listening socket and its connections, kept by the loop until `close()` or `drain()`. Loop
/// thread only.
package final class HTTPServer {
    /// Answers one request: sooner or later, through the reply, once. It runs on the loop and may
    /// not block.
    package typealias Handler = (HTTPServerRequest, HTTPServerReply) -> Void

    let loop: EventLoop
    private let listening: ListeningChannel
    /// What new clients are shown; nil where TLS is not spoken.
    package var certificates: ServerNames?
    private lazy var tlsTransport = TLSTransport()
    /// Where it listens; the port is the one that the kernel chose if 0 was asked for.
    package let endpoint: Endpoint
    let options: HTTPServerOptions
    let handler: Handler
    /// One for all connections: each uses it only while it handles a readiness.
    let buffer = ReceiveBuffer(capacity: 16 * 1024)
    private var connections: [HTTPServerConnection] = []
    /// Connections that are being ended, the oldest first.
    private var leaving: [ClosingConnection] = []
    /// Whether `drain()` was called: responses end their connections from then on.
    private(set) var isDraining = false
    /// Called once when no connection is left; nil before `end` and after the call.
    private var onEnded: (() -> Void)?
    /// Runs from `end` until it is over.
    private var endTimer: Timer?

    /// Listens on `endpoint` and answers with `handler` until `close()` or `drain()`; on
    /// `inherited`, if that is there: another process opened it on that address.
    ///
    /// With `certificates` it speaks TLS, and nothing else.
    ///
    /// - Throws: `Errno`: the address is in use, not local, or not permitted.
    package init(
        on endpoint: Endpoint, inherited: Descriptor? = nil, loop: EventLoop,
        certificates: ServerNames? = nil, options: HTTPServerOptions = HTTPServerOptions(),
        handler: @escaping Handler
    ) throws(Errno) {
        let descriptor: Descriptor
        if let inherited {
            descriptor = inherited
        } else {
            descriptor = try Socket.listen(on: endpoint, backlog: 128, isShared: false)
        }
        self.endpoint = descriptor.localEndpoint ?? endpoint
        self.loop = loop
        self.certificates = certificates
        self.options = options
        self.handler = handler
        listening = ListeningChannel(descriptor, on: loop)
        listening.start { [self] in accept($0, from: $1) }
    }

    /// A server whose handler has every answer at hand.
    package convenience init(
        on endpoint: Endpoint, inherited: Descriptor? = nil, loop: EventLoop,
        options: HTTPServerOptions = HTTPServerOptions(),
        answering answer: @escaping (HTTPServerRequest) -> HTTPServerResponse
    ) throws(Errno) {
        try self.init(
            on: endpoint, inherited: inherited, loop: loop, options: options
        ) { request, reply in
            reply.send(answer(request))
        }
    }

    /// How many connections are open.
    package var connectionCount: Int { connections.count + leaving.count }

    /// The listening socket, for a process that is to go on with it; invalid once the server has
    /// been closed or drained.
    package var descriptor: Descriptor { listening.descriptor }

    private func accept(_ accepted: Descriptor, from peer: Endpoint) {
        if connectionCount >= options.connectionsMax { makeRoom() }
        let count = connectionCount
        // All are busy, and so are those that serve vital paths alone.
        guard count < options.connectionsMax + options.reservedMax else { return accepted.close() }
        let layer = certificates.map { TLSLayer(server: $0, tlsTransport) }
        let connection = HTTPServerConnection(
            Handoff(accepted, layer: layer), from: peer, of: self,
            isReserved: count >= options.connectionsMax)
        connections.append(connection)
        connection.start()
    }

    /// Closes a connection that is over and whose client has everything; if there is none, the one
    /// that waits longest between two requests, or else the one whose request has been incomplete
    /// for longest, since one that is sent without a pause is complete at once.
    private func makeRoom() {
        if let done = leaving.first(where: \.isDelivered) { return done.close() }
        let idle = connections.filter(\.isIdle).min { $0.idleSince < $1.idleSince }
        if let idle { return idle.close() }
        let slow = connections.filter { $0.incompleteSince != nil }
        slow.min { $0.incompleteSince ?? .max < $1.incompleteSince ?? .max }?.close()
    }

    /// `connection` is closed.
    func forget(_ connection: HTTPServerConnection) {
        connections.removeAll { $0 === connection }
        endIfEmpty()
    }

    /// Ends `connection` once its client has everything; the connection goes on by `channel` if
    /// that is given.
    func end(_ connection: HTTPServerConnection, by channel: StreamChannel? = nil) {
        connections.removeAll { $0 === connection }
        let last = ClosingConnection(
            channel ?? connection, .end,
            limits: ClosingLimits(
                stall: options.responseTimeout.wholeNanoseconds,
                linger: options.lingerTimeout.wholeNanoseconds),
            dropping: buffer)
        last.onClosed = { [self, unowned last] in
            leaving.removeAll { $0 === last }
            endIfEmpty()
        }
        leaving.append(last)
        last.begin()
    }

    // MARK: - Stopping

    /// Accepts what has connected already and stops listening. Each connection is closed after the
    /// response that it is about; one that is about none after the response to its next request, or
    /// when that does not come soon (`HTTPServerOptions`). `connectionCount` falls to 0; `close()`
    /// then has nothing left to do.
    package func drain() {
        guard !isDraining else { return }
        isDraining = true
        listening.closeAtOnce()
        for connection in connections { connection.drain() }
    }

    /// Drains, and calls `completion` once when no connection is left; those that are left after
    /// `limit` are closed. Call it once.
    package func end(within limit: Duration, then completion: @escaping () -> Void) {
        drain()
        onEnded = completion
        endTimer = Timer(on: loop) { [unowned self] in close() }
        endTimer?.schedule(after: limit)
        endIfEmpty()
    }

    private func endIfEmpty() {
        guard connectionCount == 0, let onEnded else { return }
        self.onEnded = nil
        endTimer = nil
        onEnded()
    }

    /// Stops listening and closes every connection, whatever it is about.
    package func close() {
        listening.close()
        for connection in connections { connection.close() }
        for connection in leaving { connection.giveUp() }
    }
}

/// The bounds of a server. Any thread.
package struct HTTPServerOptions: Sendable {
    /// Connections open at once; at least 1.
    package var connectionsMax = 64
    /// Connections beyond these, on which nothing but vital paths is answered.
    package var reservedMax = 0
    /// Whether a path, as it was sent, is vital: a supervisor asks for it, and restarts a process
    /// that does not answer.
    package var isVital: @Sendable (String) -> Bool = { _ in false }
    /// Bytes of a request's head; more is 431, or 414 when it is the request line.
    package var headBytesMax = 8 * 1024
    /// Bytes of a request's body; more is 413.
    package var bodyBytesMax = 64 * 1024
    /// From a request's first byte to the end of its head, and again to the end of its body; more
    /// is 408.
    package var requestTimeout = Duration.seconds(5)
    /// How long a connection may wait for its next request.
    package var idleTimeout = Duration.seconds(30)
    /// How long a connection that was never asked waits for its request once the server drains: its
    /// client, which has connected a moment before, is about to ask.
    package var firstRequestGrace = Duration.seconds(1)
    /// How long a connection that was asked before waits for its next request once the server
    /// drains: the request may be on its way.
    package var nextRequestGrace = Duration.milliseconds(250)
    /// How long a client may take nothing of a response.
    package var responseTimeout = Duration.seconds(30)
    /// How long a client may take to close its side once it has our last response: closing at once
    /// could destroy the response on its way (RFC 9112 section 9.6).
    package var lingerTimeout = Duration.seconds(1)

    /// What is answered to a request that is none, by its status and a sentence about what is
    /// wrong.
    package var refusal: @Sendable (Int, String) -> HTTPServerResponse = {
        HTTPServerResponse(status: $0, text: $1)
    }

    /// Bytes of a stream that a client may leave untaken, at most `StreamChannel.keptMax`; with
    /// more it is cut off.
    package var streamBytesMax = 256 * 1024
    /// How long a client may take nothing of a stream that has something for it.
    package var streamStallTimeout = Duration.seconds(10)

    /// The defaults above.
    package init() {}
}
