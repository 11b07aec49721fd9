// Goal: what is registered of a container is what Registrator's rules say, and what can't be done
// so is told, with what was probably meant. Method: tables of containers, with the services that
// they come to and the sentences about them.

import Consul
import DockerAPI
import Endpoints
import Lookups
import Testing

@testable import Containers
@testable import Registrar

/// A container for these tests.
struct Ship {
    var name = "web1"
    var image = "example.com/team/nginx:1.27"
    var variables: [String: String] = [:]
    var labels: [String: String] = [:]
    var ports: [ContainerSummary.Port] = [.init(80, published: Endpoint(.v4(0), 8080))]
    var networks: [ContainerSummary.Network] = [.init("bridge", v4: IPAddress("172.17.0.2"))]
    var mode = "default"
    var health = ContainerSummary.Health.none
    var state = ContainerSummary.State.running
    var status = ""
    var id = "1"
    var created = 1

    var container: Container {
        Container(
            ContainerDetails(
                ContainerSummary(
                    id: String(repeating: id, count: 64), name: name, image: image,
                    createdAt: created, state: state, health: health, status: status,
                    labels: labels, networkMode: mode, networks: networks, ports: ports),
                startedAt: "1", environment: variables))
    }

    func registered(
        owner: Ship? = nil, _ change: (inout RegistrarPolicy) -> Void = { _ in }
    ) -> ContainerRegistrations {
        var policy = RegistrarPolicy()
        change(&policy)
        let container = container
        return ContainerRegistrations(
            container, container.summary, owner: owner?.container.summary,
            RegistrarOptions(node: "host-1", policy))
    }
}

extension ContainerRegistrations {
    var services: [AgentService] { registrations.map(\.service) }
    /// `id name address:port`.
    var lines: [String] {
        services.map { "\($0.id) \($0.name) \($0.address ?? "node"):\($0.port)" }
    }
}

@Suite struct RegistrationRulesTests {
    // MARK: Names, ids, ports

    @Test(
        "names and ids",
        arguments: [
            ([:], [80], ["host-1:web1:80 nginx node:8080"]),
            (["SERVICE_NAME": "web"], [80], ["host-1:web1:80 web node:8080"]),
            (
                [:], [80, 443],
                ["host-1:web1:80 nginx-80 node:8080", "host-1:web1:443 nginx-443 node:8443"]
            ),
            (
                ["SERVICE_NAME": "web"], [80, 443],
                ["host-1:web1:80 web-80 node:8080", "host-1:web1:443 web-443 node:8443"]
            ),
            (
                ["SERVICE_NAME": "web", "SERVICE_443_NAME": "tls"], [80, 443],
                ["host-1:web1:80 web-80 node:8080", "host-1:web1:443 tls node:8443"]
            ),
            (
                ["SERVICE_NAME": "web", "SERVICE_443_IGNORE": "yes"], [80, 443],
                ["host-1:web1:80 web-80 node:8080"]
            ),
            (["SERVICE_IGNORE": "true"], [80], []),
            (["SERVICE_IGNORE": ""], [80], ["host-1:web1:80 nginx node:8080"]),
            (["SERVICE_ID": "mine"], [80], ["mine nginx node:8080"]),
            (
                ["SERVICE_80_ID": "a", "SERVICE_443_ID": "b"], [80, 443],
                ["a nginx-80 node:8080", "b nginx-443 node:8443"]
            ),
        ] as [([String: String], [UInt16], [String])])
    func names(variables: [String: String], ports: [UInt16], lines: [String]) {
        var ship = Ship(variables: variables)
        let outside: [UInt16: UInt16] = [80: 8080, 443: 8443]
        ship.ports = ports.map { .init($0, published: Endpoint(.v4(0), outside[$0] ?? 1)) }
        #expect(ship.registered().lines == lines)
        // Labels say the same as variables.
        (ship.variables, ship.labels) = ([:], variables)
        #expect(ship.registered().lines == lines)
    }

