// RunningPlane: the program as it runs, without its process: a control thread with its workers and
// real sockets. Tests do everything on its control thread.

import Configuration
import DNSWire
import Demo
import Endpoints
import Events
import Locking
import TestSupport
import Testing

@testable import Control

/// A running control plane. Any thread.
final class RunningPlane: Sendable {
    typealias Work = @Sendable (ControlPlane) -> Void

    private let mailbox: Mailbox<Work>
    private let thread: LoopThread
    /// Where its listeners are.
    let ports: [UInt16]

    /// Runs `configuration`, which was made of `origin` if that can be read again; it serves when
    /// this returns.
    init(_ configuration: Configuration, origin: ConfigurationOrigin? = nil) throws {
        let mailbox = try Mailbox<Work>()
        let started = Locked<Result<[UInt16], any Error>?>(nil)
        thread = try LoopThread(name: "control") {
            do {
                let plane = try ControlPlane(configuration, from: origin)
                let reader = try MailboxReader(mailbox, on: plane.loop) { $0(plane) }
                try plane.start()
                started.withLock { $0 = .success(plane.listenerEndpoints.map(\.port)) }
                plane.serve()
                reader.close()
                plane.loop.runOnce()
            } catch {
                started.withLock { $0 = .failure(error) }
            }
        }
        self.mailbox = mailbox
        try waitUntil("the program runs") { started.withLock { $0 != nil } }
        ports = try started.withLock { $0 }?.get() ?? []
    }

    /// Does `work` on the control thread, and returns what it returned.
    func perform<Value: Sendable>(
        _ work: @escaping @Sendable (ControlPlane) throws -> Value
    ) throws -> Value {
        let done = Locked<Result<Value, any Error>?>(nil)
        mailbox.post { plane in
            let result = Result { try work(plane) }
            done.withLock { $0 = result }
        }
        try waitUntil("the control thread has done its work") { done.withLock { $0 != nil } }
        guard let result = done.withLock({ $0 }) else { throw TestSupportError("not done") }
        return try result.get()
    }

    /// Waits until `condition` holds on the control thread.
    func wait(
        until what: String, _ condition: @escaping @Sendable (ControlPlane) -> Bool
    ) throws {
        try waitUntil(what) { (try? perform(condition)) ?? false }
    }

    /// Makes the configuration in `text` the running one.
    @discardableResult
    func apply(
        _ text: String, adding documents: [(key: String, text: String)] = []
    ) throws -> ConfigurationChange {
        let new = try configuration(text, adding: documents)
        return try perform { try $0.running.apply(new) }
    }

    /// A client's connection to the first listener.
    func connect() throws -> Wire { try Wire(to: ports.first ?? 0) }

    /// Drains and ends it.
    func stop() {
        mailbox.post { $0.drain() }
        thread.join()
    }
}

/// Runs `body` with the program of the configuration in `text`.
func withPlane(_ text: String, _ body: (RunningPlane) throws -> Void) throws {
    let plane = try RunningPlane(configuration(text))
    defer { plane.stop() }
    try body(plane)
}

extension Wire {
    /// Asks for `path`; returns the response's status and its body, without line ends.
    func ask(_ path: String = "/") throws -> (status: Int, body: String) {
        try send("GET \(path) HTTP/1.1\r\nHost: a.test\r\n\r\n")
        return try readResponse()
    }

    /// Receives a response with a length.
    func readResponse() throws -> (status: Int, body: String) {
        guard let head = try receive(through: "\r\n\r\n") else {
            throw TestSupportError("no response")
        }
        let lines = head.lowercased().split(separator: "\r\n")
        let status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
        let length = lines.first { $0.hasPrefix("content-length: ") }?.dropFirst(16)
        let body = try receive(exactly: length.flatMap { Int($0) } ?? 0)
        return (status, String(decoding: body.filter { $0 != 0x0A }, as: UTF8.self))
    }
}

/// A nameserver of the zone `test` on a thread of its own. Any thread.
final class Nameserver: Sendable {
    private let mailbox: Mailbox<@Sendable (DiscoveryServer, EventLoop) -> Void>
    private let thread: LoopThread
    /// Where it answers.
    let endpoint: Endpoint

    /// One that names nothing.
    init() throws {
        let mailbox = try Mailbox<@Sendable (DiscoveryServer, EventLoop) -> Void>()
        let started = Locked<Endpoint?>(nil)
        let origin = try DomainName("test")
        thread = try LoopThread(name: "dns") {
            let loop = EventLoop()
            guard
                let server = try? DiscoveryServer(
                    Zone(origin: origin), on: Endpoint(.loopback, 0), loop),
                let reader = try? MailboxReader(mailbox, on: loop, receive: { $0(server, loop) })
            else { return }
            started.withLock { $0 = server.endpoint }
            loop.run()
            server.close()
            reader.close()
            loop.runOnce()
        }
        self.mailbox = mailbox
        try waitUntil("the nameserver runs") { started.withLock { $0 != nil } }
        endpoint = started.withLock { $0 } ?? Endpoint(.loopback, 0)
    }

    /// Names an instance of the loopback, for the SRV name `service`.
    func add(_ port: UInt16, of service: String) throws {
        let (name, target) = (try DomainName(service), try DomainName("host.test"))
        mailbox.post { server, _ in
            server.zone.add(
                ResourceRecord(
                    name, ttlSeconds: 0,
                    .srv(.init(priority: 0, weight: 1, port: port, target: target))))
            server.zone.add(ResourceRecord(target, ttlSeconds: 0, .address(.loopback)))
        }
    }

    /// Ends it.
    func stop() {
        mailbox.post { _, loop in loop.stop() }
        thread.join()
    }
}
