// Goal: every option that there is can be had from Consul's K/V store, and changes what runs at
// once unless it is read at the start alone, which is said. Method: the whole option table, each
// option with a value that is not its default, found by trying.

import Backends
import Documents
import Routing
import TestSupport
import Testing
import Traffic

@testable import Configuration
@testable import Control

@Suite struct KeyOptionTests {
    private static let base = """
        services:
          a: {srv: [_a._tcp.test, _b._tcp.test]}
        listeners:
          - {name: web, listen: "127.0.0.1:8080", service: a}
        """

    /// Values of every kind; the first that an option takes, and that is not its default, is used.
    private static let candidates = [
        "on", "off", "2", "3", "17", "900", "41s", "200ms", "90s", "3s", "12%", "17KiB", "json",
        "debug", "tcp", "http", "names", "combined", "ipv6", "always", "end", "least-connections",
        "10.0.0.9:8500", "10.0.0.9", "10.0.0.0/8", "/tmp/fairlead-test", "some-name",
        "\"X-Name: value\"", "POST", "cookie name", "a-secret-of-some-length", "fairlead/",
        "answer", "replace", "on-success", "deregister", "unix:///run/other.sock",
        "127.0.0.1:9999", "[500]", "204", "1.3", "v2", "h2", "[serial]",
        "https://ca.test/directory", "100/s", "ops@example.com", "tls-alpn-01", "log", "all",
        "3MiB", "text/css",
        "a", "same", "open",
    ]

    /// Options whose files are read and checked with the configuration, and hosts to get
    /// certificates for, which need a store that is told at the start: flows show both.
    private static let readFiles = [
        "defaults.tls.certificates", "defaults.tls.client-certificates.mode", "ticket-keys.file",
        "admin.tls.certificates", "admin.tls.client-certificates.mode",
        "health.tls.certificates", "health.tls.client-certificates.mode",
        "defaults.backend-tls.ca-file", "defaults.backend-tls.certificate.cert",
        "defaults.backend-tls.certificate.key",
        "defaults.tls.acme", "defaults.error-pages", "defaults.maintenance.page",
        "defaults.auth.users",
    ]

    private let files: TemporaryFiles
    /// A file of users.
    private let users: String

    init() throws {
        files = try TemporaryFiles()
        users = try files.write(
            "users", "ann:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n")
    }

    private func load(
        _ fragments: [ConfigurationFragment] = [], environment: [String: String] = [:]
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        try ConfigurationLoader.load(
            file: NamedText(name: "f.yaml", text: Self.base), environment: environment,
            fragments: fragments, processorCount: 4)
    }

    private func fragment(_ key: String, _ text: String) throws -> ConfigurationFragment {
        let path = "options/" + key.split(separator: ".").joined(separator: "/")
        return try ConfigurationFragment(key: path, NamedText(name: "kv:\(path)", text: text))
    }

    /// The configuration in full, without where values are from.
    private func values(_ loaded: LoadedConfiguration) -> [String] {
        loaded.effective.yaml.split(separator: "\n").map { line in
            var text = String(line.split(separator: " # ", maxSplits: 1)[0])
            while text.last == " " { text.removeLast() }
            return text
        }
    }

    /// What a variable has, where the same stands in YAML.
    private func plain(_ text: String) -> String {
        text.filter { $0 != "\"" && $0 != "[" && $0 != "]" }
    }

    /// Variables without which an option means nothing.
    private func company(of option: Option<Draft>) -> [String: String] {
        switch option.key {
        case "consul.register.name": [:]
        case let key where key.hasPrefix("consul.register."): ["FAIRLEAD_CONSUL_REGISTER_NAME": "e"]
        case "defaults.auth.service": [:]
        case "defaults.auth.realm", "defaults.auth.user-field", "defaults.auth.pass-authorization":
            ["FAIRLEAD_AUTH_USERS": users]
        case let key where key.hasPrefix("defaults.auth."): ["FAIRLEAD_AUTH_SERVICE": "a"]
        case "defaults.check.send": ["FAIRLEAD_CHECK_EXPECT": "x"]
        default: [:]
        }
    }

    /// Whether `option` takes `text`, and has another value by default. Saves loading.
    private func isAnother(_ text: String, _ option: Option<Draft>) -> Bool {
        var draft = Draft(processorCount: 4)
        let standard = option.text(draft)
        var problems = ProblemList()
        let isTaken = option.apply([plain(text)], to: &draft, &problems) { _ in .nowhere }
        return isTaken && (option.text(draft) != standard || option.isSecret)
    }

