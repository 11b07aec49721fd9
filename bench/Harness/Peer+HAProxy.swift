// HAProxy's configuration for a setup. `splice-auto` does not splice at all at these sizes (2.6),
// so the splicing variant has the two options that always do.

internal import FoundationEssentials

extension Peer {
    /// HAProxy from wherever `program` is.
    static func haproxy(_ name: String, program: String, splices: Bool = false) -> Peer {
        Peer(name: name, version: [program, "-v"]) { setup in
            var lines = [
                "global", "    nbthread 1", "    maxconn \(setup.connections)",
                // Its own HTTP client would read the system's certificates at the start.
                "defaults",
                "    mode \(setup.mode == .http ? "http" : "tcp")",
                "    timeout connect 5s", "    timeout client 60s", "    timeout server 60s",
            ]
            if setup.mode == .http {
                lines += [
                    "    http-reuse always", "    option http-keep-alive", "    option forwardfor",
                ]
            }
            if splices { lines += ["    option splice-response", "    option splice-request"] }
            if setup.hasAccessLog {
                lines += ["    log stdout format raw local0", "    option httplog"]
            }
            let secure = setup.certificate.map {
                " ssl crt \($0.both) ssl-min-ver TLSv1.3 ciphersuites TLS_AES_128_GCM_SHA256 "
                    + "curves X25519" + ($0.folder.map { " crt \($0) strict-sni" } ?? "")
            }
            let second =
                !setup.speaksHTTP2 ? "" : setup.certificate == nil ? " proto h2" : " alpn h2"
            lines += ["frontend in", "    bind 127.0.0.1:\(setup.port)\(secure ?? "")\(second)"]
            if setup.services > 1 {
                let map = (0..<setup.services).map { "\(Setup.host($0)) s\($0)\n" }.joined()
                let path = try write(map, as: "\(name).map", of: setup)
                lines.append("    use_backend %[req.hdr(host),lower,map(\(path))]")
                for index in 0..<setup.services {
                    lines += [
                        "backend s\(index)",
                        "    server s \(Setup.address(index)):\(setup.origin)",
                    ]
                }
            } else {
                lines += ["    default_backend web", "backend web", "    balance roundrobin"]
                for (index, endpoint) in setup.endpoints.enumerated() {
                    lines.append(
                        "    server s\(index) \(endpoint)"
                            + (setup.originSpeaksHTTP2 ? " proto h2" : ""))
                }
            }
            let file = try write(
                lines.joined(separator: "\n") + "\n", as: "\(name).cfg", of: setup)
            return [program, "-db", "-f", file]
        }
    }
}
