// Goal: a response is whole for its client whatever its trailers are, and the trailers of a request
// are no way past the proxy. Method: allowed and forbidden trailers, sent in one piece and byte by
// byte.

import Stats
import TestSupport
import Testing

@Suite struct TrailerTests {
    private static let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test(
        "forbidden trailers are left out of a response, and its connections are kept",
        arguments: [
            "Set-Cookie: a=b", "VARY: x", "Content-Type: a/b", "Content-Length: 3", "Host: x",
            "transfer-encoding: chunked", "X_Forwarded-For: x", "X-Loose : 1",
        ], [false, true])
    func response(field: String, isDripped: Bool) throws {
        let body = "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\(field)\r\nX-Last: 2\r\n\r\n"
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                if isDripped {
                    for byte in (Self.head + body).utf8 { try wire.send([byte]) }
                } else {
                    try wire.send(Self.head + body)
                }
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                _ = try client.receive(through: "\r\n\r\n")
                let rest = try client.receive(through: "X-Last: 2\r\n\r\n")
                #expect(rest == "3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Last: 2\r\n\r\n")
            }
            // A client of HTTP/1.0 gets the payload alone.
            let old = try proxy.connect()
            try old.send("GET / HTTP/1.0\r\n\r\n")
            #expect(try old.receiveResponse().text == "abc")
            #expect(backend.connections == 1)
            #expect(proxy.service[.cutShort] == 0)
        }
    }

    @Test("a trailer section without fields passes unchanged")
    func none() throws {
        let backend = try Backend.replying(Self.head + "1\r\na\r\n0\r\n\r\n")
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 { #expect(try client.get().text == "a") }
        }
    }

    @Test("the trailers of a request are refused")
    func request() throws {
        let backend = try Backend.echoing()
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "0\r\nSet-Cookie: a\r\n\r\n")
            #expect(try client.receiveResponse().status == 400)
        }
    }
}
