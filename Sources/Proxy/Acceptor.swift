// Acceptor: one worker's listening socket of one listener.

internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
internal import Routing
internal import Stats

/// A listener as one worker sees it. Worker thread only.
final class WorkerListener {
    let options: ListenerOptions
    let counters: ListenerCounters
    /// The service of what no route is for; nil for none.
    let pool: BackendPool?
    /// All of the worker's, by the numbers of their services.
    let pools: [BackendPool]
    /// Nil when all requests go to one service.
    let routes: RouteTable?
    /// Its name, for the access log.
    let nameBytes: [UInt8]
    /// Reused for every request head of this listener; never holds one across callbacks.
    var requestHead: RequestHead
    /// The same for response heads.
    var responseHead: ResponseHead
    private var forwarding: Forwarding
    private var forwardedAddress: IPAddress?

    // In nanoseconds, as deadlines are.
    let headTimeout: UInt64
    let idleTimeout: UInt64
    let stallTimeout: UInt64
    let tunnelTimeout: UInt64
    /// Nil is no limit.
    let tunnelMax: UInt64?
    /// The same.
    let requestTimeout: UInt64?

    /// - Parameter port: where it listens, also when the kernel chose.
    init(
        options: ListenerOptions, port: UInt16, counters: ListenerCounters, pools: [BackendPool]
    ) {
        self.options = options
        self.counters = counters
        self.pools = pools
        pool = options.service.map { pools[$0.index] }
        routes = options.routes
        nameBytes = Array(options.name.utf8)
        requestHead = RequestHead(limits: options.headLimits)
        responseHead = ResponseHead(limits: options.headLimits)
        forwarding = Forwarding(policy: options.forwarding, port: port)
        headTimeout = options.timeouts.head.wholeNanoseconds
        idleTimeout = options.timeouts.idle.wholeNanoseconds
        stallTimeout = options.timeouts.stall.wholeNanoseconds
        tunnelTimeout = options.timeouts.tunnel.wholeNanoseconds
        tunnelMax = options.timeouts.tunnelMax?.wholeNanoseconds
        requestTimeout = options.timeouts.request?.wholeNanoseconds
    }
}

extension WorkerListener {
    /// Makes the client at `address` the one that the next backend is told of.
    private func setForwarded(_ address: IPAddress) {
        guard address != forwardedAddress else { return }
        forwardedAddress = address
        forwarding.setClient(
            isTrusted: options.trustedProxies.contains { $0.contains(address) }
        ) { address.appendText(to: &$0) }
    }

    /// Appends the head that a backend gets for a request of the client at `address`.
    func writeHead(
        _ head: borrowing RequestHead, from bytes: Span<UInt8>, of address: IPAddress,
        requestID: RequestID?, route: Route?, passingUpgrade: Bool, into out: SendBuffer
    ) {
        setForwarded(address)
        let room = head.writtenBytesMax(
            forwarding: forwarding, rewrite: route?.rewrite, edits: route?.requestEdits)
        out.append(room: room) { out in
            head.write(
                from: bytes, forwarding: forwarding, requestID: requestID,
                maxForwards: head.maxForwards.map { $0 - 1 }, rewrite: route?.rewrite,
                edits: route?.requestEdits, passingUpgrade: passingUpgrade, into: &out)
        }
    }
}

/// Accepts connections and hands each to what its listener speaks. Worker thread only.
final class Acceptor: Channel {
    private let worker: Worker
    private let listener: WorkerListener
    /// Connections taken before others get their turn; more are waiting for the next batch.
    private static let batchMax = 16
    /// How long to wait when none can be accepted, for want of descriptors most likely: readiness
    /// stays, and would spin.
    private static let pauseNanoseconds: UInt64 = 100_000_000

    init(_ descriptor: Descriptor, worker: Worker, listener: WorkerListener) {
        self.worker = worker
        self.listener = listener
        super.init(descriptor, on: worker.loop)
        startReading()
    }

    override func onReadable() {
        accept(atMost: Self.batchMax)
    }

    override func onDeadline() {
        startReading()
    }

    /// Takes what has connected already, then stops listening: the kernel would reset it.
    func closeGracefully() {
        accept(atMost: .max)
        close()
    }

    private func accept(atMost limit: Int) {
        for _ in 0..<limit {
            switch descriptor.accept() {
            case .connection(let descriptor, let peer):
                take(descriptor, from: peer)
            case .wouldBlock:
                return
            case .failed:
                listener.counters.acceptErrors.add()
                stopReading()
                deadlineNanoseconds = loop.nowNanoseconds + Self.pauseNanoseconds
                return
            }
        }
    }

    private func take(_ descriptor: Descriptor, from peer: Endpoint) {
        listener.counters.accepted.add()
        guard listener.counters.open.current < listener.options.connectionsMax else {
            listener.counters.refused.add()
            descriptor.close()
            return
        }
        listener.counters.open.add()
        switch listener.options.mode {
        case .http:
            worker.add(
                ClientConnection(descriptor, from: peer.address, worker: worker, listener: listener)
            )
        case .tcp:
            guard let pool = listener.pool else {
                preconditionFailure("a TCP listener has a service")
            }
            let relay = TCPRelay(
                descriptor, from: peer.address, for: pool, worker: worker,
                listener: listener)
            worker.add(relay)
            relay.start()
        }
    }
}
