// Goal: what people write of containers is understood by its own convention, and what can't be
// done is told with the name that was meant. Method: tables of labels and variables.

import DockerAPI
import Endpoints
import Testing

@testable import Containers

@Suite struct WishesTests {
    private func routes(_ wishes: ContainerWishes) -> [String] {
        wishes.offers.flatMap { offer in
            offer.routes.map { "\(offer.name):\($0.host ?? "*")\($0.pathPrefix ?? "")" }
        }
    }

    // MARK: Ours

    @Test func `a container that says nothing offers what it has`() {
        let wishes = ContainerWishes(labels: ["maintainer": "me"])
        #expect(wishes.convention == nil)
        #expect(wishes.offers == [ContainerOffer()])
        #expect(wishes.isEnabled == nil)
        #expect(wishes.problems.isEmpty)
    }

    @Test func `each of our labels is read`() {
        let wishes = ContainerWishes(labels: [
            "fairlead.host": "a.test, b.test", "fairlead.path-prefix": "/api",
            "fairlead.port": "8080", "fairlead.service": "shop", "fairlead.weight": "3",
            "fairlead.priority": "1", "fairlead.check.path": "/health",
            "fairlead.network": "front", "fairlead.health": "must", "fairlead.enable": "on",
        ])
        #expect(wishes.problems.isEmpty)
        #expect(wishes.convention == .fairlead)
        #expect(routes(wishes) == [":a.test/api", ":b.test/api"])
        let offer = wishes.offers[0]
        #expect(offer.port == 8080)
        #expect(offer.service == "shop")
        #expect(offer.weight == 3)
        #expect(offer.priority == 1)
        #expect(offer.checkPath == "/health")
        #expect(wishes.network == "front")
        #expect(wishes.health == .must)
        #expect(wishes.isEnabled == true)
    }

    @Test func `further routes have a name, and start from what has none`() {
        let wishes = ContainerWishes(labels: [
            "fairlead.host": "a.test", "fairlead.weight": "3", "fairlead.api.host": "api.test",
            "fairlead.api.port": "9000", "fairlead.admin.path-prefix": "/admin",
        ])
        #expect(wishes.problems.isEmpty)
        #expect(routes(wishes) == [":a.test", "admin:*/admin", "api:api.test"])
        #expect(wishes.offers.map(\.port) == [nil, nil, 9000])
        #expect(wishes.offers.map(\.weight) == [3, 3, 3])
    }

    @Test func `what is only said for all is no offer of its own`() {
        let wishes = ContainerWishes(labels: [
            "fairlead.weight": "3", "fairlead.api.host": "api.test",
        ])
        #expect(wishes.offers.map(\.name) == ["api"])
    }

    @Test(arguments: [
        ("fairlead.hots", "expected fairlead.host?"),
        ("fairlead.prot", "expected fairlead.port?"),
        ("fairlead.api.hst", "expected fairlead.api.host?"),
        ("fairlead.path_prefix", "expected fairlead.path-prefix?"),
        ("fairlead.chek.path", "expected fairlead.check.path?"),
        ("fairlead.netwrok", "expected fairlead.network?"),
        ("fairlead.frobnicate", "with one of host, path-prefix"),
        ("fairlead.a/b.host", "expected fairlead."),
        ("fairlead.", "there is no such label"),
    ])
    func `an unknown label is told with the nearest name`(label: String, expected: String) {
        let wishes = ContainerWishes(labels: [label: "x", "fairlead.host": "a.test"])
        #expect(wishes.problems.count == 1)
        #expect(wishes.problems.first?.contains(label) == true)
        #expect(wishes.problems.first?.contains(expected) == true, "\(wishes.problems)")
        #expect(routes(wishes).contains(":a.test"))
    }

