// Goal: CONNECT gets a tunnel when the listener allows it and a backend grants it, and nothing of
// what a client sends into one is ever read as a request. Method: backends that grant, refuse and
// break off, and bytes both ways.

import Backends
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct ConnectTests {
    private static let request = "CONNECT db.test:443 HTTP/1.1\r\nHost: db.test:443\r\n\r\n"
    /// Bytes that a client may send too early, and that must never be read as a request.
    private static let smuggled = "GET /admin HTTP/1.1\r\nHost: a.test\r\n\r\n"

    private func withConnect(
        _ ports: [UInt16], _ configure: (inout ProxyOptions) -> Void = { _ in },
        _ body: (RunningProxy) throws -> Void
    ) throws {
        try withProxy(ports) { options in
            options.listeners[0].policy.allowsConnect = true
            configure(&options)
        } _: {
            try body($0)
        }
    }

    @Test(
        "a 2xx opens the tunnel, whatever framing it claims",
        arguments: [
            "HTTP/1.1 200 Connection established\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
            "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n",
            "HTTP/1.1 299 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n",
            "HTTP/1.0 200 OK\r\nConnection: close\r\nKeep-Alive: 1\r\n",
        ])
    func tunnel(head: String) throws {
        let backend = try Backend.echoing(behind: "\(head)X-Kept: 1\r\n\r\nhello")
        try withConnect([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(Self.request)
            let status = head.split(separator: "\r\n")[0].dropFirst("HTTP/1.x".count)
            #expect(
                try client.receive(through: "\r\n\r\n")
                    == "HTTP/1.1\(status)\r\nX-Kept: 1\r\n\r\n")
            #expect(try client.receive(exactly: 5) == Array("hello".utf8))
            try client.send("\u{0}\u{1}frames")
            #expect(try client.receive(exactly: 8) == Array("\u{0}\u{1}frames".utf8))
            let lines = backend.requests[0].lines
            #expect(lines[0] == "CONNECT db.test:443 HTTP/1.1")
            #expect(backend.requests[0].values("host") == ["db.test:443"])
            #expect(proxy.service[.upgrades] == 1)
            #expect(proxy.service[.responses2xx] == 1)
            client.endSending()
            #expect(try client.receiveToEnd() == ([], .end))
        }
    }

    @Test("bytes that the client sends before the tunnel exists wait for it")
    func early() throws {
        let backend = try Backend.echoing(behind: "HTTP/1.1 200 OK\r\n\r\n")
        try withConnect([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(Self.request + Self.smuggled)
            #expect(try client.receive(through: "\r\n\r\n") == "HTTP/1.1 200 OK\r\n\r\n")
            let echoed = try client.receive(exactly: Self.smuggled.utf8.count)
            #expect(echoed == Array(Self.smuggled.utf8))
            #expect(proxy.service[.requests] == 1)
        }
    }

    @Test(
        "any other answer is an ordinary one, and the connection's last",
        arguments: [
            response("no", "403 Forbidden"), response("", "302 Found", "Location: /x\r\n"),
            response("ask", "407 Proxy Authentication Required"),
        ], ["", smuggled])
    func declined(answer: String, early: String) throws {
        let backend = try Backend.replying(answer)
        try withConnect([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(Self.request + early)
            let declined = try client.receiveResponse()
            #expect(answer.contains(" \(declined.status) "))
            #expect(declined.value("connection") == "close")
            #expect(try client.receiveToEnd().bytes.isEmpty)
            #expect(backend.requests.count == 1)
            #expect(proxy.service[.requests] == 1 && proxy.service[.upgrades] == 0)
        }
    }

    @Test("a switch of protocols is no answer to CONNECT")
    func upgraded() throws {
        let backend = try Backend.echoing(
            behind:
                "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        try withConnect([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: upgrade\r\n"
                    + "Upgrade: websocket\r\n\r\n")
            #expect(try client.receiveResponse().status == 502)
            #expect(backend.requests[0].value("upgrade") == nil)
        }
    }

    @Test("CONNECT is never sent twice, but a dial for it may be repeated")
    func retries() throws {
        let silent = try Backend { wire, backend in _ = try backend.next(wire) }
        let other = try Backend.echoing(behind: "HTTP/1.1 200 OK\r\n\r\n")
        try withConnect([silent.port, other.port]) { proxy in
            let client = try proxy.connect()
            try client.send(Self.request)
            #expect(try client.receiveResponse().status == 502)
            #expect(other.connections == 0)
            #expect(try client.receiveToEnd().bytes.isEmpty)
        }
        silent.stopListening()
        try withConnect([silent.port, other.port]) { proxy in
            try waitUntil("the first backend refuses connections") {
                (try? Wire(to: silent.port)) == nil
            }
            let client = try proxy.connect()
            try client.send(Self.request)
            #expect(try client.receive(through: "\r\n\r\n") == "HTTP/1.1 200 OK\r\n\r\n")
        }
    }

    @Test("a listener refuses CONNECT unless configured otherwise")
    func refused() throws {
        let backend = try Backend.replying(response())
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(Self.request + Self.smuggled)
            #expect(try client.receiveResponse().status == 400)
            #expect(try client.receiveToEnd().bytes.isEmpty)
            #expect(backend.connections == 0)
        }
    }

    @Test(
        "CONNECT is routed by the host of its authority; a fixed 2xx would be a tunnel to nowhere",
        arguments: [
            ("db.test:1", "HTTP/1.1 200 OK\r\n"), ("ok.test:1", "HTTP/1.1 400 "),
            ("no.test:1", "HTTP/1.1 403 "), ("path.test:1", "HTTP/1.1 404 "),
        ])
    func routed(authority: String, answer: String) throws {
        let backend = try Backend.echoing(behind: "HTTP/1.1 200 OK\r\n\r\n")
        func rule(_ action: RouteAction, _ host: String, _ path: PathPattern) -> RouteRule {
            var rule = RouteRule(action)
            rule.host = .exact(host)
            rule.path = path
            return rule
        }
        let service = ServiceID(index: 0)
        func fixed(_ status: Int) -> RouteAction {
            .respond(FixedResponse(status: status, contentType: "text/plain", body: []))
        }
        try withConnect([backend.port]) { options in
            options.listeners[0].service = nil
            options.listeners[0].routes = RouteTable([
                rule(.forward(service, prefix: nil), "db.test", .prefix("/")),
                rule(fixed(200), "ok.test", .any), rule(fixed(403), "no.test", .any),
                rule(.forward(service, prefix: nil), "path.test", .prefix("/a")),
                rule(.forward(service, prefix: nil), "path.test", .exact("/")),
            ])
        } _: { proxy in
            let client = try proxy.connect()
            try client.send("CONNECT \(authority) HTTP/1.1\r\nHost: other.test\r\n\r\n")
            #expect(try client.receive(through: "\r\n\r\n")?.hasPrefix(answer) == true)
            #expect(backend.requests.count == (answer.contains("200") ? 1 : 0))
        }
    }
}
