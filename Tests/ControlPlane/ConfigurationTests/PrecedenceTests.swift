// Goal: which of the places that give a value wins, and that each place is told. Method: one table;
// what is in force is read in the text of the whole configuration.

import Backends
import Configuration
import Documents
import Endpoints
import Testing
import Traffic

@Suite struct PrecedenceTests {
    /// What is given where, and the line that is to be in force.
    struct Row: Sendable, CustomTestStringConvertible {
        let what: String
        var file = ""
        var service = ""
        var environment: [String: String] = [:]
        var flags: [ConfigurationFlag: [String]] = [:]
        /// With where it is from.
        let line: String

        var testDescription: String { what }
    }

    static let rows: [Row] = [
        Row(what: "nobody says anything", line: "workers: auto # default"),
        Row(what: "the file", file: "workers: 2", line: "workers: 2 # f.yaml:1"),
        Row(
            what: "the environment goes before the file", file: "workers: 2",
            environment: ["FAIRLEAD_WORKERS": "3"], line: "workers: 3 # FAIRLEAD_WORKERS"),
        Row(
            what: "a flag goes before both", file: "workers: 2",
            environment: ["FAIRLEAD_WORKERS": "3"], flags: [.workers: ["4"]],
            line: "workers: 4 # --workers"),
        Row(
            what: "an empty variable is none", file: "workers: 2",
            environment: ["FAIRLEAD_WORKERS": ""], line: "workers: 2 # f.yaml:1"),
        Row(
            what: "of a flag of one value the last counts", flags: [.workers: ["4", "5"]],
            line: "workers: 5 # --workers"),
        Row(
            what: "a flag of a list adds up, and replaces the variable's list",
            environment: ["FAIRLEAD_DNS": "10.0.0.1"],
            flags: [.dns: ["10.0.0.2", "10.0.0.3,10.0.0.4"]],
            line: "servers: [10.0.0.2:53, 10.0.0.3:53, 10.0.0.4:53] # --dns"),
        Row(
            what: "a service has what defaults say", file: "defaults: {drain-limit: 5s}",
            line: "drain-limit: 5s # f.yaml:1"),
        Row(
            what: "the environment goes before defaults", file: "defaults: {drain-limit: 5s}",
            environment: ["FAIRLEAD_DRAIN_LIMIT": "6s"],
            line: "drain-limit: 6s # FAIRLEAD_DRAIN_LIMIT"),
        Row(
            what: "what a service says of itself goes before all of these",
            file: "defaults: {drain-limit: 5s}", service: ", drain-limit: 7s",
            environment: ["FAIRLEAD_DRAIN_LIMIT": "6s"], line: "drain-limit: 7s # f.yaml:2"),
    ]

    @Test("the nearest place wins", arguments: rows)
    func precedence(row: Row) throws {
        let file = """
            \(row.file)
            services: {web: {srv: _web._tcp.example\(row.service)}}
            listeners: [{listen: ":8080", service: web}]
            """
        let loaded = try load(file, environment: row.environment, flags: row.flags)
        let lines = loaded.effective.yaml.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ")
        }
        // Of a key that is there for defaults and for the service, the service's comes last.
        let key = row.line.prefix { $0 != ":" } + ":"
        #expect(lines.last { $0.hasPrefix(key) } == row.line)
    }

    @Test(
        "the listener of flags and environment stands beside those of the file, and flags go first")
    func direct() throws {
        let loaded = try load(
            web,
            environment: [
                "FAIRLEAD_LISTEN": ":1", "FAIRLEAD_SERVICE": "_env._tcp.example",
                "FAIRLEAD_MODE": "tcp",
            ], flags: [.listen: [":2"], .backend: ["10.0.0.1:80"]])
        let listeners = loaded.configuration.listeners
        #expect(listeners.map(\.listen.port) == [8080, 2])
        #expect(listeners.map(\.mode) == [.http, .tcp])
        let sources = loaded.configuration.services.map(\.sources)
        #expect(sources.count == 2 && sources[0] == [.srv("_web._tcp.example")])
        guard case .backends(let backends)? = sources.last?.first else {
            Issue.record("the flag's source does not replace the variable's")
            return
        }
        #expect(backends.map(\.address.host) == ["10.0.0.1"])
    }

    @Test("what comes from Consul adds to all of it, and is under the same defaults")
    func fragments() throws {
        let document = NamedText(name: "kv:services/more", text: "{srv: _m._tcp.example}")
        let loaded = try ConfigurationLoader.load(
            file: NamedText(name: "f.yaml", text: web),
            environment: ["FAIRLEAD_DRAIN_LIMIT": "6s"],
            fragments: [ConfigurationFragment(key: "services/more", document)], processorCount: 4)
        #expect(
            loaded.configuration.services.map(\.rosterOptions.drainLimit) == [
                .seconds(6), .seconds(6),
            ])
    }
}
