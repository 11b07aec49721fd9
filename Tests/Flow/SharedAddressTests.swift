// Two processes on the same addresses, of which one takes over from the other.

internal import Glibc
internal import TestSupport
internal import Testing

extension Flow {
    // Goal: `share-addresses` lets one process take the place of another, the admin port included,
    // which only one can have. Method: a second one beside the first, load all the while, then a
    // stop.
    @Suite struct SharedAddresses {
        private static let sharing = ["FAIRLEAD_SHARE_ADDRESSES": "on"]

        /// The arguments of a process on these ports.
        private func arguments(_ port: UInt16, admin: UInt16, backend: UInt16) -> [String] {
            [
                "run", "--workers", "1", "--listen", "127.0.0.1:\(port)", "--admin",
                "127.0.0.1:\(admin)", "--backend", "127.0.0.1:\(backend)",
            ]
        }

        /// A first process, and what it takes to start a second one on the same addresses.
        private struct Shared {
            let port: UInt16
            let admin: UInt16
            let first: Fairlead
            let startSecond: () throws -> RunningProcess
        }

        private func share(_ stage: Stage) throws -> Shared {
            let web = try stage.web("one")
            let (port, admin) = (try FreePort.take(), try FreePort.take())
            let arguments = arguments(port, admin: admin, backend: web[0].port)
            let first = stage.hold(
                try Fairlead(arguments: arguments, environment: Self.sharing))
            return Shared(port: port, admin: admin, first: first) {
                stage.hold(try Fairlead.start(arguments, environment: Self.sharing))
            }
        }

        @Test func `a second process serves at once, and has the admin port when the first goes`()
            throws
        {
            try withStage { stage in
                let shared = try share(stage)
                let (port, admin, first) = (shared.port, shared.admin, shared.first)
                let load = Load { _ in
                    {
                        let response = try get(port: port)
                        return response.status == 200 ? nil : "\(response)"
                    }
                }
                try load.start(clients: 2)
                try load.awaitMore(20)
                let second = try shared.startSecond()
                try second.waitForOutput(containing: "admin.waiting listen=127.0.0.1:\(admin)")
                #expect(second.errors.contains("listener.open listen=127.0.0.1:\(port)"))
                #expect(try getAdmin("/health/live", port: admin).status == 200)
                try load.awaitMore(20)
                first.process.signal(SIGTERM)
                #expect(try first.process.waitForExit() == .status(0))
                try second.waitForOutput(containing: "admin.open listen=127.0.0.1:\(admin)")
                try waitFor("the admin port") {
                    (try? getAdmin("/health/ready", port: admin))?.status == 200 ? () : nil
                }
                try load.awaitMore(20)
                try load.stop()
                #expect(load.failures == [], "\(second.transcript)")
                second.signal(SIGTERM)
                #expect(try second.waitForExit() == .status(0))
            }
        }

        @Test func `a process that waits for the admin port stops as any other`() throws {
            try withStage { stage in
                let shared = try share(stage)
                let second = try shared.startSecond()
                try second.waitForOutput(containing: "admin.waiting")
                second.signal(SIGTERM)
                #expect(try second.waitForExit() == .status(0))
                #expect(!second.errors.contains("admin.open"))
                #expect(try shared.first.readiness() == 200)
            }
        }

        @Test func `without the option a second process does not start, and says why`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(["--backend", "127.0.0.1:\(web[0].port)"])
                let second = stage.hold(
                    try Fairlead.start(
                        arguments(
                            try FreePort.take(), admin: try #require(fairlead.admin),
                            backend: web[0].port)))
                #expect(try second.waitForExit() == .status(1))
                #expect(second.errors.contains("something else listens there"))
            }
        }
    }
}
