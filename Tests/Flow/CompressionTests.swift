// Responses that are compressed on their way, and the clients that decode them: curl, Python's
// httpx with the decoders of brotli and zstandard.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: what a client decodes is what the backend sent, whatever the coding, the version and
    // the framing; streams are not held up; and only what may be compressed is. Method: the program
    // before scripted backends, and real clients.
    @Suite struct Compression {
        /// About 2 MB of lines that are alike, and not all the same.
        private static let text = (0..<60_000).map { "line \($0 * 7919 % 60_013) of a long text\n" }
            .joined()

        /// What a backend answers under each path.
        private static func answer(to head: String) -> [String] {
            let type = "Content-Type: text/plain\r\nETag: \"a\"\r\n"
            let length = "Content-Length: \(text.utf8.count)\r\n"
            switch head.split(separator: " ")[1] {
            case "/chunked":
                let parts = stride(from: 0, to: text.utf8.count, by: 10_007).map { start in
                    let part = text.utf8.dropFirst(start).prefix(10_007)
                    return "\(String(part.count, radix: 16))\r\n\(Substring(part))\r\n"
                }
                return ["HTTP/1.1 200 OK\r\n\(type)Transfer-Encoding: chunked\r\n\r\n"] + parts
                    + ["0\r\n\r\n"]
            case "/part":
                return [
                    "HTTP/1.1 206 Partial\r\n\(type)Content-Range: bytes 0-1/9\r\n"
                        + "Content-Length: 2\r\n\r\nli"
                ]
            case "/fixed":
                return [
                    "HTTP/1.1 200 OK\r\n\(type)\(length)Cache-Control: no-transform\r\n\r\n", text,
                ]
            case "/image":
                return ["HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\(length)\r\n", text]
            default: return ["HTTP/1.1 200 OK\r\n\(type)\(length)\r\n", text]
            }
        }

        private func backend() throws -> ScriptedBackend {
            try ScriptedBackend { socket, _ in
                while let head = try socket.receive(through: "\r\n\r\n") {
                    for part in Self.answer(to: head) { try socket.send(part) }
                }
            }
        }

        /// Fairlead before `backend`, with a listener in the clear and one that speaks TLS.
        private func fairlead(
            _ stage: Stage, over backend: UInt16, _ compress: String = "on"
        ) throws -> (fairlead: Fairlead, secure: UInt16, log: String) {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("web", for: ["web.test"])
            let secure = try FreePort.take()
            let log = folder.path("access.log")
            let path = try folder.write(
                """
                workers: 1
                admin: 127.0.0.1:\(try FreePort.take())
                access-log: {to: \(log)}
                defaults: {compress: \(compress)}
                services:
                  web: {backends: ["127.0.0.1:\(backend)"]}
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    service: web
                    routes: [{path: /never, service: web, compress: off}]
                  - listen: "127.0.0.1:\(secure)"
                    service: web
                    tls: {certificates: [\(files.entry("web"))]}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(
                try Fairlead(arguments: ["run", "--config", path], listeners: 2))
            try fairlead.waitForBackends(up: 1)
            return (fairlead, secure, log)
        }

        private static let script = PackageFolder.path + "/Tests/Flow/Compression/client.py"

        /// Python's client, with the modules of Debian.
        private func client(_ arguments: String...) throws -> RunningProcess {
            try RunningProcess(["/usr/bin/python3", Self.script] + arguments)
        }

        @Test func `curl decodes each coding, by HTTP/1 and HTTP/2, of any framing`() throws {
            try withStage { stage in
                let backend = stage.hold(try backend())
                let (fairlead, secure, log) = try fairlead(stage, over: backend.port)
                let folder = stage.hold(try TemporaryFolder())
                let got = folder.path("got")
                for coding in ["gzip", "br", "zstd"] {
                    for path in ["/", "/chunked"] {
                        for version in ["--http1.1", "--http2-prior-knowledge", "--http2"] {
                            let url =
                                version == "--http2"
                                ? "https://127.0.0.1:\(secure)\(path)"
                                : "http://127.0.0.1:\(fairlead.port)\(path)"
                            let answer = try curl(
                                version, "-k", "--compressed", "-H", "Accept-Encoding: \(coding)",
                                "-o", got, "-D", folder.path("head"), "-w",
                                "%{http_code} %{size_download}", url)
                            let words = answer.said.split(separator: " ")
                            #expect(words.first == "200", "\(answer.said)")
                            #expect(readFile(got) == Self.text, "\(coding) \(path) \(version)")
                            let size = try #require(words.last.flatMap { Int($0) })
                            #expect(size < Self.text.utf8.count / 3, "\(coding): \(size)")
                            let head = (readFile(folder.path("head")) ?? "").lowercased()
                            for line in [
                                "content-encoding: \(coding)", "vary: accept-encoding",
                                "etag: w/\"a\"",
                            ] {
                                #expect(head.contains("\(line)\r\n"), "\(head)")
                            }
                            #expect(!head.contains("content-length"), "\(head)")
                        }
                    }
                }
                let count = Double(Self.text.utf8.count)
                for coding in ["gzip", "br", "zstd"] {
                    #expect(
                        try fairlead.metric(
                            "fairlead_compressed_responses_total", "coding=\"\(coding)\"") == 6)
                }
                #expect(
                    try fairlead.metric("fairlead_compression_bytes_total", "side=\"in\"")
                        == 18 * count)
                try waitFor("the log") { () -> Void? in
                    let lines = readFile(log) ?? ""
                    return ["gzip", "br", "zstd"].allSatisfy {
                        lines.contains(
                            #","coding":"\#($0)","content_bytes":\#(Self.text.utf8.count)"#)
                    } ? () : nil
                }
            }
        }

        @Test(arguments: ["1", "2", "2s"], ["gzip", "br", "zstd"])
        func `httpx decodes part by part to the coding's end`(version: String, coding: String)
            throws
        {
            try withStage { stage in
                let backend = stage.hold(try backend())
                let (fairlead, secure, _) = try fairlead(stage, over: backend.port)
                for path in ["/", "/chunked"] {
                    let url =
                        version == "2s"
                        ? "https://127.0.0.1:\(secure)\(path)"
                        : "http://127.0.0.1:\(fairlead.port)\(path)"
                    let client = try client(version, coding, url)
                    #expect(try client.waitForExit() == .status(0), "\(client.transcript)")
                    let words = client.transcript.split(whereSeparator: \.isWhitespace)
                    #expect(
                        words.prefix(3) == [
                            version == "1" ? "HTTP/1.1" : "HTTP/2", Substring(coding),
                            "\(Self.text.utf8.count)",
                        ], "\(client.transcript)")
                    let folder = stage.hold(try TemporaryFolder())
                    let file = try folder.write(Self.text, to: "text")
                    let sum = try RunningProcess.run(["sha256sum", file])
                    #expect(words.last == sum.split(separator: " ").first)
                }
            }
        }

        @Test func `what may not be compressed, and what a client does not take, stays`() throws {
            try withStage { stage in
                let backend = stage.hold(try backend())
                let (fairlead, _, _) = try fairlead(stage, over: backend.port)
                let text = Self.text
                // Path, Accept-Encoding, the text, and whether the answer depends on the client.
                let cases = [
                    ("/fixed", "gzip", text, false), ("/image", "gzip", text, false),
                    ("/never", "gzip", text, false), ("/part", "gzip", "li", true),
                    ("/", "identity", text, true), ("/", "gzip;q=0", text, true),
                    ("/", "deflate", text, true),
                ]
                for (path, accept, expected, varies) in cases {
                    let answer = try get(
                        path, port: fairlead.port, headers: ["Accept-Encoding: \(accept)"])
                    #expect(answer.body == expected, "\(path) \(accept)")
                    #expect(answer["content-encoding"] == nil, "\(path) \(accept)")
                    #expect((answer["vary"] == "Accept-Encoding") == varies, "\(path) \(accept)")
                    #expect(answer["content-length"] == "\(expected.utf8.count)")
                }
                for (reason, count) in [("client", 3.0), ("no_transform", 1), ("type", 1)] {
                    #expect(
                        try fairlead.metric(
                            "fairlead_uncompressed_responses_total", "reason=\"\(reason)\"")
                            == count, "\(reason)")
                }
            }
        }

        @Test(arguments: ["1", "2"], ["gzip", "br", "zstd"])
        func `what a stream has sent arrives before it goes on`(version: String, coding: String)
            throws
        {
            try withStage { stage in
                let gate = try Gate()
                // Of known length and of unknown length: neither may keep what has come.
                let backend = stage.hold(
                    try ScriptedBackend { socket, _ in
                        while let head = try socket.receive(through: "\r\n\r\n") {
                            let type = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                            if head.hasPrefix("GET /known ") {
                                try socket.send("\(type)Content-Length: 1000000\r\n\r\ndata: 1\n\n")
                            } else {
                                try socket.send(
                                    "\(type)Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
                            }
                            gate.wait()
                            return
                        }
                    })
                defer { gate.open() }
                let (fairlead, _, _) = try fairlead(
                    stage, over: backend.port, "{types: [text/event-stream]}")
                for path in ["/known", "/open"] {
                    let client = try client(
                        version, coding, "http://127.0.0.1:\(fairlead.port)\(path)", "9")
                    #expect(try client.waitForExit() == .status(0), "\(client.transcript)")
                    #expect(client.transcript == "data: 1\n\n", "\(client.transcript)")
                }
            }
        }

        @Test func `a process without compression does not load its libraries`() throws {
            try withStage { stage in
                let backend = stage.hold(try backend())
                for (compress, loaded) in [
                    ("off", [String]()), ("gzip", ["libz.so"]),
                    ("on", ["libz.so", "libbrotlienc", "libzstd"]),
                ] {
                    let (fairlead, _, _) = try fairlead(stage, over: backend.port, compress)
                    let id = try #require(fairlead.process.id)
                    let maps = readFile("/proc/\(id)/maps") ?? ""
                    for library in ["libz.so", "libbrotlienc", "libzstd"] {
                        #expect(
                            maps.contains(library) == loaded.contains(library),
                            "\(compress): \(library)")
                    }
                }
            }
        }
    }
}
