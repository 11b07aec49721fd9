// The cast before the play: when one of these fails, a flow test's failure says nothing about
// Fairlead.

import TestSupport
import Testing

/// Flows of traffic and of operation, one at a time: each has servers and load of its own, and the
/// machine may have two cores.
@Suite("Flow", .serialized) struct Flow {}

/// Flows of what Fairlead follows: name servers, Consul, engines of containers, certificate
/// authorities. They go one at a time beside the others, since they wait for most of their time.
@Suite("Following", .serialized) struct Following {}

extension Flow {
    // Goal: the servers and clients of the flow tests behave as those tests assume.
    // Method: each one on its own, and HAProxy where the proxy will stand.
    @Suite struct Kit {
        @Test func `a proxy that takes turns is seen to take turns`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two", "three")
                let port = try FreePort.take()
                let servers = web.map { "    server \($0.name) 127.0.0.1:\($0.port)\n" }.joined()
                let folder = try TemporaryFolder()
                let configuration = try folder.write(
                    """
                    defaults
                        mode http
                        timeout connect 5s
                        timeout client 5s
                        timeout server 5s
                    listen web
                        bind 127.0.0.1:\(port)
                    \(servers)
                    """, to: "haproxy.cfg")
                let haproxy = stage.hold(
                    try RunningProcess(["haproxy", "-db", "-f", configuration]))
                try waitFor("haproxy:\n\(haproxy.transcript)") { try? get(port: port) }
                // nginx writes its line after the answer; that of the first is not to be counted
                // below.
                try waitFor("the first line") { web.contains { $0.requests > 0 } ? () : nil }
                let before = web.map(\.requests)

                let connection = try HTTPConnection(port: port)
                var counts: [String: Int] = [:]
                for _ in 0..<30 { counts[try connection.request().body, default: 0] += 1 }