    @Test(
        "the name of an image",
        arguments: [
            ("nginx", "nginx"), ("nginx:1.27", "nginx"), ("host:5000/a/web:2", "web"),
            ("web@sha256:00", "web"), ("sha256:0123", "web1"), ("", "web1"),
        ])
    func imageName(image: String, name: String) {
        #expect(Ship(image: image).registered().services.map(\.name) == [name])
    }

    @Test func `UDP has an id and a tag of its own`() {
        var ship = Ship(variables: ["SERVICE_TAGS": "a,b"])
        ship.ports = [
            .init(53, published: Endpoint(.v4(0), 53)),
            .init(53, isTCP: false, published: Endpoint(.v4(0), 53)),
        ]
        let services = ship.registered { $0.tags = ["b", "c"] }.services
        #expect(services.map(\.id) == ["host-1:web1:53", "host-1:web1:53:udp"])
        #expect(services.map(\.tags) == [["a", "b", "c"], ["a", "b", "c", "udp"]])
    }

    @Test func `only those that say so are registered where that is wanted`() {
        let plain = Ship().registered { $0.isExplicit = true }
        #expect(plain.registrations.isEmpty && plain.reason?.contains("no SERVICE_NAME") == true)
        let named = Ship(variables: ["SERVICE_NAME": "web"]).registered { $0.isExplicit = true }
        #expect(named.registrations.count == 1)
        let once = Ship(labels: ["com.docker.compose.oneoff": "True"]).registered()
        #expect(once.registrations.isEmpty)
    }

