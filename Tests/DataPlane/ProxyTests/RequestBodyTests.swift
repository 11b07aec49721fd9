// Goal: a request's body reaches the backend whole and framed as it came, however it arrives, and
// the requests behind it are answered in order. Method: an echoing backend, raw clients.

import Proxy
import TestSupport
import Testing
import Traffic

@Suite struct RequestBodyTests {
    private func post(_ length: Int, _ fields: String = "") -> String {
        "POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(length)\r\n\(fields)\r\n"
    }

    @Test("a body comes back from an echoing backend", arguments: [0, 1, 1000, 65_536, 1 << 20])
    func echo(length: Int) throws {
        let backend = try Backend.echoing()
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send(post(length))
                try client.sendPattern(to: length)
                let head = try client.receive(through: "\r\n\r\n")
                #expect(head?.hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n") == true)
                #expect(try client.receivePattern(to: length) == length)
            }
            #expect(backend.connections == 1)
            #expect(backend.requests[0].value("content-length") == "\(length)")
        }
    }

    @Test("a request split after any byte is the same request")
    func splits() throws {
        let backend = try Backend.echoing()
        let whole = Array((post(5) + "hello").utf8)
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for split in 1..<whole.count {
                try client.send(Array(whole[..<split]))
                try client.send(Array(whole[split...]))
                #expect(try client.receiveResponse().text == "hello", "split at \(split)")
            }
            for byte in whole { try client.send([byte]) }
            #expect(try client.receiveResponse().text == "hello")
        }
    }

    @Test("a body that begins only after the backend has the head is streamed")
    func inPieces() throws {
        let backend = try Backend { wire, _ in
            while let head = try wire.receive(through: "\r\n\r\n") {
                // Each piece is confirmed by an interim response, so that they arrive apart.
                var body: [UInt8] = []
                for _ in 0..<3 {
                    try wire.send("HTTP/1.1 102 Processing\r\n\r\n")
                    body += try wire.receive(exactly: 4)
                }
                #expect(head.hasPrefix("POST /p HTTP/1.1\r\n"))
                try wire.send(response(String(decoding: body, as: UTF8.self)))
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send(post(12))
                for piece in ["abcd", "efgh", "ijkl"] {
                    #expect(try client.receiveResponse().status == 102)
                    try client.send(piece)
                }
                #expect(try client.receiveResponse().text == "abcdefghijkl")
            }
            #expect(backend.connections == 1)
        }
    }

    @Test("chunks pass to the backend as they are, with extensions and trailers")
    func chunked() throws {
        let body = "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
        let backend = try Backend { wire, _ in
            while try wire.receive(through: "\r\n\r\n") != nil {
                let raw = try wire.receive(exactly: body.utf8.count)
                try wire.send(response(String(decoding: raw, as: UTF8.self)))
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
            try client.send(head + body)
            #expect(try client.receiveResponse().text == body)
            try client.send(head)
            for byte in body.utf8 { try client.send([byte]) }
            #expect(try client.receiveResponse().text == body)
            #expect(backend.connections == 1)
        }
    }

    @Test("a client that expects 100 Continue gets the backend's, then sends")
    func expectContinue() throws {
        let backend = try Backend { wire, _ in
            while let head = try wire.receive(through: "\r\n\r\n") {
                #expect(head.contains("\r\nExpect: 100-continue\r\n"))
                try wire.send("HTTP/1.1 100 Continue\r\n\r\n")
                let body = try wire.receive(exactly: 5)
                try wire.send(response(String(decoding: body, as: UTF8.self)))
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                try client.send(post(5, "Expect: 100-continue\r\n"))
                let interim = try client.receiveResponse()
                #expect(interim.head == "HTTP/1.1 100 Continue\r\n\r\n")
                try client.send("hello")
                #expect(try client.receiveResponse().text == "hello")
            }
        }
    }

    @Test("a client of HTTP/1.0 gets no interim response")
    func interimForOldClient() throws {
        let backend = try Backend.replying("HTTP/1.1 103 Early Hints\r\n\r\n" + response("final"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.0\r\n\r\n")
            let all = String(decoding: try client.receiveToEnd().bytes, as: UTF8.self)
            #expect(all.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(all.hasSuffix("\r\n\r\nfinal"))
        }
    }

    // MARK: - Pipelining

    @Test(
        "requests in one packet are answered in order, even when the client has ended",
        arguments: [false, true])
    func pipelined(endsSending: Bool) throws {
        let backend = try Backend.echoing()
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.cancelsAtHalfClose = false
        } _: { proxy in
            let client = try proxy.connect()
            let bodies = ["one", "", "three"]
            try client.send(bodies.map { post($0.utf8.count) + $0 }.joined())
            if endsSending { client.endSending() }
            for body in bodies { #expect(try client.receiveResponse().text == body) }
            if endsSending { #expect(try client.receiveToEnd() == ([], .end)) }
            #expect(backend.requests.count == 3)
        }
    }

    @Test("pipelined requests split after any byte are answered in order")
    func pipelinedSplits() throws {
        let backend = try Backend.echoing()
        let whole = Array((post(3) + "one" + post(3) + "two").utf8)
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for split in stride(from: 1, to: whole.count, by: 2) {
                try client.send(Array(whole[..<split]))
                try client.send(Array(whole[split...]))
                for body in ["one", "two"] {
                    #expect(try client.receiveResponse().text == body, "split at \(split)")
                }
            }
        }
    }

    @Test("five hundred pipelined requests are answered, one after the other")
    func manyPipelined() throws {
        let backend = try Backend.replying(response("x"))
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            let request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
            try client.send(String(repeating: request, count: 500))
            for _ in 0..<500 { #expect(try client.receiveResponse().text == "x") }
            #expect(backend.connections == 1)
        }
    }
}
