// Unbound: a cache before the real server, as most machines have one: records' times to live count
// down, and what it has not asked for in a while is not in its additional section.

/// `unbound` on 127.0.0.1, which asks another server of this machine about `flow.example`.
final class Unbound: Sendable {
    let port: UInt16
    private let folder: TemporaryFolder
    private let process: RunningProcess

    /// Returns when it answers.
    /// - Parameter upstream: the port of the authoritative server.
    init(before upstream: UInt16) throws {
        port = try FreePort.take()
        folder = try TemporaryFolder()
        let configuration = try folder.write(
            """
            server:
                interface: 127.0.0.1
                port: \(port)
                num-threads: 1
                do-daemonize: no
                username: ""
                chroot: ""
                directory: "\(folder.path(""))"
                pidfile: ""
                use-syslog: no
                logfile: ""
                verbosity: 1
                access-control: 127.0.0.0/8 allow
                do-not-query-localhost: no
                module-config: "iterator"
            remote-control:
                control-enable: no
            stub-zone:
                name: "flow.example"
                stub-addr: 127.0.0.1@\(upstream)
            """, to: "unbound.conf")
        process = try RunningProcess(["unbound", "-d", "-c", configuration])
        try process.waitForOutput(containing: "start of service")
    }
}
