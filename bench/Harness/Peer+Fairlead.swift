// Fairlead's configuration for a setup. Checks are off, since the peers make none either.

extension Peer {
    /// The built program.
    static func fairlead(_ program: String) -> Peer {
        Peer(name: "fairlead", version: [program, "--version"]) { setup in
            var lines = [
                "admin: 127.0.0.1:\(setup.port + 1)",
                "workers: 1",
                "defaults:",
                "  check: {type: off}",
                "  timeouts: {backend-idle: 1m}",
                "  forwarding: {via: off}",
                "  limits: {connections: \(setup.connections)}",
            ]
            if setup.hasAccessLog {
                lines.append("access-log: {to: \(setup.logPath), format: combined}")
            }
            lines.append("services:")
            if setup.services > 1 {
                for index in 0..<setup.services {
                    lines.append(
                        "  s\(index): {backends: [\"\(Setup.address(index)):\(setup.origin)\"]}")
                }
            } else {
                let places = setup.endpoints.map { "\"\($0)\"" }.joined(separator: ", ")
                let protocolOfOrigin = setup.originSpeaksHTTP2 ? ", protocol: h2" : ""
                lines.append("  web: {backends: [\(places)]\(protocolOfOrigin)}")
            }
            lines += ["listeners:", "  - listen: 127.0.0.1:\(setup.port)"]
            lines.append("    mode: \(setup.mode == .http ? "http" : "tcp")")
            if let certificate = setup.certificate {
                let files = "cert: \(certificate.chain), key: \(certificate.key)"
                let (more, strict) =
                    certificate.folder.map { (", \($0)", ", strict-sni: on") } ?? ("", "")
                lines.append("    tls: {certificates: [{\(files)}\(more)]\(strict)}")
            }
            if setup.services > 1 {
                lines.append("    routes:")
                for index in 0..<setup.services {
                    lines.append("      - {host: \(Setup.host(index)), service: s\(index)}")
                }
            } else {
                lines.append("    service: web")
            }
            let file = try write(
                lines.joined(separator: "\n") + "\n", as: "fairlead.yaml", of: setup)
            return [program, "run", "--config", file]
        }
    }
}
