// dnsmasq: a second DNS server by other hands, with other habits (records come with a time to live
// of 0, and targets in the additional section).

/// `dnsmasq` on 127.0.0.1 with a fixed set of records.
final class Dnsmasq: Sendable {
    let port: UInt16
    private let process: RunningProcess

    /// Returns when the server answers.
    init(_ records: [SRVRecord]) throws {
        port = try FreePort.take()
        let server = [
            "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--port=\(port)",
            "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
            "--log-facility=-",
        ]
        let data = records.flatMap { record in
            let target = "\(record.host).flow.example"
            return [
                "--srv-host=\(SRVRecord.service),\(target),"
                    + "\(record.port),\(record.priority),\(record.weight)",
                "--host-record=\(target),127.0.0.1",
            ]
        }
        process = try RunningProcess(server + data)
        try process.waitForOutput(containing: "started")
    }
}
