// Goal: each difference of two configurations is named once, by what follows from it, and what
// needs a restart is refused with its key. Method: pairs of texts, read by the loader.

import Backends
import Configuration
import Documents
import Endpoints
import Events
import Proxy
import Routing
import Stats
import Testing
import Traffic

@testable import Control

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

    @Test("services are added and removed by name")
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

    @Test(
        "a difference of a service is named by what follows from it",
        arguments: serviceTable.indices)
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
        "another name or list of addresses makes another source",
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
        "a listener's routes, service, limits and timeouts need no restart",
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

    @Test("settings that are read when they are needed require no other change")
    func settings() throws {
        let change = try change(
            Self.base,
            Self.base
                + "stop-timeout: 5s\nlog: {level: debug}\nchecks: {rate: 7}\nreload: {watch: on}\n")
        #expect(change.settings == ["stop-timeout", "log", "checks.rate", "reload.watch"])
        #expect(!change.isEmpty)
    }

    @Test("listeners are added and removed by name, and their addresses and modes may change")
    func listeners() throws {
        let other = """
            services:
              a: {backends: ["127.0.0.1:9001"]}
              b: {srv: _b._tcp.test, check: {interval: 9s}}
            listeners:
              - {name: more, listen: "127.0.0.1:8082", service: b}
              - {name: web, listen: "127.0.0.1:8090", mode: tcp, service: a}
            """
        let change = try change(Self.base, other)
        #expect(change.addedListeners == ["more"])
        #expect(change.removedListeners == ["raw"])
        #expect(change.listeners == ["web"])
        #expect(
            change.lines == [
                "listener more: added", "listener raw: removed", "listener web: changed",
                "service b: changed (checks)",
            ])
    }

    // MARK: - Refusals

    @Test("everything that needs a restart is refused at once")
    func refusals() throws {
        let other = """
            dns: {timeout: 9s}
            access-log: {to: stdout}
            services:
              a: {backends: ["127.0.0.1:9001"]}
              b: {srv: _b._tcp.test}
            listeners:
              - {name: web, listen: "127.0.0.1:8080", service: a}
              - {name: raw, listen: "127.0.0.1:8081", mode: tcp, service: b}
            """
        let refusal = try #require(throws: ChangeRefusal.self) { try change(Self.base, other) }
        #expect(refusal.reasons.map(\.key) == ["dns", "access-log"])
        #expect(
            "\(refusal)".split(separator: "\n").first
                == "dns: can't be changed while it runs: the resolver is made once")
    }

    @Test("threads and the admin port need a restart")
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

    @Test("a change of the port registered in Consul needs a restart")
    func registered() throws {
        let head = "consul: {register: {name: edge}}\n"
        let moved = try edited("127.0.0.1:8080", "127.0.0.1:8090")
        let refusal = try #require(throws: ChangeRefusal.self) {
            try change(head + Self.base, head + moved)
        }
        #expect(
            "\(refusal)"
                == "listeners: can't be changed while it runs: the address of the first one is "
                + "registered in Consul; set consul.register.port")
        let fixed = "consul: {register: {name: edge, port: 80}}\n"
        #expect(try change(fixed + Self.base, fixed + moved).listeners == ["web"])
    }

    // MARK: - What is published

    private func published(_ text: String, _ ids: [String: ServiceID]) throws -> PublishedListeners
    {
        let configuration = try configuration(text)
        let options = configuration.listeners.enumerated().map { index, listener in
            ListenerOptions(listener, index: index, services: ids, workers: 2, tls: nil)
        }
        return PublishedListeners(
            configuration.listeners, options, at: configuration.listeners.map(\.listen),
            services: ids)
    }

    @Test("only listeners that differ are published, and only routes that differ are compiled")
    func publishing() throws {
        let ids = ["a": ServiceID(index: 0), "b": ServiceID(index: 1)]
        let text = try edited("service: a", "service: a, routes: [{path-prefix: /b, service: b}]")
        var listeners = try published(text, ids)
        let before = try #require(listeners.entries.first?.options.routes)
        func update(_ text: String, _ ids: [String: ServiceID]) throws -> [ListenerOptions] {
            let update = listeners.update(
                to: try configuration(text).listeners, services: ids, workers: 2,
                tls: { _ in nil })
            #expect(update.opened.isEmpty && update.closed.isEmpty)
            return update.changed
        }

        #expect(try update(text, ids).isEmpty)
        let limited = text.split(separator: "name: web").joined(
            separator: "name: web, limits: {connections: 8}")
        let first = try update(limited, ids)
        #expect(first.map(\.index) == [0])
        #expect(first.first?.policy.connectionsMax == 4)
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

    /// What is published when listeners with these names and addresses (and a mode other than HTTP)
    /// are replaced by others.
    @Test(
        "an address is opened if no listener has it, and handed over if one had it",
        arguments: [
            ("a 1, b 2", "b 2, a 1", "", "", ""),
            ("a 1", "a 1, b 2", "b", "+1 b new", ""),
            ("a 1, b 2", "b 2", "", "", "-0"),
            ("a 1", "a 2", "a", "+1 a new as 0", "-0"),
            ("a 1", "b 1", "", "+1 b of 0", "-0"),
            ("a 1", "a 1 tcp", "", "+1 a of 0 as 0", "-0"),
            ("a 1, b 2", "a 2, b 1", "", "+2 a of 1 as 0, +3 b of 0 as 1", "-0, -1"),
            ("a 1, b 2", "a 2", "", "+2 a of 1 as 0", "-0, -1"),
            ("a 0", "b 0", "b", "+1 b new", "-0"),
        ])
    func handingOver(
        before: String, after: String, unopened: String, opened: String, closed: String
    ) throws {
        func text(_ listeners: String) -> String {
            let lines = listeners.split(separator: ",").map { listener in
                let words = listener.split(separator: " ")
                return "  - {name: \(words[0]), listen: \"127.0.0.1:\(words[1])\", "
                    + "mode: \(words.count > 2 ? words[2] : "http"), service: s}\n"
            }
            return "services: {s: {srv: _s.test}}\nlisteners:\n" + lines.joined()
        }
        let ids = ["s": ServiceID(index: 0)]
        var listeners = try published(text(before), ids)
        let new = try configuration(text(after)).listeners
        #expect(listeners.unopened(of: new).map(\.name).joined(separator: ", ") == unopened)
        let workers = try ProxyWorkers(
            options: ProxyOptions(
                workers: 2, sharesAddresses: false, pinsWorkers: false, listeners: [],
                services: []),
            registry: StatsRegistry(workers: 2, listeners: 0, services: 0), reports: Mailbox())
        let sockets = try workers.open(Endpoint(.loopback, 0))
        defer { sockets.close() }
        let update = listeners.update(
            to: new, services: ids, workers: 2, tls: { _ in nil },
            sockets: Dictionary(
                uniqueKeysWithValues: listeners.unopened(of: new).map { ($0.name, sockets) }))
        let said = update.opened.map { opening in
            let number = opening.options.index
            let origin =
                switch opening.origin {
                case .sockets: "new"
                case .successor(let old): "of \(old)"
                }
            let past = update.continued[number].map { " as \($0)" } ?? ""
            return "+\(number) \(opening.options.name) \(origin)\(past)"
        }
        #expect(said.joined(separator: ", ") == opened)
        #expect(update.closed.map { "-\($0.number)" }.joined(separator: ", ") == closed)
        #expect(listeners.entries.map(\.settings) == new)
        for closing in update.closed {
            #expect(listeners.hasClosed(closing.number) == nil, "one worker is left")
            #expect(listeners.hasClosed(closing.number)?.name == closing.name)
        }
        #expect(listeners.closing.isEmpty)
        #expect(
            listeners.update(to: new, services: ids, workers: 2, tls: { _ in nil }).opened
                .isEmpty)
    }
}
