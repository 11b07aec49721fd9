// InstanceServer: an instance that goes wrong on demand, in a process of its own that can be killed
// and stopped. It answers after a while, as an application does, names itself in every answer, and
// writes down each POST before it answers, so that one executed twice is found whatever becomes of
// the process. A program of the bench and not a mode of `fairlead backend`: faults are no product.
//
// `PUT /fault/NAME`, sent past the proxies, sets what is wrong; `/health` is apart from the rest.

internal import ArgumentParser
internal import BenchSupport
internal import Endpoints
internal import Events
internal import Glibc
internal import HTTPServer

/// What is wrong with an instance.
enum Fault: String, CaseIterable, Sendable {
    /// Nothing.
    case none
    /// 500 to everything, checks included.
    case failing
    /// 500 to everything but checks.
    case failingUnnoticed
    /// Checks fail, the application works.
    case sick
}

/// The server. Loop thread only.
final class InstanceServer {
    /// The response field with the instance's number.
    static let numberField: StaticString = "x-instance"
    /// The request field with a POST's id.
    static let postField = "X-Post"
    /// Where checks ask.
    static let checkPath = "/health"
    /// Where a response goes on until somebody ends it.
    static let streamPath = "/stream"
    /// How often a stream says something: more often than proxies wait for it.
    private static let tick = Duration.milliseconds(500)

    private let number: String
    private let delay: Duration
    private let posts: Descriptor
    private let loop: EventLoop
    private var fault = Fault.none
    private var waiting: [ObjectIdentifier: Timer] = [:]
    private var server: HTTPServer?
    private var streams: [ObjectIdentifier: HTTPServerStream] = [:]
    private var ticking: Timer?

    /// - Parameters:
    ///   - idle: after how long a connection that rests is closed.
    ///   - posts: an open file that POSTs are written to, one id a line.
    init(
        _ number: Int, on endpoint: Endpoint, delay: Duration, idle: Duration, posts: Descriptor,
        loop: EventLoop
    ) throws {
        self.number = "\(number)"
        self.delay = delay
        self.posts = posts
        self.loop = loop
        var options = HTTPServerOptions()
        options.connectionsMax = 4_096
        options.idleTimeout = idle
        server = try HTTPServer(on: endpoint, loop: loop, options: options) {
            [unowned self] request, reply in answer(request, reply)
        }
    }

    /// Takes no new connections, answers what it has, and calls `completion` when that is done.
    func drain(_ completion: @escaping () -> Void) {
        server?.drain()
        let timer = Timer(on: loop) { [unowned self] in
            if server?.connectionCount == 0 { completion() } else { drain(completion) }
        }
        timer.schedule(after: .milliseconds(10))
        // Kept until it has fired.
        waiting[ObjectIdentifier(self)] = timer
    }

    private func answer(_ request: HTTPServerRequest, _ reply: HTTPServerReply) {
        if request.path == Self.checkPath {
            return reply.send(response(fault == .none || fault == .failingUnnoticed ? 200 : 503))
        }
        if request.path.hasPrefix("/fault/") {
            guard let wanted = Fault(rawValue: String(request.path.dropFirst(7))) else {
                return reply.send(response(404))
            }
            fault = wanted
            return reply.send(response(200))
        }
        if request.path == Self.streamPath { return stream(reply) }
        if let id = request.field("x-post") { write(id) }
        let status = fault == .failing || fault == .failingUnnoticed ? 500 : 200
        let timer = Timer(on: loop) { [unowned self] in
            waiting[ObjectIdentifier(reply)] = nil
            reply.send(response(status))
        }
        timer.schedule(after: delay)
        waiting[ObjectIdentifier(reply)] = timer
    }

    private func stream(_ reply: HTTPServerReply) {
        guard let stream = reply.stream(response(200)) else { return }
        streams[ObjectIdentifier(stream)] = stream
        stream.onClose = { [unowned self, unowned stream] in
            streams[ObjectIdentifier(stream)] = nil
        }
        if ticking == nil {
            ticking = Timer(on: loop) { [unowned self] in tick() }
            ticking?.schedule(after: Self.tick)
        }
    }

    private func tick() {
        for stream in streams.values { stream.send(Array("tick\n".utf8)) }
        ticking?.schedule(after: Self.tick)
    }

    private func response(_ status: Int) -> HTTPServerResponse {
        HTTPServerResponse(
            status: status, text: "instance \(number)", fields: [(Self.numberField, number)])
    }

    /// One write of a short line to a file opened for appending: whole, whoever else writes to it.
    private func write(_ id: String) {
        let line = Array("\(id)\n".utf8)
        // The array lives across the call.
        let count = unsafe Glibc.write(posts.number, line, line.count)
        precondition(count == line.count, "a POST that is not written down is not counted")
    }
}

/// `fairlead-bench-churn instance`: the program around the server.
struct InstanceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instance", abstract: "Be an instance that goes wrong on demand.",
        shouldDisplay: false)

    @Option(help: "Its number.")
    var number: Int
    @Option(help: "Where it listens.")
    var listen: String
    @Option(help: "Milliseconds before an answer.")
    var delay: Int
    @Option(help: "Seconds until a connection that rests is closed.")
    var idle: Int
    @Option(help: "The file that POSTs are written to.")
    var posts: String

    func run() throws {
        guard let endpoint = Endpoint(listen), delay >= 0, idle > 0 else {
            throw ValidationError(
                "expected an address with a port, a delay of 0 or more, and idle of 1 or more")
        }
        let file = unsafe open(posts, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw ValidationError("cannot write to \(posts)") }
        let loop = EventLoop()
        let server = try InstanceServer(
            number, on: endpoint, delay: .milliseconds(delay), idle: .seconds(idle),
            posts: Descriptor(number: file), loop: loop)
        let watch = SignalWatch(SIGTERM, on: loop) { server.drain { loop.stop() } }
        withExtendedLifetime(watch) { loop.run() }
        // What is left belongs to the process, which ends here.
        Glibc.exit(0)
    }
}
