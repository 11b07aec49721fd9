// Names of hosts, end to end: what /etc/hosts, resolv.conf and a nameserver say of them, and how
// changes of each are followed.

internal import DNSWire
internal import Endpoints
internal import TestSupport
import Testing

extension Following {
    // Goal: a name that works beside Fairlead works in it, and goes on working when its address
    // changes. Method: a mount namespace with an /etc of the test's own, a scripted nameserver on
    // port 53 of a loopback address, and backends that say their names.
    @Suite(.enabled(if: OwnNames.isPossible)) struct HostNames {
        /// Backends that say on which of these addresses, and at one port, they are asked.
        private func backends(_ stage: Stage, at addresses: [String]) throws -> UInt16 {
            let port = try FreePort.take()
            for address in addresses {
                let listen = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
                let process = try Fairlead.start(
                    ["backend", "--listen", listen, "--name", address])
                _ = stage.hold(process)
            }
            return port
        }

        private func fairlead(
            _ stage: Stage, _ names: OwnNames, _ flags: [String],
            environment: [String: String] = [:]
        ) throws -> Fairlead {
            let places = [
                "run", "--workers", "1", "--listen", "127.0.0.1:\(try FreePort.take())",
                "--admin", "127.0.0.1:\(try FreePort.take())",
            ]
            return stage.hold(
                try Fairlead(
                    command: names.command([Fairlead.program()] + places + flags),
                    environment: environment))
        }

        private func waitForTraffic(
            _ what: String, _ fairlead: Fairlead, from name: String
        ) throws {
            try waitFor("\(what); fairlead said:\n\(fairlead.process.transcript)") { () -> Void? in
                let answer = try? get(port: fairlead.port)
                return answer?.status == 200 && answer?.body.hasPrefix("\(name)\n") == true
                    ? () : nil
            }
        }

        @Test func `a host of the hosts file is found without DNS, and its new address followed`()
            throws
        {
            try withStage { stage in
                let port = try backends(stage, at: ["127.0.0.31", "127.0.0.32"])
                let names = try OwnNames(
                    hosts: "127.0.0.31 host.docker.internal gateway # extra_hosts\n",
                    resolvConf: "nameserver NS\n")
                let fairlead = try fairlead(
                    stage, names, ["--backend", "host.docker.internal:\(port)"])
                try waitForTraffic("the first address", fairlead, from: "127.0.0.31")
                try names.writeHosts("127.0.0.32 host.docker.internal\n")
                try waitForTraffic("the new address", fairlead, from: "127.0.0.32")
            }
        }

        @Test func `a short name is found by the search list of a resolv conf that is replaced`()
            throws
        {
            try withStage { stage in
                let port = try backends(stage, at: ["127.0.0.33", "127.0.0.34"])
                let names = try OwnNames(
                    hosts: "",
                    resolvConf: """
                        search ns.svc.cluster.test svc.cluster.test
                        options ndots:5 timeout:1 attempts:2
                        nameserver NS

                        """)
                let dns = stage.hold(try LyingNameServer(at: names.nameServer))
                for name in ["web.ns.svc.cluster.test.", "web."] {
                    dns.say(LyingNameServer.code(.nameError), of: name)
                }
                dns.say(
                    LyingNameServer.address(.v4(0x7f00_0021)), of: "web.svc.cluster.test.")
                dns.say(LyingNameServer.address(.v4(0x7f00_0022)), of: "web.other.test.")
                let fairlead = try fairlead(stage, names, ["--backend", "web:\(port)"])
                try waitForTraffic("the search list", fairlead, from: "127.0.0.33")
                try names.replaceResolvConf("search other.test\nnameserver NS\n")
                try waitForTraffic("the new search list", fairlead, from: "127.0.0.34")
            }
        }

        @Test func `another nameserver in resolv conf takes over`() throws {
            try withStage { stage in
                let port = try backends(stage, at: ["127.0.0.35"])
                let names = try OwnNames(
                    hosts: "", resolvConf: "nameserver 127.0.0.250\noptions timeout:1 attempts:1\n")
                let dns = stage.hold(try LyingNameServer(at: names.nameServer))
                dns.say(LyingNameServer.address(.v4(0x7f00_0023)), of: "web.example.")
                let fairlead = try fairlead(stage, names, ["--backend", "web.example:\(port)"])
                try waitFor("the failure to be seen") {
                    try fairlead.page("/stats").body.contains("web.example") ? () : nil
                }
                try names.replaceResolvConf("nameserver NS\n")
                try fairlead.waitForBackends(up: 1)
                try waitForTraffic("it", fairlead, from: "127.0.0.35")
            }
        }

        @Test func `agents, nameservers and listeners are given by name, and followed`() throws {
            try withStage { stage in
                let port = try backends(stage, at: ["127.0.0.36"])
                let agent = try ConsulStandIn(on: .endpoint(Endpoint(.v4(0x7f00_0025), 0)))
                defer { agent.stop() }
                agent.change {
                    $0.register(.init("web", id: "a", address: "127.0.0.36", port: Int(port)))
                }
                guard case .endpoint(let place) = agent.target else { return }
                let names = try OwnNames(
                    hosts: "127.0.0.250 consul\n127.0.0.1 edge\n", resolvConf: "nameserver NS\n")
                let listen = try FreePort.take()
                let fairlead = stage.hold(
                    try Fairlead(
                        command: names.command([
                            Fairlead.program(), "run", "--workers", "1",
                            "--listen", "edge:\(listen)", "--consul", "web",
                            "--admin", "localhost:\(try FreePort.take())",
                        ]), environment: ["CONSUL_HTTP_ADDR": "http://consul:\(place.port)"]))
                try waitFor("the failure, with agent and advice") {
                    let stats = try fairlead.page("/stats").body
                    return stats.contains("127.0.0.250:\(place.port)")
                        && stats.contains("is the agent running there?") ? () : nil
                }
                try names.writeHosts("127.0.0.37 consul\n127.0.0.1 edge\n")
                try waitForTraffic("the agent at its new address", fairlead, from: "127.0.0.36")
            }
        }

        @Test func `a name to listen on that this machine has not says what was tried`() throws {
            let names = try OwnNames(
                hosts: "192.0.2.1 elsewhere\n", resolvConf: "nameserver 127.0.0.250\n")
            for (host, words) in [
                ("elsewhere", ["192.0.2.1", "does not have"]),
                (
                    "nowhere",
                    ["nowhere is not in /etc/hosts", "expected an address of this machine"]
                ),
            ] {
                let process = try RunningProcess(
                    names.command([
                        Fairlead.program(), "run", "--listen", "\(host):8080",
                        "--backend", "127.0.0.1:1",
                    ]))
                #expect(try process.waitForExit() == .status(2))
                for word in words {
                    try process.waitForErrors(containing: word)
                }
            }
        }

        @Test func `explain finds the tasks that a virtual address of Swarm hides`() throws {
            try withStage { stage in
                let names = try OwnNames(hosts: "", resolvConf: "nameserver NS\n")
                let dns = stage.hold(try LyingNameServer(at: names.nameServer))
                for (name, address) in [
                    // One task that is named itself, as with `endpoint_mode: dnsrr`.
                    ("web.", 9), ("tasks.web.", 10), ("direct.", 11), ("tasks.direct.", 11),
                    ("plain.", 12),
                ] as [(String, UInt32)] {
                    dns.say(LyingNameServer.address(.v4(0x0a00_0000 + address)), of: name)
                }
                dns.say(LyingNameServer.code(.nameError), of: "tasks.plain.")
                let folder = stage.hold(try TemporaryFolder())
                let file = try folder.write(
                    "services: {a: {backends: [\"web:80\"]}, b: {backends: [\"plain:80\"]}, "
                        + "c: {backends: [\"direct:80\"]}}\n"
                        + "listeners: [{listen: \":8080\", service: a}]\n", to: "f.yaml")
                for (service, isHidden) in [("a", true), ("b", false), ("c", false)] {
                    let process = try RunningProcess(
                        names.command([Fairlead.program(), "explain", service, "--config", file]))
                    #expect(try process.waitForExit() == .status(0), "\(process.transcript)")
                    #expect(
                        process.output.contains("[\"tasks.web:PORT\"]") == isHidden,
                        "\(process.transcript)")
                }
            }
        }

        @Test func `localhost is this machine where nothing says so`() throws {
            try withStage { stage in
                let port = try backends(stage, at: ["::1"])
                let names = try OwnNames(hosts: "", resolvConf: "nameserver NS\n")
                let fairlead = try fairlead(
                    stage, names, ["--backend", "localhost:\(port)"],
                    environment: ["FAIRLEAD_ADDRESSES": "ipv6-first"])
                try waitForTraffic("the loopback address", fairlead, from: "::1")
            }
        }
    }
}
