// What goes through, and how it looks on the other side.

import Testing

extension Flow {
    // Goal: requests, bodies and streams arrive as they were sent, with the headers a proxy owes.
    // Method: scripted backends that send back what they got.
    @Suite struct Relay {
        @Test(arguments: [0, 1, 1_000, 200_000, 3_000_000])
        func `a body of known length goes both ways`(length: Int) throws {
            try withStage { stage in
                let echo = stage.hold(try ScriptedBackend.echoingBodies())
                let fairlead = try stage.fairlead(over: [echo.port])
                let connection = try HTTPConnection(port: fairlead.port)
                let body = text(length)
                for _ in 0..<2 {
                    let response = try connection.request(
                        "POST", "/", headers: ["Content-Length: \(length)"], body: body)
                    #expect(response.status == 200)
                    // Not `==` inside the expectation: megabytes in a message help no one.
                    let same = response.body == body
                    #expect(same, "\(response.body.utf8.count) of \(length) bytes came back")
                }
            }
        }

        @Test(arguments: [1, 7, 4_096, 100_000])
        func `a chunked body goes through`(chunk: Int) throws {
            try withStage { stage in
                let echo = stage.hold(try ScriptedBackend.echoingBodies())
                let fairlead = try stage.fairlead(over: [echo.port])
                let part = text(chunk)
                let chunks = String(
                    repeating: "\(String(chunk, radix: 16))\r\n\(part)\r\n", count: 5)
                let response = try HTTPConnection(port: fairlead.port).request(
                    "POST", "/", headers: ["Transfer-Encoding: chunked"], body: chunks + "0\r\n\r\n"
                )
                #expect(response.status == 200)
                let same = response.body == String(repeating: part, count: 5)
                #expect(same, "\(response.body.utf8.count) of \(5 * chunk) bytes came back")
            }
        }

        @Test func `forwarding headers are added and hop-by-hop headers removed`() throws {
            try withStage { stage in
                let echo = stage.hold(try ScriptedBackend.echoingHeads())
                let fairlead = try stage.fairlead(over: [echo.port])
                let response = try HTTPConnection(port: fairlead.port).request(
                    "GET", "/path?query=1",
                    headers: [
                        "Connection: keep-alive, X-Private", "X-Private: 1",
                        "Keep-Alive: timeout=5",
                        "TE: trailers", "X-Kept: 2",
                    ])
                let (first, headers) = splitHead(response.body)
                func values(_ name: String) -> [String] {
                    headers.filter { $0.name == name }.map(\.value)
                }
                #expect(first == "GET /path?query=1 HTTP/1.1")
                #expect(values("host") == ["flow.example.test"])
                #expect(values("x-kept") == ["2"])
                #expect(values("x-forwarded-for") == ["127.0.0.1"])
                #expect(values("x-forwarded-proto") == ["http"])
                #expect(values("x-forwarded-host") == ["flow.example.test"])
                for name in ["x-private", "keep-alive", "te"] { #expect(values(name) == []) }
            }
        }

        @Test func `connections to a backend are reused`() throws {
            try withStage { stage in
                let echo = stage.hold(try ScriptedBackend.echoingBodies())
                let fairlead = try stage.fairlead(over: [echo.port])
                for _ in 0..<50 { #expect(try get(port: fairlead.port).status == 200) }
                // Checks connect as well; fifty requests on fifty connections would be well above.
                #expect(echo.requests >= 50)
                #expect(echo.connections < 50)
            }
        }

        @Test func `a TCP stream keeps flowing after the client has ended its half`() throws {
            try withStage { stage in
                let echo = stage.hold(try ScriptedBackend.echoingAtEnd())
                let fairlead = try stage.fairlead(over: [echo.port], flags: ["--mode", "tcp"])
                let client = try RawSocket(port: fairlead.port)
                let said = text(500_000)
                try client.send(said)
                client.endSending()
                let answer = String(decoding: try client.receiveToEnd(), as: UTF8.self)
                let same = answer == "you said: " + said
                #expect(same, "\(answer.utf8.count) bytes came back")
            }
        }

        @Test func `TCP connections take turns`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let fairlead = try stage.fairlead(over: web.map(\.port), flags: ["--mode", "tcp"])
                var counts: [String: Int] = [:]
                for _ in 0..<30 { counts[try get(port: fairlead.port).body, default: 0] += 1 }
                #expect(counts == ["one": 10, "two": 10, "three": 10])
            }
        }

        /// Text of which no part looks like another, so that a lost or repeated piece is noticed.
        private func text(_ length: Int) -> String {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(length + 8)
            var line = 0
            while bytes.count < length {
                bytes += Array("\(line) ".utf8)
                line += 1
            }
            return String(decoding: bytes[..<length], as: UTF8.self)
        }
    }
}
