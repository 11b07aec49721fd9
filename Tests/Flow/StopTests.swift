// The end: what is in flight is finished, unless the operator insists.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: stopping refuses the new, finishes the old, and reports success.
    // Method: a response that is halfway through when the signal comes.
    @Suite struct Stop {
        @Test(arguments: [SIGTERM, SIGINT])
        func `a signal lets what is in flight finish, and the exit status is 0`(number: Int32)
            throws
        {
            try withStage { stage in
                let gate = try Gate()
                let slow = stage.hold(try ScriptedBackend.halfway(gate))
                let fairlead = try stage.fairlead(over: [slow.port])
                let client = try beginRequest(fairlead)

                fairlead.process.signal(number)
                try waitForRefusal(fairlead)
                #expect(fairlead.process.exit == nil)
                gate.open()

                #expect(try client.receive(exactly: 6) == Array("second".utf8))
                #expect(try client.receiveToEnd().isEmpty)
                #expect(try fairlead.process.waitForExit() == .status(0))
            }
        }

        // A client that reads late is slower than the 2 s for which a connection is kept once its
        // client has everything. SIGUSR2 starts a successor, and ends this process like SIGTERM.
        @Test(arguments: [SIGTERM, SIGUSR2])
        func `a client that reads late gets all of its last answer`(number: Int32) throws {
            try withStage { stage in
                let total = 1 << 20
                let large = stage.hold(
                    try ScriptedBackend { socket, _ in
                        while try socket.receive(through: "\r\n\r\n") != nil {
                            try socket.send(
                                "HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
                            try socket.send([UInt8](repeating: 7, count: total))
                        }
                    })
                let fairlead = try stage.fairlead(over: [large.port])
                let process = fairlead.process
                defer { signalSuccessor(of: process, SIGKILL) }
                let client = try RawSocket(port: fairlead.port)
                try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                let head = try #require(try client.receive(through: "\r\n\r\n"))
                #expect(head.hasPrefix("HTTP/1.1 200"))
                process.signal(number)
                try waitFor("the end begins") { () -> Void? in
                    let log = process.errors
                    return log.contains("drain") || log.contains("process.took_over")
                        || log.contains("process.stopping") ? () : nil
                }
                sleep(3)
                #expect(try client.receiveToEnd().count == total, "\(process.transcript)")
                #expect(try process.waitForExit() == .status(0))
            }
        }

        @Test func `a second signal ends it at once`() throws {
            try withStage { stage in
                let gate = try Gate()
                defer { gate.open() }
                let slow = stage.hold(try ScriptedBackend.halfway(gate))
                let fairlead = try stage.fairlead(over: [slow.port])
                let client = try beginRequest(fairlead)

                fairlead.process.signal(SIGTERM)
                try waitForRefusal(fairlead)
                #expect(fairlead.process.exit == nil)
                fairlead.process.signal(SIGTERM)

                // The gate is still shut: only leaving the request behind can end the program.
                #expect(try fairlead.process.waitForExit() == .status(128 + SIGTERM))
                withExtendedLifetime(client) {}
            }
        }

        @Test func `an idle keep-alive connection does not hold it up`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(over: [web[0].port])
                let idle = try HTTPConnection(port: fairlead.port)
                #expect(try idle.request().body == "one")
                fairlead.process.signal(SIGTERM)
                #expect(try idle.socket.receiveToEnd().isEmpty)
                #expect(try fairlead.process.waitForExit() == .status(0))
            }
        }

        /// Sends a request and waits until its response has begun.
        private func beginRequest(_ fairlead: Fairlead) throws -> RawSocket {
            let client = try RawSocket(port: fairlead.port)
            try client.send("GET / HTTP/1.1\r\nHost: flow.example.test\r\n\r\n")
            guard try client.receive(through: "first-") != nil else {
                throw FlowError("no response:\n\(fairlead.process.transcript)")
            }
            return client
        }

        /// Waits until new connections are refused.
        private func waitForRefusal(_ fairlead: Fairlead) throws {
            try waitFor("fairlead to stop listening") { () -> Void? in
                (try? RawSocket(port: fairlead.port)) == nil ? () : nil
            }
        }
    }
}
