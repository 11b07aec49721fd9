// `fairlead backend`, the built program: it serves behind the proxy and ends as processes should.

import Glibc
import Testing

extension Flow {
    // Goal: the command starts, answers through the proxy, and ends with 0 on SIGTERM.
    // Method: two of them behind one proxy, by their names.
    @Suite struct BackendCommand {
        @Test func `backends by the command serve behind the proxy`() throws {
            try withStage { stage in
                let ports = [try FreePort.take(), try FreePort.take()]
                var backends: [RunningProcess] = []
                for (index, port) in ports.enumerated() {
                    let backend = stage.hold(
                        try Fairlead.start([
                            "backend", "--listen", "127.0.0.1:\(port)", "--name", "b\(index)",
                        ]))
                    try waitFor("the backend; it said:\n\(backend.transcript)") { () -> Void? in
                        backend.transcript.contains(" backend.started listen=127.0.0.1:\(port) ")
                            ? () : nil
                    }
                    backends.append(backend)
                }
                let fairlead = try stage.fairlead(over: ports)
                try fairlead.waitForBackends(up: 2)
                let client = try HTTPConnection(port: fairlead.port)
                var names: [String] = []
                for _ in 0..<4 { names.append(try client.request("GET", "/").body) }
                #expect(names.sorted() == ["b0\n", "b0\n", "b1\n", "b1\n"])
                let bytes = try client.request("GET", "/chunked/100000").body
                #expect(bytes.utf8.count == 100_000)

                for backend in backends {
                    backend.signal(SIGTERM)
                    #expect(try backend.waitForExit() == .status(0))
                }
            }
        }

        @Test func `a backend listens on a name of this machine, and top finds a port by name`()
            throws
        {
            try withStage { stage in
                let port = try FreePort.take()
                let backend = stage.hold(
                    try Fairlead.start(["backend", "--listen", "localhost:\(port)"]))
                try waitFor("the backend; it said:\n\(backend.transcript)") { () -> Void? in
                    backend.transcript.contains(" backend.started ") ? () : nil
                }
                let fairlead = try stage.fairlead(["--backend", "localhost:\(port)"])
                try fairlead.waitForBackends(up: 1)
                let admin = try #require(fairlead.admin)
                let top = try Fairlead.start(["top", "--admin", "localhost:\(admin)", "--once"])
                #expect(try top.waitForExit() == .status(0), "\(top.transcript)")
                #expect(top.output.contains(":\(port)"))
            }
        }

        @Test func `a port in use and a bad flag are told, each with its exit code`() throws {
            try withStage { stage in
                let taken = try FreePort.take()
                let first = stage.hold(
                    try Fairlead.start(["backend", "--listen", "127.0.0.1:\(taken)"]))
                try waitFor("the backend; it said:\n\(first.transcript)") { () -> Void? in
                    first.transcript.contains(" backend.started ") ? () : nil
                }
                let second = try Fairlead.start(["backend", "--listen", "127.0.0.1:\(taken)"])
                #expect(try second.waitForExit() == .status(1))
                #expect(second.transcript.contains("cannot listen on"))
                let third = try Fairlead.start(["backend", "--listen", "somewhere"])
                #expect(try third.waitForExit() == .status(2))
                #expect(third.transcript.contains("found \"somewhere\", expected an address"))
                let fourth = try Fairlead.start(["backend", "--listen", "nowhere.invalid:80"])
                #expect(try fourth.waitForExit() == .status(2))
                #expect(fourth.transcript.contains("--listen: found \"nowhere.invalid:80\": "))
            }
        }
    }
}
