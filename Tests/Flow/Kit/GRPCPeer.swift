// gRPC as grpcio speaks it, on both ends: GRPC/peer.py, which says what the server offers and what
// the client can be asked for.

internal import Glibc
internal import TestSupport

/// A server of gRPC on 127.0.0.1, whose health service says SERVING to begin with. One thread.
final class GRPCPeer {
    /// The name by which its answers are signed.
    let name: String
    let port: UInt16
    private let options: [String]
    private var process: RunningProcess?

    /// Returns when it serves, by TLS with the certificate and key in `file` if there is one.
    init(_ name: String, securedBy file: String? = nil, hasHealth: Bool = true) throws {
        self.name = name
        port = try FreePort.take()
        options =
            (file.map { ["--certificate", $0, "--key", $0] } ?? [])
            + (hasHealth ? [] : ["--no-health"])
        try start()
    }

    /// Starts again after `stop` or `kill`, on the same port.
    func start() throws {
        let process = try RunningProcess(
            [try Self.python(), Self.script, "server", "\(port)", "--name", name] + options)
        self.process = process
        try process.waitForOutput(containing: "ready\n")
    }

    /// Ends it in order: it says goodbye and ends the calls that are under way.
    func stop() throws {
        process?.signal(SIGTERM)
        try process?.waitForExit()
    }

    /// Ends it between two instructions.
    func kill() throws {
        process?.signal(SIGKILL)
        try process?.waitForExit()
    }

    /// Has its health service answer `status` for `service` from now on; an empty one is all of
    /// the server.
    func setHealth(_ status: String, of service: String = "", trusting file: String? = nil) throws {
        let said = try Self.ask(port, ["set-health:\(service):\(status)"], trusting: file)
        guard said == ["set-health OK "] else { throw FlowError("\(name): \(said)") }
    }

    /// What a client says that does `steps` with the server at `port`: a line for each. With `file`
    /// it speaks TLS, and wants a certificate of `file` for `host`, by which it calls the server.
    static func ask(
        _ port: UInt16, _ steps: [String], trusting file: String? = nil, as host: String? = nil
    ) throws -> [String] {
        let options =
            (file.map { ["--ca", $0] } ?? []) + (host.map { ["--authority", $0] } ?? [])
        let client = try RunningProcess(
            [try python(), script, "client"] + options + ["127.0.0.1:\(port)"] + steps)
        guard try client.waitForExit() == .status(0) else { throw FlowError(client.transcript) }
        return client.output.split(separator: "\n", omittingEmptySubsequences: true)
            .map(String.init)
    }

    /// A client that runs beside the test; it ends with its last step.
    static func start(_ port: UInt16, _ steps: [String]) throws -> RunningProcess {
        try RunningProcess([try python(), script, "client", "127.0.0.1:\(port)"] + steps)
    }

    private static let script = PackageFolder.path + "/Tests/Flow/GRPC/peer.py"

    /// The Python that has grpcio.
    private static func python() throws -> String { try PyPITools.grpcio.path(of: "python") }
}
