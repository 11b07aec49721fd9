// What would silence the admin port, or open it to those who may not reach it.

import Testing

extension Flow {
    // Goal: health is told whatever half-sent requests are open, and no client of the data plane
    // gets to the admin port or round and round. Method: raw sockets that stop in the middle;
    // configurations and answers that name Fairlead itself.
    @Suite struct AdminShield {
        @Test(arguments: [
            "GET /health/live HTTP/1.1\r\nHost: loc", "G",
            "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1",
        ])
        func `64 half-sent requests lose no probe of 40`(half: String) throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(over: [web[0].port])
                let admin = try #require(fairlead.admin)
                var held: [RawSocket] = []
                var lost = 0
                for round in 0..<40 {
                    // Those that made room are sent again: there are 64 at each probe.
                    for _ in 0..<(round == 0 ? 64 : 2) {
                        let socket = try RawSocket(port: admin)
                        try socket.send(half)
                        held.append(socket)
                    }
                    for path in ["/health/live", "/health/ready"] {
                        if (try? fairlead.page(path))?.status != 200 { lost += 1 }
                    }
                }
                #expect(lost == 0)
                withExtendedLifetime(held) {}
            }
        }

        @Test func `health has places of its own when all connections are busy`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(over: [web[0].port])
                let admin = try #require(fairlead.admin)
                var held: [RawSocket] = []
                for _ in 0..<64 {
                    // They wait for an entry of the journal, or listen: 32 do, the others are idle
                    // soon, and then make room.
                    let socket = try RawSocket(port: admin)
                    try socket.send(
                        "GET /events?wait=30&after=99999 HTTP/1.1\r\nHost: localhost\r\n"
                            + "Accept: text/event-stream\r\n\r\n")
                    held.append(socket)
                }
                for _ in 0..<40 {
                    #expect(try fairlead.page("/health/live").status == 200)
                    #expect(try fairlead.page("/health/ready").status == 200)
                }
                withExtendedLifetime(held) {}
            }
        }

        @Test func `the admin port named as a backend is left out, and the page says why`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let admin = try FreePort.take()
                let fairlead = stage.hold(
                    try Fairlead(arguments: [
                        "run", "--workers", "1", "--admin", "127.0.0.1:\(admin)",
                        "--listen", "127.0.0.1:\(try FreePort.take())",
                        "--backend", "127.0.0.1:\(admin)", "--backend", "127.0.0.1:\(web[0].port)",
                    ]))
                try fairlead.waitForBackends(up: 1)
                #expect(try fairlead.backends().count == 1)
                #expect(try fairlead.bodies(of: 6) == ["one": 6])
                let stats = try fairlead.page("/stats").body
                #expect(
                    stats.contains(
                        "127.0.0.1:\(admin) is left out: it is this Fairlead's own admin port."))
            }
        }

        @Test func `a listener named as its own backend does not go round and round`() throws {
            try withStage { stage in
                let port = try FreePort.take()
                var record = SRVRecord(try stage.web("one")[0])
                record.port = port
                let named = try stage.named([record])
                let fairlead = stage.hold(
                    try Fairlead(arguments: [
                        "run", "--workers", "1", "--admin", "127.0.0.1:\(try FreePort.take())",
                        "--listen", "127.0.0.1:\(port)", "--service", SRVRecord.service,
                        "--dns", "127.0.0.1:\(named.port)",
                    ]))
                try waitFor("the answer") {
                    try fairlead.page("/stats").body.contains("which leads to") ? () : nil
                }
                #expect(try fairlead.backends().isEmpty)
                #expect(try get(port: fairlead.port).status == 503)
            }
        }

        @Test func `explain says that the admin port is left out`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let admin = try FreePort.take()
                var record = SRVRecord(web[0])
                record.port = admin
                let named = try stage.named([SRVRecord(web[0]), record])
                let explained = try RunningProcess(
                    [
                        Fairlead.program(), "explain", SRVRecord.service,
                        "--dns", "127.0.0.1:\(named.port)",
                    ], environment: ["FAIRLEAD_ADMIN": "127.0.0.1:\(admin)"])
                try explained.waitForExit()
                #expect(
                    explained.output.contains(
                        "127.0.0.1:\(admin) is left out: it is this Fairlead's own admin port"),
                    "\(explained.transcript)")
            }
        }

        @Test func `what a proxy has passed on gets no answer from the admin port`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let edge = try stage.fairlead(over: [web[0].port])
                let admin = try #require(edge.admin)
                // Another Fairlead, which can't know whose port that is.
                let outer = try stage.fairlead(over: [admin])
                let answer = try get("/stats", port: outer.port)
                #expect(answer.status == 403)
                let open = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(web[0].port)"],
                    environment: ["FAIRLEAD_ADMIN_BEHIND_PROXY": "on"])
                let behind = try #require(open.admin)
                let front = try stage.fairlead(over: [behind])
                let passed = try HTTPConnection(port: front.port, host: "localhost")
                    .request("GET", "/stats", headers: ["Connection: close"])
                #expect(passed.status == 200)
            }
        }
    }
}
