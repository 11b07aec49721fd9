// Goal: what certificates from an authority need is asked for at the check, with what to write.
// Method: configurations that lack one thing each.

import ACME
import Testing

@testable import Configuration

@Suite struct ACMEConfigurationTests {
    private func file(
        _ acme: String, tls: String = "{acme: [www.example.com]}", more: String = ""
    ) -> String {
        "acme: \(acme)\nlisteners: [{listen: \":443\", backends: [\"10.0.0.1:80\"], tls: \(tls)}"
            + "\(more)]"
    }

    private static let whole = "{store: /s, terms-agreed: on, email: a@example.com"
    private let plain = ", {listen: \":80\", backends: [\"10.0.0.2:80\"]}"

    @Test func `what is complete is taken without a warning`() throws {
        let loaded = try load(file(Self.whole + "}", more: plain))
        #expect(loaded.warnings.isEmpty, "\(loaded.warnings)")
        #expect(loaded.configuration.listeners[0].tls.isOn)
        #expect(loaded.configuration.acme.methods == [.http, .tlsALPN])
    }

    @Test(arguments: [
        ("{terms-agreed: on}", "found no acme.store, expected a folder for the certificates"),
        ("{store: /s}", "expected acme.terms-agreed: on, once you have read"),
        ("{consul: certs, terms-agreed: on}", "that ends in a slash, such as fairlead-certifi"),
        ("{consul: a$/, terms-agreed: on}", "expected a prefix of letters, digits and - _ . /"),
        (whole + ", consul: certs/}", "found both acme.store and acme.consul, expected one"),
        (
            "{consul: a/certs/, terms-agreed: on}\nconsul: {kv: a/}",
            "found \"a/certs/\", which has to do with \"a/\" of consul.kv"
        ),
        (
            "{consul: a/, terms-agreed: on}\nconsul: {kv: a/b/}",
            "found \"a/\", which has to do with \"a/b/\" of consul.kv"
        ),
        (whole + ", directory: \"http://ca.test/\"}", "expected https://HOST/PATH"),
        ("{store: /s, terms-agreed: on, email: ops}", "expected an e-mail address, such as"),
        (whole + ", challenges: [dns-01]}", "expected http-01 or tls-alpn-01"),
        (whole + ", challenges: [http-01, http-01]}", "found a way twice"),
        (whole + ", challenges: []}", "expected at least one value"),
        (whole + ", eab-key-id: a}", "expected both"),
        (whole + ", eab-key: \"a+b\"}", "expected a key in base64url"),
    ])
    func refused(acme: String, reason: String) {
        let found = errors(file(acme))
        #expect(found.contains { $0.contains(reason) }, "\(found)")
        #expect(found.allSatisfy { $0.hasPrefix("f.yaml:") }, "\(found)")
        #expect(!found.joined().contains("a+b"), "a secret is shown")
    }

    @Test(arguments: [
        ("{acme: [\"*.example.com\"]}", "prove wildcards by DNS alone"),
        ("{acme: [localhost]}", "expected a public host name"),
        ("{acme: [10.0.0.1]}", "expected a public host name"),
        ("{acme: [a.test, A.test]}", "found a host twice"),
    ])
    func badHost(tls: String, reason: String) {
        let found = errors(file(Self.whole + "}", tls: tls))
        #expect(found.count == 1 && found[0].contains(reason), "\(found)")
    }

    @Test func `what is likely to go wrong is warned of`() throws {
        func warnings(_ text: String) throws -> String {
            try load(text).warnings.map { "\($0)" }.joined(separator: "\n")
        }
        #expect(
            try warnings(file("{store: /s, terms-agreed: on}", more: plain)).contains(
                "no acme.email"))
        #expect(
            try warnings(file(Self.whole + ", challenges: [http-01]}")).contains(
                "the authority asks on port 80"))
        let unused = "listeners: [{listen: \":80\", backends: [\"10.0.0.1:80\"]}]"
        #expect(
            try warnings("acme: {store: /s}\n" + unused).contains("no effect without tls.acme"))
        #expect(
            try warnings("acme: {tls-alpn: \"127.0.0.1:9\"}\n" + unused).contains(
                "no effect without a listener that has tls"))
    }

    @Test func `another program's answers need no store`() throws {
        let loaded = try load(
            "acme: {webroot: /srv, tls-alpn: \"127.0.0.1:9\"}\n"
                + "listeners: [{listen: \":443\", backends: [\"10.0.0.1:80\"]}]")
        #expect(loaded.configuration.acme.webroot == "/srv")
        #expect(loaded.configuration.listeners[0].challengeService.isEmpty)
    }
}
