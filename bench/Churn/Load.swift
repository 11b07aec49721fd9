// Load: clients of one proxy, on a thread and a loop of their own. The loop is open: requests are
// sent when they are due, on a kept connection that is free or else on a new one, and none is sent
// twice.

internal import BenchSupport
internal import Endpoints
internal import Events
internal import Glibc
internal import HTTP1
internal import HTTPClient
internal import Locking

/// A load under way. Any thread.
final class Load: Sendable {
    /// How long a client waits for an answer.
    static let patience = Duration.seconds(5)
    /// Bytes of a POST's body.
    static let postBytes = 10 * 1024

    private struct State {
        var isStopping = false
        var outcome = LoadOutcome()
    }

    private let state = Locked(State())
    private let thread: LoopThread

    /// Begins at once, with so many streams held open beside the requests. POSTs carry ids that
    /// begin with `name`. The streams are requests of HTTP/1.1 in either case.
    init(
        _ schedule: Schedule, by protocol: LoadProtocol, streams: Int, on port: UInt16,
        name: String
    ) throws {
        let state = state
        thread = try LoopThread(name: name) {
            let loop = EventLoop()
            let clients = Clients(
                schedule, by: `protocol`, on: port, name: name, loop: loop)
            let held = HeldStreams(streams, on: port, loop: loop)
            clients.run { state.withLock(\.isStopping) }
            held.stop()
            state.withLock {
                $0.outcome = LoadOutcome(
                    exchanges: clients.exchanges, streams: held.streams,
                    streamsRefused: held.refusedCount,
                    latenessSeconds: Double(clients.latenessNanoseconds) / 1e9)
            }
        }
    }

    /// Sends no more from now on; what is under way ends by itself.
    func stop() {
        state.withLock { $0.isStopping = true }
    }

    /// Waits for the end. Once, after `stop()`.
    func result() -> LoadOutcome {
        thread.join()
        return state.withLock(\.outcome)
    }
}

/// What the clients of a load speak.
enum LoadProtocol: String, Codable, Sendable { case http1, http2 }

/// What became of a load.
struct LoadOutcome: Sendable {
    /// Every request that was sent, in the order of their ends.
    var exchanges: [Exchange] = []
    /// Every stream that came, those that were open at the end included.
    var streams: [HeldStream] = []
    /// Requests for a stream that brought none.
    var streamsRefused = 0
    /// By how many seconds the latest request was sent too late.
    var latenessSeconds = 0.0
}

/// The clients, on the load's thread.
private final class Clients {
    private let schedule: Schedule
    private let name: String
    private let target: Target
    private let loop: EventLoop
    private let client: HTTPClient
    /// Nil for clients of HTTP/1.1.
    private let http2: HTTP2Requests?
    private let body = [UInt8](repeating: 0x78, count: Load.postBytes)
    private var underWay = 0
    private(set) var exchanges: [Exchange] = []
    private(set) var latenessNanoseconds: UInt64 = 0

    init(
        _ schedule: Schedule, by protocol: LoadProtocol, on port: UInt16, name: String,
        loop: EventLoop
    ) {
        self.schedule = schedule
        self.name = name
        self.loop = loop
        target = .endpoint(Endpoint(.loopback, port))
        client = HTTPClient(on: loop)
        http2 = `protocol` == .http2 ? HTTP2Requests(on: port, loop: loop) : nil
        exchanges.reserveCapacity(schedule.rate * 60)
    }

    func run(until isStopping: () -> Bool) {
        let start = monotonic()
        var next = 0
        let timer = Timer(on: loop) {}
        while !isStopping() {
            let now = monotonic()
            while start + schedule.due(next) <= now {
                send(next, due: start + schedule.due(next))
                next += 1
            }
            let wait = Int64(start + schedule.due(next)) - Int64(now)
            timer.schedule(after: .nanoseconds(max(0, wait)))
            while timer.isScheduled { loop.runOnce(waiting: true) }
        }
        while underWay > 0 { loop.runOnce(waiting: true) }
        http2?.close()
    }

    private func send(_ index: Int, due: UInt64) {
        let kind = schedule.kind(index)
        let lateness = monotonic() - due
        latenessNanoseconds = max(latenessNanoseconds, lateness)
        underWay += 1
        let id = "\(name)-\(index)"
        let completion = { [unowned self] (outcome: Exchange.Outcome, instance: Int?) in
            underWay -= 1
            exchanges.append(
                Exchange(
                    kind: kind, due: due, ended: monotonic(), outcome: outcome, instance: instance))
        }
        guard let http2 else { return send(kind, id: id, completion) }
        http2.send(
            kind == .post
                ? HTTP2Request(
                    .post, fields: "\(InstanceServer.postField): \(id)\r\n", body: body,
                    completion: completion)
                : HTTP2Request(.get, completion: completion))
    }

    /// By HTTP/1.1.
    private func send(
        _ kind: Exchange.Kind, id: String,
        _ completion: @escaping (Exchange.Outcome, Int?) -> Void
    ) {
        var request = HTTPClient.Request(
            "/", from: target, deadline: Load.patience, responseBody: .upTo(65_536))
        request.keepsConnection = true
        request.retriesClosedConnection = false
        if kind == .post {
            request.method = .post
            request.body = body
            request.fields = [(InstanceServer.postField, id)]
        }
        client.send(request) {
            let (outcome, instance) = Self.read($0)
            completion(outcome, instance)
        }
    }

    private static func read(_ outcome: HTTPClient.Outcome) -> (Exchange.Outcome, Int?) {
        switch outcome {
        case .response(let response):
            (
                .status(response.status),
                response.field(InstanceServer.numberField).flatMap { Int($0) }
            )
        case .failed(.connect): (.refused, nil)
        case .failed(.timeout): (.timeout, nil)
        case .failed(.broken), .failed(.closedEarly): (.closed, nil)
        case .failed: (.malformed, nil)
        }
    }
}
