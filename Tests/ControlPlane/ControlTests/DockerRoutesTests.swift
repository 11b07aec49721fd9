// Goal: what containers ask for becomes services and routes that the configuration takes, the
// older of two has its way, and a route outlives its container for a while. Method: inventories
// that are filled by hand, and the loader that reads what comes of them.

import Configuration
import Containers
import DockerAPI
import Documents
import Testing
import Traffic

@testable import Control

@Suite struct DockerRoutesTests {
    private struct Given {
        var name: String
        var labels: [String: String]
        var createdAt = 0
        var state = ContainerSummary.State.running
    }

    private func claims(_ all: Given...) throws -> [RouteClaim] {
        var inventory = ContainerInventory()
        let first = inventory.nextQuestion()
        let list = try #require(first)
        let summaries = all.enumerated().map { index, given in
            ContainerSummary(
                id: "0123456789a\(index)", name: given.name, createdAt: given.createdAt,
                state: given.state, labels: given.labels, ports: [.init(80)])
        }
        _ = inventory.apply(ContainerList(summaries), to: list)
        return inventory.containers.values.compactMap(RouteClaim.init)
    }

    private func texts(_ routes: DockerRoutes) -> [String] {
        routes.fragments.map { $0.document.text.replacing("\n", with: ", ") }
    }

