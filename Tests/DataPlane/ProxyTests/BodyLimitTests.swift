// Goal: a request's body that is larger than it may be gets 413, at once where its head says so,
// and where it is counted before the backend has all of it; a response gets 502, or is cut so that
// no client takes it for a whole one. A route's limits go before its listener's. Method: bodies one
// byte below and above the limit, in lengths, chunks and frames.

import AccessLog
import Backends
import Endpoints
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct BodyLimitTests {
    private func withLimits(
        _ request: Int = .max, _ response: Int = .max, answering answer: String = response("x"),
        route: BodyLimits? = nil, _ body: (RunningProxy, Backend) throws -> Void
    ) throws {
        let backend = try Backend.replying(answer)
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.bodyLimits.request = request
            options.listeners[0].policy.bodyLimits.response = response
            guard let route else { return }
            var rule = RouteRule(.forward(ServiceID(index: 0), prefix: nil))
            rule.path = .prefix("/route")
            rule.bodyLimits = route
            options.listeners[0].routes = RouteTable([rule])
        } _: { proxy in
            try body(proxy, backend)
        }
    }

    private func post(_ path: String, length: Int) -> String {
        "POST \(path) HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(length)\r\n\r\n"
    }

    @Test("a length beyond the limit is 413 before the body comes, and no backend hears of it")
    func length() throws {
        try withLimits(10) { proxy, backend in
            let client = try proxy.connect()
            try client.send(post("/", length: 10) + "0123456789")
            #expect(try client.receiveResponse().status == 200)
            try client.send(
                "POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 11"
                    + "\r\n\r\n")
            let refused = try client.receiveResponse()
            #expect(refused.status == 413 && refused.value("connection") == "close")
            #expect(refused.text == "The request's body is larger than may be sent here.\n")
            #expect(proxy.listener[.oversizedRequests] == 1)
            #expect(backend.requests.count == 1)
            #expect(proxy.service[.requests] == 1)
        }
    }

    @Test("chunks are counted without their framing, in any pieces")
    func chunks() throws {
        let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        try withLimits(10) { proxy, _ in
            // Ten bytes in ten chunks, with extensions and trailers.
            let ten = String(repeating: "1;name=value\r\nx\r\n", count: 10)
            let client = try proxy.connect()
            try client.send(head + ten + "0\r\nX-Sum: 1\r\n\r\n")
            #expect(try client.receiveResponse().status == 200)
            for pieces in [
                [head + "b\r\n0123456789a"], [head, ten, "1\r\nx"], [head + ten + "1\r\nx"],
            ] {
                let client = try proxy.connect()
                for piece in pieces { try client.send(piece) }
                let refused = try client.receiveResponse()
                #expect(refused.status == 413 && refused.value("connection") == "close")
                #expect(try client.receiveToEnd().bytes.isEmpty)
            }
            #expect(proxy.listener[.oversizedRequests] == 3)
        }
    }

    @Test("HTTP/2 is counted alike, and its connection stays")
    func http2() throws {
        try withLimits(10) { proxy, backend in
            let client = try HTTP2Client(proxy.connect(), window: 65_535)
            let head = "POST / HTTP/1.1\nHost: a.test"
            let declared = try client.answer(
                client.send(head + "\nContent-Length: 11", endsStream: false))
            #expect(declared.status == 413)
            let slot = try client.send(head, endsStream: false)
            try client.send("0123456789", in: slot, endsStream: false)
            try client.send("a", in: slot, endsStream: false)
            #expect(try client.answer(slot).status == 413)
            let whole = try client.send(head, endsStream: false)
            try client.send("01234", in: whole, endsStream: false)
            try client.send("56789", in: whole, endsStream: true)
            #expect(try client.answer(whole).status == 200)
            #expect(proxy.listener[.oversizedRequests] == 2)
            #expect(proxy.listener[.http2Connections] == 1)
            #expect(backend.requests.last?.text == "0123456789")
        }
    }

    @Test("a route's limits go before its listener's, and may be none")
    func routes() throws {
        var none = BodyLimits()
        none.response = 10
        try withLimits(3, 0, route: none) { proxy, _ in
            let client = try proxy.connect()
            try client.send(post("/route/a", length: 5) + "01234")
            #expect(try client.receiveResponse().status == 200)
            // The listener's: no response may have a body there.
            #expect(try client.get("/other").status == 502)
            try client.send(post("/other", length: 5) + "01234")
            #expect(try client.receiveResponse().status == 413)
        }
    }

    @Test("a response whose length is beyond the limit is 502, and counts against no backend")
    func responseLength() throws {
        try withLimits(.max, 4, answering: response("12345")) { proxy, backend in
            let client = try proxy.connect()
            let refused = try client.get()
            #expect(refused.status == 502)
            #expect(refused.text.contains("is larger than may be passed on"))
            #expect(try client.get().status == 502)
            #expect(proxy.listener[.accepted] == 1)
            #expect(proxy.service[.oversizedResponses] == 2)
            #expect(proxy.service[.backendErrors] == 2 && proxy.service[.failed] == 2)
            #expect(proxy.backend(backend.port)[.failures] == 0)
            // A response without a body has none that is too large.
            try client.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            #expect(try client.receiveResponse(to: "HEAD").status == 200)
        }
        try withLimits(.max, 5, answering: response("12345")) { proxy, _ in
            let whole = try proxy.connect().get()
            #expect(whole.text == "12345")
        }
    }

    @Test("a response that turns out to be larger is cut, and never ends as a whole one does")
    func responseCount() throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        for (answer, most, isWhole) in [
            (head + "4\r\n1234\r\n1\r\n5\r\n0\r\n\r\n", 4, false),
            (head + "4\r\n1234\r\n1\r\n5\r\n0\r\n\r\n", 5, true),
        ] {
            try withLimits(.max, most, answering: answer) { proxy, backend in
                for version in ["1.1", "1.0"] {
                    let client = try proxy.connect()
                    try client.send(
                        "GET / HTTP/\(version)\r\nHost: a.test\r\nConnection: close\r\n\r\n")
                    let (bytes, ending) = try client.receiveToEnd()
                    let text = String(decoding: bytes, as: UTF8.self)
                    #expect((ending == .reset) == !isWhole, "\(text)")
                    #expect(text.contains("\r\n0\r\n") == (isWhole && version == "1.1"), "\(text)")
                }
                #expect(proxy.service[.oversizedResponses] == (isWhole ? 0 : 2))
                #expect(proxy.service[.cutShort] == (isWhole ? 0 : 2))
                #expect(proxy.backend(backend.port)[.failures] == 0)
            }
        }
    }
}