    @Test(arguments: [
        ("fairlead.port", "http"), ("fairlead.port", "0"), ("fairlead.port", "65536"),
        ("fairlead.weight", "-1"), ("fairlead.priority", "40000"), ("fairlead.enable", "maybe"),
        ("fairlead.health", "advise"), ("fairlead.network", " "),
    ])
    func `a value that makes no sense is left out and told`(label: String, value: String) {
        let wishes = ContainerWishes(labels: [label: value, "fairlead.host": "a.test"])
        #expect(wishes.problems.count == 1)
        #expect(wishes.problems.first?.contains(label) == true)
        #expect(wishes.offers.count == 1)
        #expect(wishes.offers[0].port == nil)
        #expect(wishes.offers[0].weight == 1)
        #expect(wishes.health == .advice)
    }

    @Test func `hostile labels are bounded`() {
        var labels = ["fairlead.host": String(repeating: "a.test,", count: 5000)]
        for number in 0..<200 { labels["fairlead.x\(number)y.z"] = "1" }
        let wishes = ContainerWishes(labels: labels)
        #expect(wishes.problems.count == ContainerWishes.problemsMax)
        #expect(wishes.offers[0].routes.count == ContainerWishes.routesMax)
    }

    @Test func `a container for one command of compose serves nothing`() {
        let labels = ["com.docker.compose.oneoff": "True", "fairlead.host": "a.test"]
        #expect(ContainerWishes(labels: labels).isEnabled == false)
    }

    // MARK: Traefik's

    @Test(arguments: [
        ("Host(`a.test`)", ["a.test"]), (" Host ( \"a.test\" ) ", ["a.test"]),
        ("Host(`a.test`, `b.test`)", ["a.test", "b.test"]),
        ("Host(`a.test`) && PathPrefix(`/x`)", ["a.test/x"]),
        ("PathPrefix(`/x`) && Host(`a.test`)", ["a.test/x"]),
        (
            "Host(`a.test`)||Host(`b.test`)&&PathPrefix(`/x`,`/y`)",
            ["a.test", "b.test/x", "b.test/y"]
        ),
        ("PathPrefix(`/x`)", ["*/x"]),
    ])
    func `simple rules of Traefik are routes`(rule: String, expected: [String]) throws {
        let routes = try TraefikRule.routes(rule)
        #expect(routes.map { "\($0.host ?? "*")\($0.pathPrefix ?? "")" } == expected)
    }

    @Test(arguments: [
        ("HostRegexp(`.*`)", "HostRegexp"), ("Headers(`a`, `b`)", "Headers"),
        ("!Host(`a`)", "expected Host"), ("(Host(`a`) || Host(`b`))", "parentheses"),
        ("Host(`a`) && Host(`b`)", "twice"), ("Host(a)", "between"), ("Host(`a`", "no )"),
        ("Host`a`", "no ("), ("", "nothing"), ("Host(``)", "empty"),
        ("Host(`a`) Host(`b`)", "behind"),
        ("Host(`a`) &&", "nothing"), ("Host(`a`) & Host(`b`)", "behind"),
    ])
    func `other rules are refused with what they ask for`(rule: String, reason: String) {
        do throws(TraefikRule.Failure) {
            let routes = try TraefikRule.routes(rule)
            Issue.record("\(routes)")
        } catch {
            #expect(error.reason.contains(reason), "\(error.reason)")
        }
    }

