// The rules of HTTP/1.1 on the wire: each file in Cases is a scene between a client, Fairlead and a
// backend, in the language of varnishtest, which was made for caches and knows what they get wrong.

internal import FoundationEssentials
import Testing

extension Flow {
    // Goal: what is valid gets through with its meaning, and its malformed twin gets nowhere.
    // Method: varnishtest plays client and backend. A twin is sent while the backend accepts
    // nothing: passed on, it would get no answer, and the case would fail.
    @Suite struct Wire {
        private static let folder = "\(#filePath.dropLast("WireTests.swift".count))Cases"
        private static let cases: [String] =
            ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()

        @Test func `there are cases`() {
            #expect(Self.cases.count >= 39)
            #expect(Self.cases.allSatisfy { $0.hasSuffix(".vtc") })
        }

        @Test(arguments: cases) func `the case holds`(name: String) throws {
            try withStage { stage in
                let backend = try FreePort.take()
                let tunnels = try FreePort.take()
                let fairlead = try stage.fairlead(uncheckedOver: backend, tunnels: tunnels)
                let play = stage.hold(
                    try RunningProcess([
                        "varnishtest", "-t", "\(safetyLimit.components.seconds)",
                        "-D", "proxy=\(fairlead.port)", "-D", "backend=\(backend)",
                        "-D", "tunnels=\(tunnels)",
                        "\(Self.folder)/\(name)",
                    ]))
                let exit = try play.waitForExit(limit: safetyLimit + .seconds(5))
                #expect(
                    exit == .status(0),
                    "\(play.transcript)\nfairlead:\n\(fairlead.process.transcript)")
            }
        }
    }
}

extension Stage {
    /// Fairlead over one backend on 127.0.0.1 that its checks leave alone, so that every connection
    /// to the backend is there for a request: they connect to the admin port instead. A second
    /// listener, on the port `tunnels` if that is given, allows CONNECT.
    func fairlead(uncheckedOver backend: UInt16, tunnels: UInt16? = nil) throws -> Fairlead {
        let second = tunnels.map {
            "  - {listen: \"127.0.0.1:\($0)\", service: wire, connect: on}\n"
        }
        let folder = try TemporaryFolder()
        let admin = try FreePort.take()
        let file = try folder.write(
            """
            workers: 1
            admin: 127.0.0.1:\(admin)
            services:
              wire: {backends: ["127.0.0.1:\(backend)"], check: {port: \(admin)}}
            listeners:
              - {listen: "127.0.0.1:\(try FreePort.take())", service: wire}
            \(second ?? "")
            """, to: "fairlead.yaml")
        let fairlead = hold(
            try Fairlead(
                arguments: ["run", "--config", file], listeners: tunnels == nil ? 1 : 2))
        try fairlead.waitForBackends(up: 1)
        return fairlead
    }
}
