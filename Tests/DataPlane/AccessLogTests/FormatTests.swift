// Goal: a line is one line, in its format, and fits into what a pipe takes at once, whatever bytes
// a client sends. Method: heads with hostile bytes go through the sink into a file; JSON is read
// back by another reader, Python's.

import AccessLog
import Endpoints
import Glibc
import HTTP1
import Stats
import TLS
import TestSupport
import Testing
import Traffic

@Suite struct FormatTests {
    /// The line for `entry` with the text of this request head.
    private func line(
        _ format: AccessLogFormat, _ entry: AccessEntry, head: [UInt8]?,
        client: IPAddress = .v4(0x7F00_0001), backend: String = "10.0.0.1:80", user: String = ""
    ) throws -> [UInt8] {
        var text = LoggedText()
        if let head {
            var parsed = RequestHead()
            guard case .complete = parsed.parse(head.span) else {
                Issue.record("the head does not parse")
                return []
            }
            text.copy(parsed, from: head.span)
            if !user.isEmpty { text.keep(user: Array(user.utf8).span) }
        }
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), format, workers: 1)
        let sink = AccessLogSink(log, AccessLogCounters())
        sink.write(
            entry, text, client: client, listener: Array("edge".utf8),
            service: Array("web".utf8), backend: Array(backend.utf8))
        sink.finish()
        log.stop(within: .seconds(30))
        return try file.bytes()
    }

    private func entry() -> AccessEntry {
        var entry = AccessEntry(.http(.http11), "--")
        entry.status = 200
        entry.bytesIn = 120
        entry.bytesOut = 345
        entry.bodyBytesOut = 300
        entry.tries = 2
        entry.queueMicroseconds = 7
        entry.connectMicroseconds = 0
        entry.firstByteMicroseconds = 1234
        entry.totalMicroseconds = 1300
        return entry
    }

    private func head(
        target: String = "/a?b", userAgent: String = "test/1", referer: String = "http://r.test/"
    ) -> [UInt8] {
        let fields = "Host: a.test\r\nUSER-AGENT: \(userAgent)\r\nReferer: \(referer)\r\n"
        return Array("GET \(target) HTTP/1.1\r\n\(fields)\r\n".utf8)
    }

    @Test("JSON: every key has its value")
    func json() throws {
        let line = String(decoding: try line(.json, entry(), head: head()), as: UTF8.self)
        let (start, rest) = try #require(split(line, before: "\",\"client\""))
        #expect(start.hasPrefix("{\"time\":\"20"))
        #expect(start.hasSuffix("Z"))
        #expect(start.utf8.count == "{\"time\":\"2026-11-22T22:10:00.123Z".utf8.count)
        #expect(
            rest == """
                ","client":"127.0.0.1","listener":"edge","service":"web","backend":"10.0.0.1:80",\
                "protocol":"HTTP/1.1","method":"GET","target":"/a?b","host":"a.test",\
                "referer":"http://r.test/","user_agent":"test/1","status":200,"cause":"--",\
                "bytes_in":120,"bytes_out":345,"tries":2,"queue_us":7,"connect_us":0,\
                "first_byte_us":1234,"total_us":1300}

                """)
    }

    @Test("the status of a call of gRPC stands beside that of HTTP, and for no other request")
    func grpcStatus() throws {
        func text(_ format: AccessLogFormat, _ entry: AccessEntry) throws -> String {
            String(decoding: try line(format, entry, head: head()), as: UTF8.self)
        }
        #expect(!(try text(.json, entry()).contains("grpc")))
        #expect(!(try text(.combined, entry()).contains("grpc")))
        var call = entry()
        call.grpcStatus = 14
        #expect(try text(.json, call).contains("\"status\":200,\"grpc_status\":14,\"cause\""))
        #expect(try text(.combined, call).hasSuffix("/1300 grpc=14\n"))
    }

    @Test("combined: as nginx writes it, followed by what only a proxy knows")
    func combined() throws {
        let line = String(decoding: try line(.combined, entry(), head: head()), as: UTF8.self)
        let (start, rest) = try #require(split(line, before: "] "))
        #expect(start.hasPrefix("127.0.0.1 - - ["))
        #expect(start.hasSuffix(" +0000"))
        #expect(start.utf8.count == "127.0.0.1 - - [22/Nov/2026:22:10:00 +0000".utf8.count)
        #expect(
            rest == """
                ] "GET /a?b HTTP/1.1" 200 300 "http://r.test/" "test/1" \
                web 10.0.0.1:80 2 -- 120/345 7/0/1234/1300

                """)
    }

    private let trace = TraceContext(
        high: 0x0af7_6519_16cd_43dd, low: 0x8448_eb21_1c80_319c, span: 0x00f0_67aa_0ba9_02b7,
        isSampled: true, isRandom: false)

    @Test("a traced request names its trace, as the last of all")
    func traced() throws {
        var entry = self.entry()
        entry.trace = trace
        let json = String(decoding: try line(.json, entry, head: head()), as: UTF8.self)
        #expect(
            json.hasSuffix(
                ",\"total_us\":1300,\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
                    + "\"span_id\":\"00f067aa0ba902b7\",\"sampled\":true}\n"))
        entry.trace?.isSampled = false
        let combined = String(decoding: try line(.combined, entry, head: head()), as: UTF8.self)
        #expect(
            combined.hasSuffix(
                " 7/0/1234/1300 trace=0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00\n"))
    }

    @Test("a request about which another service was asked says how long that took")
    func asked() throws {
        var entry = self.entry()
        entry.authMicroseconds = 55
        let json = String(decoding: try line(.json, entry, head: head()), as: UTF8.self)
        #expect(json.contains(",\"tries\":2,\"auth_us\":55,\"queue_us\":7,"))
        let combined = String(decoding: try line(.combined, entry, head: head()), as: UTF8.self)
        #expect(combined.hasSuffix(" 7/0/1234/1300 auth=55\n"))
    }

    @Test("the user's name is one word in its own place, and nothing else without one")
    func user() throws {
        let json = String(
            decoding: try line(.json, entry(), head: head(), user: "a\"b\n c\u{e9}"), as: UTF8.self)
        #expect(
            json.contains(
                "\"user_agent\":\"test/1\",\"user\":\"a\\\"b\\u000A c\\u00C3\\u00A9\",\"status\":"))
        let combined = String(
            decoding: try line(.combined, entry(), head: head(), user: "a\"b\n c"), as: UTF8.self)
        #expect(combined.hasPrefix("127.0.0.1 - a\\x22b\\x0A\\x20c ["))
        let plain = String(decoding: try line(.json, entry(), head: head()), as: UTF8.self)
        #expect(!plain.contains("\"user\""))
        // The longest of everything is one line all the same.
        for format in AccessLogFormat.allCases {
            let long = try line(
                format, entry(), head: head(target: "/" + String(repeating: "\"", count: 1500)),
                user: String(repeating: "\u{1}", count: 255))
            #expect(long.count <= 4096 && long.last == 0x0A)
        }
    }

    @Test("unknown values are shown as such", arguments: AccessLogFormat.allCases)
    func unknown(format: AccessLogFormat) throws {
        var refused = AccessEntry(.http(.http11), "CH")
        refused.status = 400
        let line = String(
            decoding: try line(format, refused, head: nil, client: .v6(0, 1), backend: ""),
            as: UTF8.self)
        switch format {
        case .json:
            #expect(line.contains("\"client\":\"::1\""))
            #expect(line.contains("\"backend\":\"\",\"protocol\":\"HTTP/1.1\",\"method\":\"\","))
            #expect(line.contains("\"queue_us\":null,\"connect_us\":null,\"first_byte_us\":null"))
        case .combined:
            #expect(line.hasPrefix("::1 - - ["))
            #expect(line.hasSuffix("] \"-\" 400 0 \"-\" \"-\" web - 0 CH 0/0 -/-/-/0\n"))
        }
    }

    @Test("a TCP connection has no request", arguments: AccessLogFormat.allCases)
    func tcp(format: AccessLogFormat) throws {
        var connection = AccessEntry(.tcp, "FI")
        connection.bytesOut = 9
        connection.bodyBytesOut = 9
        let line = String(decoding: try line(format, connection, head: nil), as: UTF8.self)
        switch format {
        case .json:
            #expect(line.contains("\"protocol\":\"TCP\",\"cause\":\"FI\","))
            #expect(!line.contains("status"))
        case .combined: #expect(line.contains("] \"TCP\" 000 9 \"-\" \"-\" web "))
        }
    }

    @Test("coded content has its coding and the bytes before, in JSON alone")
    func coded() throws {
        var coded = entry()
        coded.coded = CodedContent(.brotli, of: 12_345)
        let json = String(decoding: try line(.json, coded, head: head()), as: UTF8.self)
        #expect(json.contains(",\"coding\":\"br\",\"content_bytes\":12345"))
        let plain = String(decoding: try line(.json, entry(), head: head()), as: UTF8.self)
        #expect(!plain.contains("coding"))
        let combined = String(decoding: try line(.combined, coded, head: head()), as: UTF8.self)
        #expect(!combined.contains("12345"))
    }

    @Test("hostile bytes end neither a line nor the string that they stand in")
    func hostile() throws {
        let userAgent = "\"}\\,{\u{e9}\tx"
        let combined = String(
            decoding: try line(.combined, entry(), head: head(userAgent: userAgent)),
            as: UTF8.self)
        #expect(combined.contains("\" \"\\x22}\\x5C,{\\xC3\\xA9\\x09x\" web"))
        let json = String(
            decoding: try line(.json, entry(), head: head(userAgent: userAgent)), as: UTF8.self)
        #expect(json.contains("\"user_agent\":\"\\\"}\\\\,{\\u00C3\\u00A9\\u0009x\","))
    }

    @Test(
        "the longest texts make a line that a pipe takes at once",
        arguments: AccessLogFormat.allCases, [false, true])
    func longest(format: AccessLogFormat, isSecure: Bool) throws {
        for text in [String(repeating: "a", count: 4000), String(repeating: "\u{e9}", count: 2000)]
        {
            let target = "/" + String(text.utf8.map { $0 < 0x80 ? "a" : "\"" })
            var entry = self.entry()
            entry.trace = trace
            entry.authMicroseconds = .max
            if isSecure {
                entry.tls = TLSOutcome(
                    version: "TLSv1.3", cipher: text, serverName: text, isResumed: false)
                entry.coded = CodedContent(.gzip, of: .max)
            }
            let line = try line(
                format, entry, head: head(target: target, userAgent: text, referer: text),
                client: .v6(.max, .max), backend: "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
            #expect(line.count <= 4096)
            #expect(line.count > 2000)
            #expect(line.firstIndex(of: 0x0A) == line.count - 1)
            #expect(line.allSatisfy { $0 == 0x0A || (0x20..<0x7F).contains($0) })
        }
    }

    private func split(_ line: String, before mark: String) -> (String, String)? {
        guard let range = line.firstRange(of: mark) else { return nil }
        return (String(line[..<range.lowerBound]), String(line[range.lowerBound...]))
    }
}