    @Test func `a label becomes a service and a route`() throws {
        let routes = DockerRoutes(
            try claims(
                Given(
                    name: "web",
                    labels: [
                        "fairlead.host": "a.test", "fairlead.path-prefix": "/x",
                        "fairlead.check.path": "/health",
                    ])))
        #expect(
            texts(routes) == [
                #"docker: "web", check: {type: http, path: "/health"}"#,
                #"service: "web", host: "a.test", path-prefix: "/x""#,
            ])
        #expect(routes.problems.isEmpty)
        let loaded = try ConfigurationLoader.load(
            environment: ["FAIRLEAD_DOCKER": "on", "FAIRLEAD_LISTEN": ":80"],
            fragments: routes.fragments, processorCount: 1)
        #expect(loaded.warnings.isEmpty)
        #expect(loaded.configuration.services.map(\.name) == ["web"])
        #expect(loaded.configuration.listeners.map(\.routes.count) == [1])
    }

    @Test func `instances of one service share its route`() throws {
        let labels = ["fairlead.host": "a.test", "fairlead.service": "shop"]
        let routes = DockerRoutes(
            try claims(Given(name: "a", labels: labels), Given(name: "b", labels: labels)))
        #expect(routes.fragments.count == 2)
        #expect(routes.problems.isEmpty)
    }

    @Test func `of two services that want one route the older container has it`() throws {
        let routes = DockerRoutes(
            try claims(
                Given(name: "new", labels: ["fairlead.host": "a.test"], createdAt: 2),
                Given(name: "old", labels: ["fairlead.host": "a.test"], createdAt: 1)))
        #expect(texts(routes).last == #"service: "old", host: "a.test""#)
        #expect(
            routes.problems == [
                "container new: the route a.test is of the service old, by the container old"
            ])
    }

    @Test func `one that has ended gives way to one that runs, and keeps its route otherwise`()
        throws
    {
        let ended = Given(
            name: "old", labels: ["fairlead.host": "a.test"], createdAt: 1, state: .exited)
        let alone = DockerRoutes(try claims(ended))
        #expect(texts(alone).last == #"service: "old", host: "a.test""#)
        let both = DockerRoutes(
            try claims(
                ended, Given(name: "new", labels: ["fairlead.host": "a.test"], createdAt: 2)))
        #expect(texts(both).last == #"service: "new", host: "a.test""#)
    }

    @Test func `what makes no sense is told, and hinders nothing`() throws {
        let routes = DockerRoutes(
            try claims(
                Given(name: "bad", labels: ["fairlead.hots": "a.test"]),
                Given(name: "odd", labels: ["fairlead.host": "b.test", "fairlead.service": "a b"]),
                Given(name: "off", labels: ["fairlead.host": "c.test", "fairlead.enable": "off"]),
                Given(name: "good", labels: ["fairlead.host": "d.test"])))
        #expect(texts(routes) == [#"docker: "good""#, #"service: "good", host: "d.test""#])
        #expect(routes.problems.count == 2)
        #expect(routes.problems.first?.contains("expected fairlead.host?") == true)
        #expect(routes.problems.last?.hasPrefix("container odd: found the service") == true)
    }

    @Test func `a hostile label is one scalar`() throws {
        let routes = DockerRoutes(
            try claims(
                Given(name: "web", labels: ["fairlead.host": "a\"\n, service: other #"])))
        let loaded = try ConfigurationLoader.load(
            environment: ["FAIRLEAD_DOCKER": "on", "FAIRLEAD_LISTEN": ":80"],
            fragments: routes.fragments, processorCount: 1)
        #expect(loaded.warnings.count == 2)
        #expect(loaded.configuration.listeners.map(\.routes.count) == [0])
    }

    private func emptyWait(
        _ labels: [String: String] = [:], _ environment: [String: String] = [:]
    ) throws -> (wait: Duration?, problems: [String]) {
        let routes = DockerRoutes(
            try claims(
                Given(name: "web", labels: labels.merging(["fairlead.host": "a.test"]) { $1 })))
        let loaded = try ConfigurationLoader.load(
            environment: environment.merging(
                ["FAIRLEAD_DOCKER": "on", "FAIRLEAD_LISTEN": ":80"]) { $1 },
            fragments: routes.fragments, processorCount: 1)
        let service = try #require(loaded.configuration.services.first)
        return (service.policy.limits.emptyWait, routes.problems)
    }

    @Test func `requests wait while a service of labels is empty, unless something is said`() throws
    {
        #expect(try emptyWait().wait == .seconds(10))
        let label = "fairlead.when-empty.wait"
        #expect(try emptyWait([label: "3s"]).wait == .seconds(3))
        #expect(try emptyWait([label: "off"]).wait == nil)
        let variable = "FAIRLEAD_WHEN_EMPTY_WAIT"
        #expect(try emptyWait([:], [variable: "2s"]).wait == .seconds(2))
        #expect(try emptyWait([:], [variable: "off"]).wait == nil)
        #expect(try emptyWait([label: "3s"], [variable: "off"]).wait == .seconds(3))
    }

    @Test(
        "a wait that is none, or a path, is told, and the service works without it",
        arguments: [
            ("when-empty.wait", "ten", #"wait while empty "ten", expected 100ms to 5m, or off"#),
            ("when-empty.wait", "6m", #"wait while empty "6m", expected 100ms to 5m, or off"#),
            ("check.path", "health", #"check's path "health", expected /PATH"#),
        ])
    func badValue(key: String, value: String, found: String) throws {
        let answer = try emptyWait(["fairlead.\(key)": value])
        #expect(answer.wait == .seconds(10))
        #expect(answer.problems == ["container web: found the \(found)"])
    }

    @Test func `of two waits that of the older container counts`() throws {
        let routes = DockerRoutes(
            try claims(
                Given(
                    name: "a",
                    labels: [
                        "fairlead.host": "a.test", "fairlead.service": "s",
                        "fairlead.when-empty.wait": "3s",
                    ], createdAt: 1),
                Given(
                    name: "b",
                    labels: [
                        "fairlead.host": "a.test", "fairlead.service": "s",
                        "fairlead.when-empty.wait": "4s",
                    ], createdAt: 2)))
        #expect(texts(routes).first == #"docker: "s", when-empty: {wait: "3s"}"#)
        #expect(
            routes.problems == [
                #"container b: the wait while empty is "4s", and "3s" by the container a, "#
                    + "which counts"
            ])
    }

    // MARK: Leaving

    private func fragment(_ name: String, _ text: String = "x: y") -> ConfigurationFragment {
        ConfigurationFragment(.routes, NamedText(name: name, text: text), yields: true)
    }

    @Test func `what nothing asks for any more stays for a while`() {
        var leaving = LeavingFragments()
        let start = ContinuousClock.now
        leaving.update([fragment("a"), fragment("b")], now: start)
        #expect(leaving.nextDeadline == nil)
        leaving.update([fragment("a")], now: start)
        #expect(leaving.fragments(now: start).map(\.document.name) == ["a", "b"])
        let end = start + LeavingFragments.hold
        #expect(leaving.nextDeadline == end)
        #expect(leaving.fragments(now: end).map(\.document.name) == ["a"])
        #expect(leaving.nextDeadline == nil)
    }

    @Test func `what is asked for again, in other words, takes its place`() {
        var leaving = LeavingFragments()
        let start = ContinuousClock.now
        leaving.update([fragment("a")], now: start)
        leaving.update([], now: start)
        leaving.update([fragment("a", "x: z")], now: start)
        #expect(leaving.fragments(now: start) == [fragment("a", "x: z")])
        #expect(leaving.nextDeadline == nil)
    }
}
