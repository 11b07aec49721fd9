// Fairlead with nothing but what it can't do without: where to listen, whom to ask, for what name.

extension Peer {
    /// By SRV records.
    static func fairlead(_ program: String, named name: String = "fairlead") -> Peer {
        Peer(name: name, version: [program, "--version"]) { setup in
            let source = [
                "--service", setup.discovery.service, "--dns", "127.0.0.1:\(setup.dnsPort)",
            ]
            return fairleadCommand(program, source, setup)
        }
    }

    /// By SRV records, for clients of HTTP/2.
    static func fairleadByHTTP2(_ program: String) -> Peer {
        var peer = fairlead(program, named: "fairlead-h2")
        peer.clientProtocol = .http2
        return peer
    }

    /// By Consul's HTTP API.
    static func fairleadByAPI(_ program: String) -> Peer {
        Peer(
            name: "fairlead-api", version: [program, "--version"], discoveries: [.consul]
        ) { setup in
            var command = fairleadCommand(program, ["--consul", "web?passing"], setup)
            command.environment["FAIRLEAD_CONSUL_AGENTS"] = "127.0.0.1:\(ConsulRegistry.httpPort)"
            return command
        }
    }
}

private func fairleadCommand(_ program: String, _ source: [String], _ setup: Setup) -> Command {
    var environment = setup.checksByHTTP ? ["FAIRLEAD_CHECK_PATH": "/health"] : [:]
    if setup.sharesPort { environment["FAIRLEAD_SHARE_ADDRESSES"] = "on" }
    if let workers = setup.workers { environment["FAIRLEAD_WORKERS"] = "\(workers)" }
    environment.merge(setup.settings) { _, new in new }
    let places = [
        "--listen", "127.0.0.1:\(setup.port)", "--admin", "127.0.0.1:\(setup.adminPort)",
    ]
    return Command(words: [program, "run"] + places + source, environment: environment)
}