    @Test func `a container without ports is registered if it names its service`() {
        var ship = Ship()
        ship.ports = []
        #expect(ship.registered().reason == "it has no port, and no SERVICE_NAME")
        ship.variables = ["SERVICE_NAME": "worker"]
        #expect(ship.registered().lines == ["host-1:web1 worker node:0"])
        #expect(
            ship.registered { $0.isInternal = true }.lines
                == ["host-1:web1 worker 172.17.0.2:0"])
    }

    // MARK: Places

    @Test(
        "where published ports are",
        arguments: [
            (["0.0.0.0", "::"], nil, "node:8080"), (["10.0.0.5"], nil, "10.0.0.5:8080"),
            (["127.0.0.1", "10.0.0.5"], nil, "10.0.0.5:8080"), (["127.0.0.1"], nil, nil),
            (["127.0.0.1"], "10.9.9.9", "10.9.9.9:8080"), (["::"], nil, "node:8080"),
            (["fd00::5"], nil, "fd00::5:8080"), ([], nil, nil),
            (["0.0.0.0"], "10.9.9.9", "10.9.9.9:8080"),
        ] as [([String], String?, String?)])
    func published(hosts: [String], ip: String?, place: String?) throws {
        var ship = Ship()
        ship.ports = try hosts.map {
            .init(80, published: Endpoint(try #require(IPAddress($0)), 8080))
        }
        if hosts.isEmpty { ship.ports = [.init(80)] }
        let registered = ship.registered { $0.address = ip.flatMap { IPAddress($0) } }
        #expect(registered.lines.first == place.map { "host-1:web1:80 nginx \($0)" })
        #expect((registered.reason == nil) == (place != nil))
    }

    @Test func `containers are registered by their own addresses`() {
        var ship = Ship()
        ship.ports = [.init(80)]
        #expect(
            ship.registered { $0.isInternal = true }.lines
                == ["host-1:web1:80 nginx 172.17.0.2:80"])
        ship.networks = [
            .init("a_back", v4: IPAddress("10.1.0.2"), v6: IPAddress("fd00::2")),
            .init("a_front", v4: IPAddress("10.2.0.2")),
        ]
        let first = ship.registered { $0.isInternal = true }
        #expect(first.lines == ["host-1:web1:80 nginx 10.1.0.2:80"])
        #expect(first.problems.contains { $0.contains("a_back, a_front") })
        let named = ship.registered {
            $0.isInternal = true
            $0.network = "front"
        }
        #expect(named.lines == ["host-1:web1:80 nginx 10.2.0.2:80"] && named.problems.isEmpty)
        let v6 = ship.registered {
            $0.isInternal = true
            $0.prefersV6 = true
        }
        #expect(v6.services.first?.address == "fd00::2")
        ship.labels = ["fairlead.network": "a_front"]
        #expect(
            ship.registered { $0.isInternal = true }.lines
                == ["host-1:web1:80 nginx 10.2.0.2:80"])
        ship.labels = ["fairlead.network": "none"]
        #expect(ship.registered { $0.isInternal = true }.reason?.contains("network none") == true)
    }

    @Test func `the networks of the host and of other containers`() {
        var ship = Ship(mode: "host")
        ship.ports = [.init(80)]
        ship.networks = []
        #expect(ship.registered().lines == ["host-1:web1:80 nginx node:80"])
        ship.mode = "container:" + String(repeating: "2", count: 64)
        #expect(ship.registered().reason?.contains("not there") == true)
        var owner = Ship(name: "pod", id: "2")
        owner.networks = [.init("bridge", v4: IPAddress("172.17.0.9"))]
        #expect(
            ship.registered(owner: owner) { $0.isInternal = true }.lines
                == ["host-1:web1:80 nginx 172.17.0.9:80"])
        #expect(ship.registered(owner: owner).lines == ["host-1:web1:80 nginx node:8080"])
    }

    @Test func `a label may have the address`() {
        var ship = Ship(labels: ["io.example.ip": "10.3.3.3"])
        let policy: (inout RegistrarPolicy) -> Void = { $0.addressLabel = "io.example.ip" }
        #expect(ship.registered(policy).lines == ["host-1:web1:80 nginx 10.3.3.3:8080"])
        ship.labels = ["io.example.ip": "ten"]
        #expect(ship.registered(policy).reason?.contains("no address: \"ten\"") == true)
    }

    // MARK: Checks

    @Test(
        "checks",
        arguments: [
            (
                ["SERVICE_CHECK_HTTP": "/health"],
                .init(
                    id: "service:host-1:web1:80", name: "check of nginx",
                    .http("http://127.0.0.1:8080/health"), interval: .seconds(10))
            ),
            (
                [
                    "SERVICE_CHECK_HTTPS": "health", "SERVICE_CHECK_HTTP_METHOD": "head",
                    "SERVICE_CHECK_TLS_SKIP_VERIFY": "true", "SERVICE_CHECK_INTERVAL": "1m30s",
                    "SERVICE_CHECK_TIMEOUT": "1.5s", "SERVICE_CHECK_INITIAL_STATUS": "passing",
                    "SERVICE_CHECK_DEREGISTER_AFTER": "2h",
                ],
                .init(
                    id: "service:host-1:web1:80", name: "check of nginx",
                    .http("https://127.0.0.1:8080/health", method: "HEAD", verifiesTLS: false),
                    interval: .seconds(90), timeout: .milliseconds(1500), status: .passing,
                    deregisterAfter: .seconds(7200))
            ),
            (
                ["SERVICE_CHECK_TCP": "true", "SERVICE_80_CHECK_INTERVAL": "5s"],
                .init(
                    id: "service:host-1:web1:80", name: "check of nginx", .tcp("127.0.0.1:8080"),
                    interval: .seconds(5))
            ),
            (
                ["SERVICE_CHECK_TTL": "30s"],
                .init(id: "service:host-1:web1:80", name: "check of nginx", .ttl(.seconds(30)))
            ),
            (
                ["SERVICE_CHECK_GRPC": "true", "SERVICE_CHECK_GRPC_USE_TLS": "true"],
                .init(
                    id: "service:host-1:web1:80", name: "check of nginx",
                    .grpc("127.0.0.1:8080", usesTLS: true), interval: .seconds(10))
            ),
            (
                ["SERVICE_CHECK_GRPC": "web.v1"],
                .init(
                    id: "service:host-1:web1:80", name: "check of nginx",
                    .grpc("127.0.0.1:8080/web.v1", usesTLS: false), interval: .seconds(10))
            ),
            (
                ["SERVICE_CHECK_CMD": "/check.sh", "SERVICE_CHECK_TCP": "true"],
                .init(
                    id: "service:host-1:web1:80", name: "check of nginx",
                    .inContainer(
                        id: String(repeating: "1", count: 64), ["/bin/sh", "-c", "/check.sh"]),
                    interval: .seconds(10))
            ),
            (["SERVICE_CHECK_HTTP": ""], nil),
        ] as [([String: String], AgentCheck?)])
    func checks(variables: [String: String], check: AgentCheck?) {
        let registered = Ship(variables: variables).registered()
        #expect(registered.services.first?.checks == [check].compactMap(\.self))
        #expect(registered.problems.isEmpty, "\(registered.problems)")
        #expect(registered.services.first?.meta.keys.contains { $0.hasPrefix("check") } == false)
    }

    @Test func `a script runs on the agent's machine only where that is allowed`() {
        let ship = Ship(variables: ["SERVICE_CHECK_SCRIPT": "nc -z $SERVICE_IP $SERVICE_PORT"])
        let refused = ship.registered()
        #expect(refused.services.first?.checks == [])
        #expect(refused.problems.first?.contains("registrar.scripts") == true)
        let allowed = ship.registered { $0.allowsPrograms = true }
        #expect(
            allowed.services.first?.checks.first?.probe
                == .program(["/bin/sh", "-c", "nc -z 127.0.0.1 8080"]))
    }

    @Test(
        "a HEALTHCHECK is reported",
        arguments: [
            (.none, .health, nil), (.starting, .health, .warning), (.healthy, .health, .passing),
            (.unhealthy, .health, .critical), (.none, .all, .passing), (.healthy, .off, nil),
        ] as [(ContainerSummary.Health, RegistrarPolicy.Reports, AgentCheck.Status?)])
    func health(
        health: ContainerSummary.Health, reports: RegistrarPolicy.Reports,
        status: AgentCheck.Status?
    ) throws {
        let registered = Ship(health: health).registered { $0.reports = reports }
        let one = try #require(registered.registrations.first)
        #expect(one.report?.status == status)
        guard let status else { return #expect(one.service.checks.isEmpty) }
        let check = try #require(one.service.checks.first)
        #expect(check.id == "fairlead:host-1:web1:80" && check.probe == .ttl(.seconds(60)))
        // The agent must not remove what is only unhealthy: it would come back with the next list.
        #expect(check.deregisterAfter == (status == .critical ? nil : .seconds(60)))
        #expect(one.service.weights == .init(passing: 1, warning: 0))
    }

    @Test func `a HEALTHCHECK may be ignored, and stands beside a check`() {
        let ignored = Ship(labels: ["fairlead.health": "ignore"], health: .unhealthy).registered()
        #expect(ignored.registrations.first?.report == nil)
        let both = Ship(variables: ["SERVICE_CHECK_TCP": "1"], health: .healthy).registered()
        #expect(
            both.services.first?.checks.map(\.id)
                == ["service:host-1:web1:80", "fairlead:host-1:web1:80"])
    }

    // MARK: Metadata and weights

    @Test func `other variables are metadata, and so is whose it is`() throws {
        let service = try #require(
            Ship(variables: ["SERVICE_REGION": "eu", "SERVICE_80_ZONE": "b", "SERVICE_81_X": "no"])
                .registered().services.first)
        #expect(service.meta["region"] == "eu" && service.meta["zone"] == "b")
        #expect(service.meta["fairlead-registrar"] == "host-1" && service.meta["x"] == nil)
        #expect(service.meta["fairlead-container"] == "111111111111")
        #expect(service.meta["fairlead-registration"]?.count == 16)
        let other = try #require(
            Ship(variables: ["SERVICE_REGION": "us"]).registered().services.first)
        #expect(other.meta["fairlead-registration"] != service.meta["fairlead-registration"])
    }

    @Test func `what Consul would refuse is left out and told`() {
        var variables = [
            "SERVICE_LONG": String(repeating: "x", count: 513), "SERVICE_A.B": "1",
            "SERVICE_CONSUL-X": "1",
        ]
        for number in 0..<70 { variables["SERVICE_K\(number)"] = "v" }
        let registered = Ship(variables: variables).registered()
        let meta = registered.services.first?.meta ?? [:]
        #expect(meta.count == 64 && meta["long"] == nil && meta["a.b"] == nil)
        #expect(meta["consul-x"] == nil)
        #expect(registered.problems.contains { $0.contains("SERVICE_A.B is no key") })
        #expect(registered.problems.contains { $0.contains("SERVICE_CONSUL-X is no key") })
        #expect(registered.problems.contains { $0.contains("SERVICE_LONG has 513 bytes") })
        #expect(registered.problems.count <= 20)
    }

    @Test func `weights`() {
        let variable = Ship(variables: ["SERVICE_WEIGHT": "10"]).registered().services.first
        #expect(
            variable?.weights == .init(passing: 10, warning: 1) && variable?.meta["weight"] == nil)
        let label = Ship(labels: ["fairlead.weight": "3"], health: .healthy).registered()
        #expect(label.services.first?.weights == .init(passing: 3, warning: 0))
        #expect(Ship().registered().services.first?.weights == nil)
        let bad = Ship(variables: ["SERVICE_WEIGHT": "heavy"]).registered()
        #expect(bad.problems.first?.contains("found \"heavy\"") == true)
    }

    // MARK: What can't be done

    @Test(
        "what is misspelt or malformed is told",
        arguments: [
            ("SERVICE_CHEK_HTTP", "/health", "SERVICE_CHECK_HTTP was meant?"),
            ("SERVICE_80_NAMES", "x", "SERVICE_80_NAME was meant?"),
            ("SERVICE_CHECK_PORT", "1", "there is no such check"),
            ("SERVICE_CHECK_INTERVAL", "10s", "no variable says what is checked"),
            ("SERVICE_81_NAME", "x", "no port 81, but 80"),
            ("SERVICE_IGNORE", "false", "IGNORE=false ignores"),
            ("SERVICE_NAME", "my_web", "not found by DNS"),
            ("SERVICE_CHECK_HTTP", "/a b", "expected a path"),
        ])
    func told(variable: String, value: String, sentence: String) {
        let problems = Ship(variables: [variable: value]).registered().problems
        #expect(problems.contains { $0.contains(sentence) }, "\(problems)")
    }

    @Test(
        "a value that can't be read leaves the rest of a check",
        arguments: [
            ("SERVICE_CHECK_INTERVAL", "10"), ("SERVICE_CHECK_INTERVAL", "-1s"),
            ("SERVICE_CHECK_TIMEOUT", "soon"), ("SERVICE_CHECK_INITIAL_STATUS", "pasing"),
            ("SERVICE_CHECK_DEREGISTER_AFTER", "0s"), ("SERVICE_CHECK_HTTP_METHOD", "FETCH"),
        ])
    func malformed(variable: String, value: String) throws {
        let registered = Ship(variables: ["SERVICE_CHECK_HTTP": "/", variable: value]).registered()
        let check = try #require(registered.services.first?.checks.first)
        #expect(check.interval == .seconds(10) && check.timeout == nil && check.status == nil)
        #expect(registered.problems.contains { $0.contains("found \"\(value)\"") })
    }

    @Test(
        "durations as Go writes them",
        arguments: [
            ("10s", 10_000), ("1m30s", 90_000), ("1.5h", 5_400_000), ("250ms", 250),
            ("1h0m", 3_600_000),
            ("10", nil), ("", nil), ("s", nil), ("1d", nil), ("1s!", nil), ("9999999h", nil),
            ("1..5s", nil), ("-1s", nil),
        ] as [(String, Int?)])
    func durations(text: String, milliseconds: Int?) {
        #expect(GoDuration.parse(text) == milliseconds.map { .milliseconds($0) })
    }

    // MARK: Plans

    private func plan(_ ships: [Ship], _ change: (inout RegistrarPolicy) -> Void = { _ in })
        -> RegistrationPlan
    {
        var policy = RegistrarPolicy()
        change(&policy)
        var inventory = ContainerInventory()
        guard let ticket = inventory.nextQuestion() else {
            return RegistrationPlan(.init(node: "n", policy))
        }
        _ = inventory.apply(ContainerList(ships.map { $0.container.summary }), to: ticket)
        for ship in ships {
            while let ticket = inventory.nextQuestion() {
                guard case .container(let id) = ticket.question else { continue }
                let found = ships.first { $0.container.summary.id == id } ?? ship
                _ = inventory.apply(found.container.details, to: ticket)
            }
        }
        var plan = RegistrationPlan(RegistrarOptions(node: "host-1", policy))
        plan.update(inventory)
        return plan
    }

    @Test func `the older of two with one id has it, and the other is told`() {
        var first = Ship(name: "a", variables: ["SERVICE_ID": "same"], id: "a")
        var second = Ship(name: "b", variables: ["SERVICE_ID": "same"], id: "b")
        (first.created, second.created) = (2, 1)
        let plan = plan([first, second])
        #expect(plan.registrations["same"]?.container == "b")
        #expect(plan.problems["a"]?.first?.contains("that of b as well") == true)
        #expect(plan.problems["b"] == nil)
    }

    @Test func `of those that do not serve nothing is registered, and why is known`() {
        var paused = Ship(name: "p", id: "a")
        paused.state = .paused
        var ended = Ship(name: "e", id: "b")
        (ended.state, ended.status) = (.exited, "Exited (1)")
        let plan = plan([paused, ended, Ship(name: "s", id: "c")])
        #expect(plan.registrations.keys.sorted() == ["host-1:s:80"])
        #expect(plan.absence(of: "aaaaaaaaaaaa") == "it is paused")
        #expect(plan.absence(of: "bbbbbbbbbbbb").contains("it has ended"))
        #expect(plan.absence(of: "dddddddddddd") == "its container is no more")
    }

    @Test(
        "a container that failed stays, as critical, where that is wanted",
        arguments: [(0, false), (1, true), (137, false), (143, false)])
    func failed(code: Int, stays: Bool) throws {
        var policy = RegistrarPolicy()
        policy.keepsFailed = true
        var inventory = ContainerInventory()
        let ship = Ship()
        let list = inventory.nextQuestion()
        _ = inventory.apply(ContainerList([ship.container.summary]), to: try #require(list))
        let ticket = inventory.nextQuestion()
        _ = inventory.apply(ship.container.details, to: try #require(ticket))
        var plan = RegistrationPlan(RegistrarOptions(node: "host-1", policy))
        plan.update(inventory)
        #expect(plan.registrations.values.first?.report == nil)
        let id = ship.container.summary.id
        _ = inventory.apply(EngineEvent(container: id, .die(exitCode: code)), now: .now)
        plan.update(inventory)
        #expect(plan.registrations.values.first?.report?.status == (stays ? .critical : nil))
        #expect(plan.registrations.isEmpty == !stays)
        _ = inventory.apply(EngineEvent(container: id, .destroy), now: .now)
        plan.update(inventory)
        #expect(plan.registrations.isEmpty)
    }
}
