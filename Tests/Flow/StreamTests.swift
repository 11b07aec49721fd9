// Streams, which end when Fairlead says so and not when their sides do.

internal import Glibc
internal import Synchronization
internal import TestSupport
import Testing

extension Flow {
    // Goal: a stream whose time is over ends in a way that its client understands, and not together
    // with all others. Method: WebSockets to a backend that never ends one, by the running program.
    @Suite struct Streams {
        /// A close frame with code 1001, "going away".
        private static let goodbye: [UInt8] = [0x88, 0x02, 0x03, 0xE9]
        /// A frame of text.
        private static let hello: [UInt8] = [0x81, 0x02, 0x68, 0x69]

        /// A backend that switches to WebSocket, says `hello` and nothing more; a check of
        /// `/health` finds it well as long as `isWell`.
        private func backend(_ isWell: Flag = Flag(true)) throws -> ScriptedBackend {
            try ScriptedBackend { socket, _ in
                while let head = try socket.receive(through: "\r\n\r\n") {
                    if head.hasPrefix("GET /health ") {
                        let status = isWell.isSet ? "200 OK" : "500 Ill"
                        try socket.send("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n")
                        continue
                    }
                    try socket.send(
                        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                            + "Upgrade: websocket\r\n\r\n")
                    try socket.send(Self.hello)
                    _ = try socket.receiveToEnd()
                    return
                }
            }
        }

        /// A WebSocket over which `hello` has come.
        private func open(_ fairlead: Fairlead) throws -> RawSocket {
            let client = try RawSocket(port: fairlead.port)
            try client.send(
                "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: "
                    + "websocket\r\n\r\n"
            )
            let head = try #require(try client.receive(through: "\r\n\r\n"))
            #expect(head.hasPrefix("HTTP/1.1 101 "), "\(head)")
            #expect(try client.receive(exactly: 4) == Self.hello)
            return client
        }

        @Test(arguments: ["end", "keep"])
        func `streams of a backend that is evicted end, or go on, as when-down says`(rule: String)
            throws
        {
            try withStage { stage in
                let isWell = Flag(true)
                let ill = stage.hold(try backend(isWell))
                let folder = stage.hold(try TemporaryFolder())
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    services:
                      web:
                        backends: ["127.0.0.1:\(ill.port)"]
                        when-down: \(rule)
                        check: {path: /health, interval: 100ms, rise: 1, fall: 1}
                    listeners: [{listen: "127.0.0.1:\(try FreePort.take())", service: web}]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 1)
                let client = try open(fairlead)
                isWell.set(false)
                try fairlead.waitForBackends(up: 0)
                if rule == "end" {
                    // Without an error: it ends by FIN.
                    #expect(try client.receiveToEnd() == Self.goodbye)
                } else {
                    // For longer than streams have to end.
                    #expect(!client.hasMore(within: 3000))
                }
            }
        }

        @Test func `the streams of a backend that drains end one by one before its limit`() throws {
            try withStage { stage in
                let backends = try (0..<2).map { _ in stage.hold(try backend()) }
                let fairlead = try stage.fairlead(
                    [
                        "--backend", "127.0.0.1:\(backends[0].port)",
                        "--backend", "127.0.0.1:\(backends[1].port)",
                    ], environment: ["FAIRLEAD_DRAIN_LIMIT": "9s"])
                try fairlead.waitForBackends(up: 2)
                let clients = try (0..<40).map { _ in try open(fairlead) }
                let key = try fairlead.key(of: backends[0].port)
                #expect(try fairlead.post("/backends/\(key)/drain").status == 200)
                // How many had ended at each look: one instant for all would leave nothing between.
                var seen: Set<Int> = []
                try waitFor("the streams of one backend to end") { () -> Void? in
                    let ended = clients.count { $0.hasMore(within: 0) }
                    seen.insert(ended)
                    return ended == 20 ? () : nil
                }
                #expect(seen.count > 5, "\(seen.sorted())")
                for client in clients where client.hasMore(within: 0) {
                    #expect(try client.receiveToEnd() == Self.goodbye)
                }
                // Those of the other one are still there.
                #expect(clients.count { $0.hasMore(within: 0) } == 20)
            }
        }

        @Test func `a stop says goodbye to WebSockets within its time`() throws {
            try withStage { stage in
                let backend = stage.hold(try backend())
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(backend.port)"],
                    environment: ["FAIRLEAD_STOP_TIMEOUT": "6s"])
                try fairlead.waitForBackends(up: 1)
                let clients = try (0..<5).map { _ in try open(fairlead) }
                fairlead.process.signal(SIGTERM)
                for client in clients { #expect(try client.receiveToEnd() == Self.goodbye) }
                #expect(try fairlead.process.waitForExit() == .status(0))
            }
        }
    }
}

/// A truth that one thread tells another.
private final class Flag: Sendable {
    private let value: Atomic<Bool>

    init(_ value: Bool) { self.value = Atomic(value) }

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set(_ new: Bool) { value.store(new, ordering: .releasing) }
}