    @Test func `a router of Traefik has its service's port`() {
        let wishes = ContainerWishes(labels: [
            "traefik.enable": "true", "traefik.http.routers.shop.rule": "Host(`a.test`)",
            "traefik.http.routers.shop.entrypoints": "web",
            "traefik.http.services.shop.loadbalancer.server.port": "8080",
            "traefik.docker.network": "front",
        ])
        #expect(wishes.convention == .traefik)
        #expect(routes(wishes) == [":a.test"])
        #expect(wishes.offers[0].port == 8080)
        #expect(wishes.network == "front")
        #expect(wishes.isEnabled == true)
        #expect(
            wishes.problems == ["label traefik.http.routers.shop.entrypoints: it has no effect"])
    }

    @Test func `a router that asks for a password has no route`() {
        let wishes = ContainerWishes(labels: [
            "traefik.http.routers.shop.rule": "Host(`a.test`)",
            "traefik.http.routers.shop.middlewares": "auth@docker",
            "traefik.http.middlewares.auth.basicauth.users": "x",
        ])
        #expect(routes(wishes).isEmpty)
        #expect(wishes.problems.count == 1)
        #expect(wishes.problems.first?.contains("middlewares") == true)
    }

    @Test func `our labels go before those of others`() {
        let wishes = ContainerWishes(
            labels: [
                "fairlead.host": "a.test", "traefik.http.routers.x.rule": "Host(`b.test`)",
            ], environment: ["VIRTUAL_HOST": "c.test"])
        #expect(routes(wishes) == [":a.test"])
    }

    // MARK: nginx-proxy's

    @Test func `a virtual host is a route`() {
        let wishes = ContainerWishes(
            labels: [:],
            environment: [
                "VIRTUAL_HOST": "a.test, *.b.test", "VIRTUAL_PORT": "3000", "VIRTUAL_PATH": "/x",
            ])
        #expect(wishes.convention == .virtualHost)
        #expect(routes(wishes) == [":a.test/x", ":*.b.test/x"])
        #expect(wishes.offers[0].port == 3000)
        #expect(wishes.problems.isEmpty)
    }

    @Test(arguments: [
        ["VIRTUAL_HOST": "~^a.*$"], ["VIRTUAL_HOST": "a.*"],
        ["VIRTUAL_HOST": "a.test", "VIRTUAL_PROTO": "https"],
        ["VIRTUAL_HOST": "a.test", "VIRTUAL_DEST": "/"],
    ])
    func `what can't be had of a virtual host is told`(environment: [String: String]) {
        let wishes = ContainerWishes(labels: [:], environment: environment)
        #expect(routes(wishes).isEmpty)
        #expect(wishes.problems.count == 1)
    }

    // MARK: Registrator's

    @Test func `one port has the name as it stands, several add theirs`() {
        let one = ContainerWishes(labels: [:], environment: ["SERVICE_NAME": "web"], ports: [8080])
        #expect(one.convention == .registrator)
        #expect(one.offers.map(\.service) == ["web"])
        #expect(one.offers.map(\.port) == [8080])
        let several = ContainerWishes(
            labels: ["SERVICE_9000_NAME": "api"],
            environment: ["SERVICE_NAME": "web", "SERVICE_9000_NAME": "old"],
            ports: [8080, 9000])
        #expect(several.offers.map(\.service) == ["web-8080", "api"])
        #expect(several.offers.map(\.name) == ["8080", "9000"])
    }

    @Test func `ignored ports are left out, whatever the value is`() {
        let environment = ["SERVICE_NAME": "web", "SERVICE_9000_IGNORE": "false"]
        let wishes = ContainerWishes(
            labels: [:], environment: environment, ports: [8080, 9000])
        #expect(wishes.offers.map(\.port) == [8080])
        let none = ContainerWishes(
            labels: ["SERVICE_IGNORE": "true"], environment: [:], ports: [8080])
        #expect(none.isEnabled == false)
    }

    @Test func `attributes and tags are those of the port`() {
        let variables = ServiceVariables(
            labels: [:],
            environment: [
                "SERVICE_TAGS": #"a,b\,c,,d\e"#, "SERVICE_REGION": "eu",
                "SERVICE_80_REGION": "us", "SERVICE_80_CHECK_HTTP": "/health",
            ])
        #expect(variables.tags(of: 80) == ["a", "b,c", #"d\e"#])
        #expect(variables.attributes(of: 80)["region"] == "us")
        #expect(variables.attributes(of: 81)["region"] == "eu")
        #expect(variables.attributes(of: 80)["check_http"] == "/health")
        #expect(variables.attributes(of: 81)["check_http"] == nil)
    }
}
