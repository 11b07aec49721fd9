// Goal: a service that is asked about a request has its say beside what else is done with bodies:
// compression and limits. Method: that of AuthTests.

import Backends
import Compression
import HTTP1
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

extension AuthTests {
    @Test("what is let through is compressed, and refusals are not")
    func compression() throws {
        try ContentEncoder.load(.gzip)
        let asked = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                let isKnown = request.value("cookie") == "known"
                #expect(request.values("accept-encoding").isEmpty)
                try wire.send(
                    isKnown
                        ? Self.allowing
                        : response(
                            String(repeating: "who? ", count: 1000), "401 Unauthorized",
                            "Content-Type: text/plain\r\n"))
            }
        }
        let text = String(repeating: "it compresses well, ", count: 1000)
        let backend = try Backend.replying(response(text, "200 OK", "Content-Type: text/plain\r\n"))
        try withAuth(
            [asked.port], backend,
            options: { options in
                options.listeners[0].policy.compression.codings = [.gzip]
                options.listeners[0].routes = Self.compressing(asking: Self.auth)
            }
        ) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                let answer = try client.get("/", "Cookie: known\r\nAccept-Encoding: gzip\r\n")
                #expect(answer.status == 200 && answer.value("content-encoding") == "gzip")
                #expect(answer.body.starts(with: [0x1F, 0x8B]))
                #expect(answer.body.count < text.utf8.count / 10)
                let refused = try client.get("/", "Accept-Encoding: gzip\r\n")
                #expect(refused.status == 401 && refused.values("content-encoding").isEmpty)
                #expect(refused.text.hasPrefix("who? who? "))
            }
            let two = try HTTP2Client(proxy.connect())
            let answer = try two.get(
                "GET / HTTP/1.1\nHost: a.test\nCookie: known\nAccept-Encoding: gzip")
            #expect(answer.value("content-encoding") == "gzip" && answer.isWhole)
            #expect(backend.requests.last?.value("x-user") == "ann")
            #expect(proxy.service[.gzipResponses] == 3 && proxy.service[.authRefused] == 2)
            // The answers of the service that is asked go to nobody, and are not compressed.
            #expect(gate(proxy, .gzipResponses) == 0 && gate(proxy, .bytesCompressed) == 0)
        }
    }

    /// A route for everything that has `service` asked, and compresses.
    private static func compressing(asking service: ServiceID) -> RouteTable {
        var all = RouteRule(.forward(web, prefix: nil))
        var rule = AuthRule(service, timeout: long)
        rule.sent = ["cookie"]
        rule.taken = ["X-User"]
        all.auth = rule
        all.compression.codings = [.gzip]
        return RouteTable([all])
    }

    @Test("a body that is larger than it may be is refused, whatever the service would say")
    func bodyLimits() throws {
        let answer = Gate()
        let asked = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                answer.wait()
                try wire.send(Self.allowing)
            }
        }
        let backend = try Backend.echoing()
        try withAuth(
            [asked.port], backend,
            options: {
                $0.listeners[0].policy.bodyLimits.request = 10
                $0.listeners[0].policy.bodyLimits.response = 10
            }
        ) { proxy in
            let head = "POST / HTTP/1.1\r\nHost: a.test\r\n"
            // Nobody is asked about what the head shows to be too large.
            let declared = try proxy.connect()
            try declared.send("\(head)Content-Length: 11\r\n\r\n")
            #expect(try declared.receiveResponse().status == 413)
            #expect(asked.requests.isEmpty)
            // While the service is asked, more comes than may.
            let chunked = try proxy.connect()
            try chunked.send("\(head)Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n")
            try waitUntil("the question is there") { asked.requests.count == 1 }
            try chunked.send("6\r\n567890\r\n0\r\n\r\n")
            try waitUntil("it is too much") { proxy.listener[.oversizedRequests] == 2 }
            #expect(try chunked.receiveResponse().status == 413)
            let two = try HTTP2Client(proxy.connect())
            let slot = try two.send("POST / HTTP/1.1\nHost: a.test", endsStream: false)
            try two.send("01234567890", in: slot, endsStream: true)
            #expect(try two.answer(slot).status == 413)
            #expect(proxy.service[.authAllowed] == 0 && backend.connections == 0)
            answer.open()
            // What is as large as it may be waits for the answer, and comes back whole.
            let exact = try proxy.connect()
            try exact.send("\(head)Content-Length: 10\r\n\r\n0123456789")
            #expect(try exact.receiveResponse().text == "0123456789")
            try exact.send(
                "\(head)Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n")
            #expect(try exact.receiveResponse().text == "0123456789")
            #expect(proxy.listener[.oversizedRequests] == 3)
            // The limit of responses is for those of backends: a refusal has one of its own.
            let long = response(String(repeating: "x", count: 100), "401 Unauthorized")
            let refusing = try Backend.replying(long)
            proxy.publish([refusing.port], service: 1)
            #expect(try proxy.connect().get().text == String(repeating: "x", count: 100))
        }
    }
}
