// Goal: each difference of two configurations is named once, by what it means for what runs, and what
// needs a start is refused with its key. Method: pairs of texts, read by the loader.

import Backends
import Configuration
import Documents
import Proxy
import Routing
import Testing

@testable import fairlead

@Suite struct ConfigurationChangeTests {
    static let base = """
        services:
          a: {backends: ["127.0.0.1:9001"]}
          b: {srv: _b._tcp.test}
        listeners:
          - {name: web, listen: "127.0.0.1:8080", service: a}
          - {name: raw, listen: "127.0.0.1:8081", mode: tcp, service: b}

        """

    private func change(_ from: String, _ to: String) throws -> ConfigurationChange {
        try ConfigurationChange(from: configuration(from), to: configuration(to))
    }

    /// The base with one text replaced by another.
    private func edited(_ text: String, _ replacement: String) throws -> String {
        let parts = Self.base.split(separator: text, omittingEmptySubsequences: false)
        try #require(parts.count == 2, "\(text) is there once")
        return "\(parts[0])\(replacement)\(parts[1])"
    }

    @Test("the same configuration changes nothing, in whichever order it is written")
    func same() throws {
        #expect(try change(Self.base, Self.base).isEmpty)
        let reordered = """
            listeners:
              - {name: raw, listen: "127.0.0.1:8081", mode: tcp, service: b}
              - {name: web, listen: "127.0.0.1:8080", service: a}
            services:
              b: {srv: _b._tcp.test}
              a: {backends: ["127.0.0.1:9001"]}
            """
        #expect(try change(Self.base, reordered).isEmpty)
    }

    @Test("services come and go by name")
    func services() throws {
        let other = try edited("  b: {srv: _b._tcp.test}", "  c: {srv: _b._tcp.test}")
            .split(separator: "service: b").joined(separator: "service: c")
        let change = try change(Self.base, other)
        #expect(change.added.map(\.name) == ["c"])
        #expect(change.removed == ["b"])
        #expect(change.changed.isEmpty)
        #expect(change.listeners == ["raw"])
    }

    /// What is written behind `srv: _b._tcp.test`, and what that changes.
    static let serviceTable: [(String, source: Bool, roster: Bool, checks: Bool, proxy: Bool)] = [
        ("refresh: {ceiling: 9s}", true, false, false, false),
        ("check: {rise: 5}", false, true, false, false),
        ("check: {interval: 9s}", false, false, true, false),
        ("check: {type: off}", false, true, true, false),
        ("check: {path: /health}", false, false, true, false),
        ("check: {path: /health, body: ok}", false, false, true, false),
        ("check: {expect: ok}", false, false, true, false),
        ("check: {fast-interval: 1s}", false, false, true, false),
        ("check: {trust-traffic: off}", false, false, true, false),
        ("retry: {attempts: 1}", false, false, false, true),
        ("timeouts: {connect: 9s}", false, false, false, true),
        ("retry: {attempts: 1}, check: {fall: 9}", false, true, false, true),
    ]

    @Test("a service's difference is named by what has to follow", arguments: serviceTable.indices)
    func service(row: Int) throws {
        let expected = Self.serviceTable[row]
        let text = try edited("_b._tcp.test}", "_b._tcp.test, \(expected.0)}")
        let change = try change(Self.base, text)
        let changed = try #require(change.changed.first)
        #expect(change.changed.count == 1 && changed.service.name == "b")
        #expect(changed.sources == expected.source)
        #expect(changed.roster == expected.roster)
        #expect(changed.checks == expected.checks)
        #expect(changed.proxy == expected.proxy)
        #expect(change.listeners.isEmpty && change.added.isEmpty && change.removed.isEmpty)
    }

    @Test(
        "another name or list of addresses is another source",
        arguments: [
            ("{srv: _b._tcp.test}", "{srv: _c._tcp.test}"),
            ("{srv: _b._tcp.test}", "{backends: [\"127.0.0.1:9002\"]}"),
            ("[\"127.0.0.1:9001\"]", "[\"127.0.0.1:9001\", \"127.0.0.1:9002\"]"),
        ])
    func source(text: String, replacement: String) throws {
        let change = try change(Self.base, edited(text, replacement))
        #expect(change.changed.map(\.sources) == [true])
        #expect(change.changed.map(\.proxy) == [false])
    }

