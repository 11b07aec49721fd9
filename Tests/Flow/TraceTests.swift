// Traces as a collector gets them.

internal import FoundationEssentials
internal import Glibc
internal import TestSupport
internal import Testing

extension Flow {
    // Goal: a collector that knows nothing but the protocol gets the spans of requests, and one
    // that is away, slow or unwilling costs no request anything. Method: the program beside a
    // collector that reads by OpenTelemetry's own definitions; curl asks.
    @Suite struct Traces {
        private static let trace = "0af7651916cd43dd8448eb211c80319c"
        private static let field = "traceparent: 00-\(trace)-b7ad6b7169203331-01"

        /// Fairlead over one backend, with these options of `traces`.
        private func fairlead(
            _ stage: Stage, _ folder: TemporaryFolder, over port: UInt16, _ traces: String,
            _ more: String = "", environment: [String: String] = [:]
        ) throws -> Fairlead {
            let file = try folder.write(
                """
                workers: 1
                admin: 127.0.0.1:\(try FreePort.take())
                access-log: {to: \(folder.path("access.log"))}
                traces: {\(traces)}
                services: {web: {backends: ["127.0.0.1:\(port)"]\(more)}}
                listeners: [{listen: "127.0.0.1:\(try FreePort.take())", service: web}]
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(
                try Fairlead(arguments: ["run", "--config", file], environment: environment))
            try fairlead.waitForBackends(up: 1)
            return fairlead
        }

        private func spans(_ outcome: String, _ fairlead: Fairlead) throws -> Double {
            try fairlead.metric("fairlead_trace_spans_total", "outcome=\"\(outcome)\"")
        }

        @Test func `requests of curl by HTTP 1 and 2 are in the collector and in the log`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let backend = try stage.web("one")[0]
                let collector = stage.hold(try Collector("--field", "X-Key:secret-1"))
                let fairlead = try fairlead(
                    stage, folder, over: backend.port, "parents: all",
                    environment: [
                        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(collector.port)",
                        "OTEL_EXPORTER_OTLP_HEADERS": "X-Key=secret-1",
                        "OTEL_SERVICE_NAME": "edge",
                        "OTEL_RESOURCE_ATTRIBUTES": "team=a%20b,host.name=node-7",
                    ])
                let url = "http://127.0.0.1:\(fairlead.port)/a?b=c"
                for protocolOption in ["--http1.1", "--http2-prior-knowledge"] {
                    let answer = try curl(protocolOption, "-H", Self.field, url)
                    #expect(answer.said == "one", "\(answer.said)")
                }
                let spans = try collector.spans(4)
                #expect(spans.count == 4)
                #expect(spans.allSatisfy { $0.trace == Self.trace && $0.service == "edge" })
                #expect(
                    spans.allSatisfy {
                        $0.resource["team"] == "a b" && $0.resource["host.name"] == "node-7"
                            && $0.resource["service.instance.id"] != nil
                    })
                let requests = spans.filter { $0.kind == 2 }
                #expect(requests.allSatisfy { $0.parent == "b7ad6b7169203331" })
                #expect(
                    requests.map { $0.attributes["network.protocol.version"] } == ["1.1", "2"])
                let log = try #require(readFile(folder.path("access.log")))
                for request in requests {
                    #expect(request.name == "GET" && request.attributes["url.path"] == "/a")
                    #expect(spans.count { $0.kind == 3 && $0.parent == request.span } == 1)
                    #expect(log.contains("\"span_id\":\"\(request.span)\",\"sampled\":true"))
                }
                try waitFor("the spans are counted") {
                    try self.spans("sent", fairlead) == 4 ? () : nil
                }
                #expect(try !fairlead.page("/config").body.contains("secret-1"))
            }
        }

        @Test func `spans wait for a collector that is away, and are sent again`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let backend = try stage.web("one")[0]
                let port = try FreePort.take()
                let fairlead = try fairlead(
                    stage, folder, over: backend.port,
                    "to: \"http://127.0.0.1:\(port)/v1/traces\", sample: 100%")
                #expect(try get(port: fairlead.port).body == "one")
                try waitFor("it is told; fairlead said:\n\(fairlead.process.errors)") {
                    fairlead.process.errors.contains("traces.failing") ? () : nil
                }
                let collector = stage.hold(try Collector("--answer", "503,200", on: port))
                #expect(try collector.spans(2).count == 2)
                #expect(collector.refusals(503) == 1)
                try waitFor("it is told; fairlead said:\n\(fairlead.process.errors)") {
                    fairlead.process.errors.contains("traces.sent") ? () : nil
                }
                #expect(try spans("sent", fairlead) == 2)
            }
        }

        @Test func `a collector that refuses is reported, counted and costs nothing`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let backend = try stage.web("one")[0]
                let collector = stage.hold(try Collector("--answer", "400"))
                let fairlead = try fairlead(
                    stage, folder, over: backend.port,
                    "to: \"http://127.0.0.1:\(collector.port)\", sample: 100%")
                for _ in 0..<20 { #expect(try get(port: fairlead.port).body == "one") }
                try waitFor("all are counted") {
                    try self.spans("rejected", fairlead) == 40 ? () : nil
                }
                #expect(fairlead.process.errors.contains("cause=\"status 400\""))
                #expect(try spans("sent", fairlead) == 0)
            }
        }

        @Test func `a collector is reached by TLS, by a root of its own, and one that lies is not`()
            throws
        {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let backend = try stage.web("one")[0]
                let authority = stage.hold(try CertificateAuthority())
                try authority.issue("good", to: "/CN=good", "DNS:localhost")
                try authority.issue("other", to: "/CN=other", "DNS:other.test")
                for (name, isTrusted) in [("good", true), ("other", false)] {
                    let collector = stage.hold(
                        try Collector("--certificate", authority.path(name)))
                    let fairlead = try fairlead(
                        stage, folder, over: backend.port,
                        """
                        to: "https://localhost:\(collector.port)", sample: 100%, \
                        ca-file: \(authority.path)
                        """)
                    #expect(try get(port: fairlead.port).body == "one")
                    if isTrusted {
                        #expect(try collector.spans(2).count == 2)
                    } else {
                        try waitFor("it is told; fairlead said:\n\(fairlead.process.errors)") {
                            fairlead.process.errors.contains("no secure connection") ? () : nil
                        }
                    }
                }
            }
        }

        @Test func `a reload begins and ends tracing, and a stop sends what is left`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let backend = try stage.web("one")[0]
                let collector = stage.hold(try Collector())
                let fairlead = try fairlead(stage, folder, over: backend.port, "to: off")
                #expect(try get(port: fairlead.port).body == "one")
                let text = try #require(readFile(folder.path("fairlead.yaml")))
                try folder.write(
                    text.replacing(
                        "{to: off}",
                        with: "{to: \"http://127.0.0.1:\(collector.port)\", sample: 100%}"),
                    to: "fairlead.yaml")
                fairlead.process.signal(SIGHUP)
                try waitFor("it is applied; fairlead said:\n\(fairlead.process.errors)") {
                    fairlead.process.errors.contains("configuration.applied") ? () : nil
                }
                // A change reaches workers a moment after it is logged.
                try waitFor("a trace") {
                    #expect(try get("/traced", port: fairlead.port).body == "one")
                    let last = try #require(readFile(folder.path("access.log"))).split(
                        separator: "\n"
                    ).last
                    return last?.contains("\"sampled\":true") == true ? () : nil
                }
                #expect(try get("/last", port: fairlead.port).body == "one")
                fairlead.process.signal(SIGTERM)
                #expect(try fairlead.process.waitForExit() == .status(0))
                let paths = try collector.spans(4).compactMap { $0.attributes["url.path"] }
                #expect(paths.last == "/last" && !paths.contains("/"))
            }
        }
    }
}
