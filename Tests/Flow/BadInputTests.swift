// What must be refused, and how.

import Testing

extension Flow {
    // Goal: bad input gets a clear refusal and has no other effect.
    // Method: raw bytes from the client; configurations with one mistake.
    @Suite struct BadInput {
        /// A request that no proxy may pass on.
        struct Malformed: CustomTestStringConvertible {
            let testDescription: String
            let bytes: String

            init(_ what: String, _ head: String..., body: String = "") {
                testDescription = what
                bytes = head.joined(separator: "\r\n") + "\r\n\r\n" + body
            }
        }

        @Test(arguments: [
            Malformed("a space before the colon", "GET / HTTP/1.1", "Host : a"),
            Malformed("two Hosts", "GET / HTTP/1.1", "Host: a", "Host: b"),
            Malformed("no Host", "GET / HTTP/1.1"),
            Malformed("a NUL in a value", "GET / HTTP/1.1", "Host: a", "X: one\u{0}two"),
            Malformed("a folded line", "GET / HTTP/1.1", "Host: a", "X: one", " two"),
            Malformed("a space in the target", "GET /a b HTTP/1.1", "Host: a"),
            Malformed("no HTTP at all", "NOT HTTP AT ALL"),
            Malformed(
                "two lengths", "POST / HTTP/1.1", "Host: a", "Content-Length: 1",
                "Content-Length: 2",
                body: "ab"),
            Malformed(
                "a signed length", "POST / HTTP/1.1", "Host: a", "Content-Length: +1", body: "a"),
            Malformed(
                "a length beyond all numbers", "POST / HTTP/1.1", "Host: a",
                "Content-Length: 99999999999999999999", body: "a"),
            Malformed(
                "a length and chunks", "POST / HTTP/1.1", "Host: a", "Content-Length: 4",
                "Transfer-Encoding: chunked", body: "0\r\n\r\n"),
        ])
        func `a malformed request gets 400, a closed connection, and goes nowhere`(
            request: Malformed
        ) throws {
            try withStage { stage in
                let backend = stage.hold(try ScriptedBackend.silent())
                let fairlead = try stage.fairlead(over: [backend.port])
                let client = try RawSocket(port: fairlead.port)
                try client.send(request.bytes)
                let answer = String(decoding: try client.receiveToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
                #expect(backend.bytes == 0)
            }
        }

        @Test(arguments: ["0x1\r\na\r\n0\r\n\r\n", "+1\r\na\r\n0\r\n\r\n", "1\r\nab\r\n0\r\n\r\n"])
        func `a malformed chunk is never passed on, and the connection ends`(body: String) throws {
            try withStage { stage in
                let echo = stage.hold(try ScriptedBackend.echoingBodies())
                let fairlead = try stage.fairlead(over: [echo.port])
                let client = try RawSocket(port: fairlead.port)
                try client.send(
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
                let answer = String(decoding: try client.receiveToEnd(), as: UTF8.self)
                #expect(!answer.hasPrefix("HTTP/1.1 2"), "\(answer)")
            }
        }

        /// A file with one mistake, and what is said of it after the file's name.
        struct Mistake: CustomTestStringConvertible {
            let testDescription: String
            let text: String
            let complaint: String

            init(_ complaint: String, _ lines: String...) {
                testDescription = complaint
                self.complaint = complaint
                text = lines.joined(separator: "\n") + "\n"
            }
        }

        @Test(arguments: [
            Mistake(
                ":2:1: lisen: unknown key, expected one of: ", "# An operator's file.",
                "lisen: 127.0.0.1:8080"),
            Mistake(":1:10: workers: found \"two\", expected ", "workers: two"),
            Mistake(
                ":1:30: defaults.check.interval: found \"5\", expected ",
                "defaults: {check: {interval: 5}}"),
            Mistake(
                ":2:36: listeners[0].service: found \"web\", expected ",
                "listeners:", "  - {listen: 127.0.0.1:1, service: web}"),
            Mistake(":2:8: not YAML: ", "workers: 1", "  admin: off"),
            Mistake(
                ":1:39: defaults.check.headers[0]: found the field Host, expected another: ",
                "defaults: {check: {path: /, headers: {Host: a}}}"),
            Mistake(
                ":3:19: services.web.check.send: found send without expect, expected both: ",
                "services:", "  web:", "    check: {send: \"PING\\r\\n\"}",
                "    backends: [\"127.0.0.1:1\"]",
                "listeners: [{listen: \"127.0.0.1:1\", service: web}]"),
        ])
        func `a mistake in a file is told with its place, and nothing starts`(
            mistake: Mistake
        ) throws {
            let folder = try TemporaryFolder()
            let path = try folder.write(mistake.text, to: "bad.yaml")
            let admin = try FreePort.take()
            let process = try Fairlead.start([
                "run", "--config", path, "--admin", "127.0.0.1:\(admin)",
            ])
            #expect(try process.waitForExit() == .status(2))
            try process.waitForErrors(containing: path + mistake.complaint)
            #expect(throws: FlowError.self) { try RawSocket(port: admin) }
        }

        @Test(arguments: [
            ["--listen", "8080x"], ["--backend", "nowhere"], ["--workers", "none"],
            ["--mode", "udp"],
        ])
        func `a mistake in a flag is told with what was found`(flag: [String]) throws {
            let port = try FreePort.take()
            let others = [
                ["--listen", "127.0.0.1:\(port)"], ["--backend", "127.0.0.1:\(port)"],
            ]
            .filter { $0[0] != flag[0] }.flatMap(\.self)
            let process = try Fairlead.start(["run"] + others + flag)
            #expect(try process.waitForExit() == .status(2))
            let start = "\(flag[0]): found \"\(flag[1])\", expected "
            #expect(process.errors.hasPrefix(start), "\(process.transcript)")
            #expect(throws: FlowError.self) { try RawSocket(port: port) }
        }

        @Test func `a name server that is no address at all is told before anything starts`() throws
        {
            let port = try FreePort.take()
            let process = try Fairlead.start([
                "run", "--listen", "127.0.0.1:\(port)", "--service", SRVRecord.service, "--dns",
                "x:y",
            ])
            #expect(try process.waitForExit() == .status(2))
            try process.waitForErrors(containing: "x:y")
        }
    }
}