    @Test(
        "a listener's routes, service, limits and timeouts change by themselves",
        arguments: [
            "service: a, routes: [{path-prefix: /b, service: b}]",
            "service: b", "service: a, limits: {connections: 5}",
            "service: a, timeouts: {client-idle: 5s}", "service: a, upgrade: off",
        ])
    func listener(text: String) throws {
        let change = try change(Self.base, edited("service: a", text))
        #expect(change.listeners == ["web"])
        #expect(change.changed.isEmpty && change.added.isEmpty && change.removed.isEmpty)
    }

    @Test("settings that are read when they are needed take effect by themselves")
    func settings() throws {
        let change = try change(
            Self.base, Self.base + "stop-timeout: 5s\nlog-level: debug\nchecks: {rate: 7}\n")
        #expect(change.settings == ["stop-timeout", "log-level", "checks.rate"])
        #expect(!change.isEmpty)
    }

    // MARK: - Refusals

    @Test("what needs a start is refused, all of it at once")
    func refusals() throws {
        let other = """
            dns: {timeout: 9s}
            access-log: {to: stdout}
            services:
              a: {backends: ["127.0.0.1:9001"]}
              b: {srv: _b._tcp.test}
            listeners:
              - {name: web, listen: "127.0.0.1:8090", mode: tcp, service: a}
              - {name: more, listen: "127.0.0.1:8082", service: b}
            """
        let refusal = try #require(throws: ChangeRefusal.self) { try change(Self.base, other) }
        #expect(
            refusal.reasons.map(\.key) == [
                "dns", "access-log", "listeners.web.listen", "listeners.web.mode", "listeners.raw",
                "listeners.more",
            ])
        #expect(
            "\(refusal)".split(separator: "\n").first
                == "dns: can't be changed while it runs: the resolver is made once")
    }

    @Test("threads and the admin port are of the start")
    func process() throws {
        let file = { (head: String) in
            try ConfigurationLoader.load(
                file: NamedText(name: "t", text: head + Self.base), processorCount: 2
            ).configuration
        }
        let refusal = try #require(throws: ChangeRefusal.self) {
            try ConfigurationChange(
                from: file("workers: 2\n"), to: file("workers: 1\nadmin: 127.0.0.1:9191\n"))
        }
        #expect(refusal.reasons.map(\.key) == ["workers", "admin"])
        // As many as there are processors is the same number.
        #expect(try ConfigurationChange(from: file("workers: 2\n"), to: file("")).isEmpty)
    }

    // MARK: - What is published

    private func published(_ text: String, _ ids: [String: ServiceID]) throws -> PublishedListeners
    {
        let configuration = try configuration(text)
        let options = configuration.listeners.enumerated().map { index, listener in
            ListenerOptions(listener, index: index, services: ids, workers: 2)
        }
        return PublishedListeners(configuration.listeners, options, services: ids)
    }

    @Test("only listeners that differ are published, and routes are compiled only when they do")
    func publishing() throws {
        let ids = ["a": ServiceID(index: 0), "b": ServiceID(index: 1)]
        let text = try edited("service: a", "service: a, routes: [{path-prefix: /b, service: b}]")
        var listeners = try published(text, ids)
        let before = try #require(listeners.entries.first?.options.routes)
        func update(_ text: String, _ ids: [String: ServiceID]) throws -> [ListenerOptions] {
            listeners.update(to: try configuration(text).listeners, services: ids, workers: 2)
        }

        #expect(try update(text, ids).isEmpty)
        let limited = text.split(separator: "name: web").joined(
            separator: "name: web, limits: {connections: 8}")
        let first = try update(limited, ids)
        #expect(first.map(\.index) == [0])
        #expect(first.first?.connectionsMax == 4)
        #expect(first.first?.routes === before)

        // The same words, but another life of the service.
        let later = ["a": ServiceID(index: 0), "b": ServiceID(index: 7)]
        let second = try update(limited, later)
        #expect(second.map(\.index) == [0, 1])
        #expect(second.first?.routes !== before)
        #expect(second.first?.routes?.services == [ServiceID(index: 7)])
        #expect(second.last?.service == ServiceID(index: 7))
        #expect(listeners.serviceIDs == Set(later.values))
        #expect(try update(limited, later).isEmpty)
    }
}
