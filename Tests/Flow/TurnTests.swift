// What the admin port says of a backend that is up, in the rotation, and gets no requests.

internal import FoundationEssentials
internal import TestSupport
import Testing

extension Flow {
    // Goal: an operator who wonders why a backend gets nothing finds the reason where they look.
    // Method: a backend that sends heads and no bodies, whose places are held by clients that have
    // closed their sides, beside one that serves.
    @Suite struct Turns {
        private struct Service: Decodable {
            struct WithoutTurn: Decodable {
                var reason: String
                var text: String
                var seconds: Int
                var inFlight: Int
                var clientsLeft: Int
                var limit: Int?
                var requestsElsewhere: Int
            }

            struct Backend: Decodable {
                var address: String
                var inRotation: Bool
                var withoutTurn: WithoutTurn?
            }

            var backends: [Backend]
        }

        private func reason(
            of port: UInt16, _ fairlead: Fairlead
        ) throws -> Service.WithoutTurn? {
            let body = try fairlead.page("/services/web").body
            let service = try JSONDecoder().decode(Service.self, from: Data(body.utf8))
            let backend = service.backends.first { $0.address == "127.0.0.1:\(port)" }
            return try #require(backend).withoutTurn
        }

        @Test func `a backend whose places are held by clients that left says so everywhere`()
            throws
        {
            try withStage { stage in
                let gate = try Gate()
                defer { gate.open() }
                let stuck = stage.hold(
                    try ScriptedBackend { socket, _ in
                        while try socket.receive(through: "\r\n\r\n") != nil {
                            try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
                            gate.wait()
                        }
                    })
                let web = try stage.web("good")
                let folder = stage.hold(try TemporaryFolder())
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    services:
                      web:
                        backends: ["127.0.0.1:\(stuck.port)", "127.0.0.1:\(web[0].port)"]
                        limits: {backend-requests: 2}
                    listeners:
                      - listen: 127.0.0.1:\(try FreePort.take())
                        service: web
                        half-close: answer
                    workers: 1
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 2)
                // Two are held there, and close their sides.
                var held: [RawSocket] = []
                while held.count < 2 {
                    let client = try RawSocket(port: fairlead.port)
                    try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                    let head = try #require(try client.receive(through: "\r\n\r\n"))
                    guard head.contains("Content-Length: 10\r\n") else { continue }
                    client.endSending()
                    held.append(client)
                }
                let said = try waitFor("the reason") { () -> Service.WithoutTurn? in
                    _ = try get(port: fairlead.port)
                    guard let said = try reason(of: stuck.port, fairlead),
                        said.reason == "limit", said.clientsLeft == 2
                    else { return nil }
                    return said
                }
                #expect(said.inFlight == 2)
                #expect(said.limit == 2)
                #expect(said.seconds >= 5)
                #expect(said.requestsElsewhere > 0)
                #expect(
                    said.text
                        == "it is full (limits.backend-requests: 2): 2 in flight, 2 of them "
                        + "streams, 2 of clients that have left")
                #expect(try reason(of: web[0].port, fairlead) == nil)
                let top = try Fairlead.start(
                    ["top", "--once", "--admin", "127.0.0.1:\(try #require(fairlead.admin))"])
                _ = try top.waitForExit()
                #expect(top.output.contains("; no request for "))
                #expect(top.output.contains(": it is full (limits.backend-requests: 2)"))
                let explain = try Fairlead.start(["explain", "web", "--config", path])
                #expect(try explain.waitForExit() == .status(0))
                #expect(explain.output.contains("  127.0.0.1:\(stuck.port)  no request for "))
                #expect(explain.output.contains(said.text))
            }
        }
    }
}