                #expect(counts == ["one": 10, "two": 10, "three": 10])
                try waitFor("the access logs") {
                    zip(web, before).allSatisfy { $0.requests - $1 == 10 } ? () : nil
                }
            }
        }

        @Test func `named answers, changes its zone, and says NXDOMAIN when the service is gone`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let named = try stage.named([SRVRecord(web[0], priority: 2, weight: 7)])
                #expect(try dig(named.port) == ["2 7 \(web[0].port) one.flow.example."])
                try named.add(SRVRecord(web[1]))
                #expect(try dig(named.port).count == 2)
                try named.delete(SRVRecord(web[0], priority: 2, weight: 7))
                #expect(try dig(named.port) == ["1 1 \(web[1].port) two.flow.example."])
                try named.deleteAll()
                #expect(
                    try dig(named.port, "+comments", "+noshort").contains {
                        $0.contains("NXDOMAIN")
                    })
                try named.freeze()
                #expect(throws: FlowError.self) { try dig(named.port) }
                named.thaw()
                try named.add(SRVRecord(web[0]))
                #expect(try dig(named.port).count == 1)
            }
        }

        @Test func `dnsmasq answers`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let dnsmasq = stage.hold(try Dnsmasq([SRVRecord(web[0], priority: 3, weight: 4)]))
                #expect(try dig(dnsmasq.port) == ["3 4 \(web[0].port) one.flow.example."])
            }
        }

        @Test func `nginx dies at once and comes back under its port`() throws {
            try withStage { stage in
                let web = try stage.web("one")[0]
                try web.kill()
                #expect(throws: FlowError.self) { try get(port: web.port) }
                try web.start()
                #expect(try get(port: web.port).body == "one")
            }
        }

        @Test func `scripted backends do as they are told`() throws {
            try withStage { stage in
                let gate = try Gate()
                let echo = stage.hold(try ScriptedBackend.echoingBodies())
                let connection = try HTTPConnection(port: echo.port)
                let chunked = ["Transfer-Encoding: chunked"]
                #expect(
                    try connection.request("POST", headers: ["Content-Length: 3"], body: "abc").body
                        == "abc")
                #expect(
                    try connection.request("POST", headers: chunked, body: "2\r\nde\r\n0\r\n\r\n")
                        .body
                        == "de")
                #expect(echo.requests == 2)

                let slow = stage.hold(try ScriptedBackend.halfway(gate))
                let waiting = try HTTPConnection(port: slow.port)
                try waiting.socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try waiting.socket.receive(through: "first-") != nil)
                gate.open()
                #expect(try waiting.socket.receive(exactly: 6) == Array("second".utf8))

                let plain = stage.hold(try ScriptedBackend.echoingAtEnd())
                let client = try RawSocket(port: plain.port)
                try client.send("hello")
                client.endSending()
                #expect(
                    String(decoding: try client.receiveToEnd(), as: UTF8.self) == "you said: hello")
            }
        }

        @Test func `wrk counts what succeeds and what does not`() throws {
            try withStage { stage in
                let web = try stage.web("one")[0]
                func awaitMore() throws {
                    let before = web.requests
                    try waitFor("load") { web.requests > before + 100 ? () : nil }
                }
                let first = try Wrk(port: web.port)
                try awaitMore()
                let good = try first.result()
                #expect(good.requests > 0 && good.failures == 0)
                let load = try Wrk(port: web.port)
                try awaitMore()
                try web.kill()
                // That it asks again shows that it has met the end of the one before.
                try web.start()
                try awaitMore()
                #expect(load.isRunning)
                #expect(try load.result().failures > 0)
            }
        }

        @Test func `a report of wrk is read whole`() {
            let report = """
                  12 requests in 1.00s, 1.9KB read
                  Socket errors: connect 1, read 2, write 3, timeout 4
                  Non-2xx or 3xx responses: 5
                """
            #expect(
                Wrk.Result(report)
                    == Wrk.Result(
                        requests: 12, refused: 5, connectErrors: 1, readErrors: 2, writeErrors: 3,
                        timeouts: 4))
            #expect(Wrk.Result("unable to connect to 127.0.0.1:1") == nil)
        }

        @Test(arguments: [false, true])
        func `a client of gRPC gets of its server what it asks for`(isSecure: Bool) throws {
            try withStage { stage in
                let files = stage.hold(try CertificateFiles())
                if isSecure { try files.make("peer", for: ["peer.test"], rsa: true) }
                let file = isSecure ? files.path("peer") : nil
                let peer = stage.hold(try GRPCPeer("one", securedBy: file))
                let lines = try GRPCPeer.ask(
                    peer.port,
                    [
                        "echo:a:b", "size:1000000", "down:9:1000", "up:9:1000", "chat:9:1000",
                        "fail:ABORTED:a: b", "fail-late:INTERNAL:c", "sleep:0:", "cancel:3",
                        "cancelled:1", "many:40:8", "health:", "health:nobody",
                        "set-health:web:NOT_SERVING", "health:web",
                    ], trusting: file, as: isSecure ? "peer.test" : nil)
                #expect(
                    lines == [
                        "echo OK a:b", "size OK 1000000 bytes", "down OK 9 messages",
                        "up OK 9 messages, 9000 bytes", "chat OK 9 messages",
                        "fail ABORTED a: b "
                            + #"[["x-served-by", "one"], ["detail-bin", "00ff613a2062"]]"#,
                        "fail-late INTERNAL c "
                            + #"[["x-served-by", "one"], ["detail-bin", "00ff63"]]"#,
                        "sleep OK no deadline", "cancel OK 3 messages", "cancelled OK 1",
                        "many OK 40 OK from one", "health OK SERVING", "health NOT_FOUND  []",
                        "set-health OK ", "health OK NOT_SERVING",
                    ])
                try peer.stop()
            }
        }

        private func dig(_ port: UInt16, _ flags: String...) throws -> [String] {
            try RunningProcess.run(
                [
                    "dig", "@127.0.0.1", "-p", "\(port)", "+time=1", "+tries=1", "+short",
                    SRVRecord.service, "SRV",
                ] + flags
            )
            .split(separator: "\n").map(String.init)
        }
    }
}