    /// A value for `option`, and what is loaded with it as a variable.
    private func sample(
        _ option: Option<Draft>
    ) throws -> (text: String, loaded: LoadedConfiguration)? {
        let company = company(of: option)
        let standard = values(try load(environment: company))
        for text in Self.candidates where isAnother(text, option) {
            let variable = [option.environmentName: plain(text)]
            guard let loaded = try? load(environment: company.merging(variable) { $1 }),
                loaded.effective.yaml.contains("# \(option.environmentName)"),
                values(loaded) != standard || option.isSecret
            else { continue }
            return (text, loaded)
        }
        return nil
    }

    @Test("each option of the table is read from its key as from its variable, or is of the start")
    func everyOption() throws {
        #expect(OptionTable.file.count > 130)
        for option in OptionTable.file where !Self.readFiles.contains(option.key) {
            guard let (text, byVariable) = try sample(option) else {
                Issue.record("no candidate is a value of \(option.key): \(option.summary)")
                continue
            }
            let fragment = try fragment(option.key, text)
            guard !OptionTable.isReadAtStart(option.key) else {
                do throws(ConfigurationErrors) {
                    _ = try load([fragment])
                    Issue.record("\(option.key) is taken")
                } catch {
                    #expect("\(error)".contains("read at the start alone"), "\(option.key)")
                }
                // A reload takes other files of these, and other names.
                guard !option.key.contains(".tls.") else { continue }
                #expect(throws: ChangeRefusal.self, "\(option.key) needs no start") {
                    try change(to: byVariable)
                }
                continue
            }
            let byKey = try load([fragment], environment: company(of: option))
            #expect(values(byKey) == values(byVariable), "\(option.key)")
            #expect(byKey.effective.yaml.contains("# kv:options/"), "\(option.key)")
            #expect(throws: Never.self, "\(option.key) needs a start") { try change(to: byKey) }
        }
    }

    private func change(to new: LoadedConfiguration) throws {
        _ = try ConfigurationChange(from: try load().configuration, to: new.configuration)
    }

    @Test("a variable wins over a key, and a key over the file; a service's own wins over both")
    func precedence() throws {
        let file = NamedText(
            name: "f.yaml",
            text: """
                defaults: {retry: {attempts: 2}, drain-limit: 5s, slow-start: 7s}
                services:
                  a: {srv: _a._tcp.test}
                  b: {srv: _b._tcp.test, retry: {attempts: 7}}
                listeners: [{listen: ":8080", routes: [{path: /b, service: b}], service: a}]
                """)
        let loaded = try ConfigurationLoader.load(
            file: file, environment: ["FAIRLEAD_DRAIN_LIMIT": "6s"],
            fragments: [
                fragment("retry.attempts", "4"), fragment("defaults.drain-limit", "8s"),
            ], processorCount: 1)
        let services = Dictionary(
            uniqueKeysWithValues: loaded.configuration.services.map { ($0.name, $0) })
        let a = try #require(services["a"])
        #expect(a.policy.retry.rule.attempts == 4)
        #expect(services["b"]?.policy.retry.rule.attempts == 7)
        #expect(a.rosterOptions.drainLimit == .seconds(6))
        #expect(a.rosterOptions.slowStart == .seconds(7))
    }

    @Test("groups, lists and empty values are as in the file, and what is wrong is told by its key")
    func forms() throws {
        let loaded = try load([
            fragment("retry", "{attempts: 1, on: [connect, reset]}"),
            fragment("log.level", ""), fragment("check.path", "/up"),
        ])
        let service = try #require(loaded.configuration.services.first)
        #expect(service.policy.retry.rule.attempts == 1)
        #expect(service.check.type == .http, "a path makes it HTTP")
        for (key, text, message) in [
            ("retry.atempts", "1", "unknown key, expected attempts?"),
            ("retry.attempts", "many", "found \"many\""),
            ("services.a", "{srv: x.test}", "unknown key"),
            ("sticky.secret", "[a-secret-value]", "found a list"),
        ] {
            do throws(ConfigurationErrors) {
                _ = try load([try! fragment(key, text)])
                Issue.record("\(key) is taken")
            } catch {
                #expect("\(error)".contains(message), "\(error)")
                #expect("\(error)".hasPrefix("kv:options/"), "\(error)")
                #expect(!"\(error)".contains("a-secret-value"))
            }
        }
    }
}
