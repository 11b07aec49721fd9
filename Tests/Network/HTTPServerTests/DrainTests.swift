// Goal: a server that ends answers everybody who connected before, and waits for nobody longer than
// it says. Method: clients at each stage of a connection, on a loop turned by the test.

import Endpoints
import Events
import HTTPServer
import Testing

@Suite struct DrainTests {
    private let loop = EventLoop()

    private func turn(until condition: () -> Bool) {
        // So that a turn ends though nothing comes.
        let beat = Timer(on: loop) {}
        for _ in 0..<20_000 where !condition() {
            beat.schedule(after: .milliseconds(5))
            loop.runOnce(waiting: true)
        }
        beat.cancel()
        #expect(condition())
    }

    /// A server that answers with the path it was asked for.
    private func server(grace: Duration = .seconds(1)) throws -> HTTPServer {
        var options = HTTPServerOptions()
        options.lingerTimeout = .milliseconds(100)
        options.firstRequestGrace = grace
        return try HTTPServer(on: Endpoint(.loopback, 0), loop: loop, options: options) {
            HTTPServerResponse(status: 200, text: "asked for \($0.path)")
        }
    }

    @Test("draining closes idle connections soon and busy ones after their answer")
    func drain() throws {
        var replies: [HTTPServerReply] = []
        let server = try HTTPServer(on: Endpoint(.loopback, 0), loop: loop) { _, reply in
            replies.append(reply)
        }
        let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        let idle = try RawClient(request, to: server.endpoint, on: loop)
        let busy = try RawClient(request, to: server.endpoint, on: loop)
        turn { replies.count == 2 }
        replies.removeFirst().send(HTTPServerResponse(status: 200, text: "first"))
        turn { idle.text.hasSuffix("first\n") || busy.text.hasSuffix("first\n") }
        let (kept, waiting) = idle.text.isEmpty ? (busy, idle) : (idle, busy)
        server.drain()
        turn { kept.hasEnded }
        #expect(server.connectionCount == 1 && !waiting.hasEnded)
        replies[0].send(HTTPServerResponse(status: 200, text: "last"))
        turn { waiting.hasEnded }
        #expect(waiting.text.contains("\r\nConnection: close\r\n"))
        #expect(waiting.text.hasSuffix("last\n"))
        kept.close()
        waiting.close()
        turn { server.connectionCount == 0 }
        server.close()
    }

    @Test("a client that connected before the end is answered, accepted or not, asked or not")
    func drainAnswers() throws {
        let server = try self.server()
        let request = "GET /late HTTP/1.1\r\nHost: h\r\n\r\n"
        let kept = try RawClient(request, to: server.endpoint, on: loop)
        turn { kept.text.contains("/late") }
        let accepted = try RawClient("", to: server.endpoint, on: loop)
        turn { server.connectionCount == 2 }
        // The kernel has connected it; the loop has not turned since.
        let waiting = try RawClient("", to: server.endpoint, on: loop)
        var hasEnded = false
        server.end(within: .seconds(20)) { hasEnded = true }
        let clients = [kept, accepted, waiting]
        for client in clients { client.send(request) }
        turn { clients.allSatisfy(\.hasEnded) }
        for client in clients {
            #expect(client.text.contains("\r\nConnection: close\r\n"), "\(client.text)")
            #expect(client.text.contains("asked for /late"), "\(client.text)")
            #expect(!hasEnded)
            client.close()
        }
        turn { hasEnded }
        #expect(server.connectionCount == 0)
    }

    @Test("a client that says nothing holds up the end for a second, or up to the limit")
    func drainLimits() throws {
        // The other of the two would end the test late, by the limit of `turn`.
        for (limit, grace) in [
            (Duration.seconds(600), Duration.milliseconds(600)),
            (.milliseconds(100), .seconds(600)),
        ] {
            let server = try server(grace: grace)
            let silent = try RawClient("", to: server.endpoint, on: loop)
            turn { server.connectionCount == 1 }
            let start = loop.nowNanoseconds
            var hasEnded = false
            server.end(within: limit) { hasEnded = true }
            turn { hasEnded }
            let took = Duration.nanoseconds(Int64(loop.nowNanoseconds - start))
            #expect(took > min(limit, grace) * 0.8, "\(took)")
            silent.close()
        }
        let unused = try server()
        var hasEnded = false
        unused.end(within: .seconds(20)) { hasEnded = true }
        #expect(hasEnded)
    }
}
