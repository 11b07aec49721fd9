// Knot DNS: a third authoritative server by other hands.

/// `knotd` on 127.0.0.1, authoritative for `flow.example` with a fixed set of records.
final class Knotd: Sendable {
    let port: UInt16
    private let folder: TemporaryFolder
    private let process: RunningProcess

    /// Returns when the server answers.
    /// - Parameter timeToLive: seconds, of every record.
    init(_ records: [SRVRecord], timeToLive: Int = 1) throws {
        port = try FreePort.take()
        folder = try TemporaryFolder()
        try folder.write(zoneText(records, timeToLive), to: "flow.example.zone")
        let configuration = try folder.write(
            """
            server:
                rundir: "\(folder.path(""))"
                listen: 127.0.0.1@\(port)
            database:
                storage: "\(folder.path(""))"
            log:
              - target: stderr
                any: info
            zone:
              - domain: flow.example
                storage: "\(folder.path(""))"
                file: "flow.example.zone"
                zonefile-load: whole
                journal-content: none
            """, to: "knot.conf")
        process = try RunningProcess(["knotd", "-c", configuration])
        try process.waitForOutput(containing: "server started")
    }
}
