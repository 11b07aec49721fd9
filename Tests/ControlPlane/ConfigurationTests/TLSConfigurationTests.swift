// Goal: certificates that can't be used refuse the configuration with their file and reason.
// Method: listeners whose files are not there, or are no certificates; that good ones are read, and
// old ones refused, is shown by the flows.

import Configuration
import Testing

@Suite struct TLSConfigurationTests {
    private func listener(_ tls: String) -> String {
        "listeners: [{listen: \":80\", backends: [\"10.0.0.1:80\"], tls: \(tls)}]"
    }

    private static let expected =
        "expected {cert: FILE, key: FILE}, perhaps with ocsp: FILE, or the path of a file with "
        + "certificate and key, or of a folder with such files"

    @Test(arguments: [
        (
            "{certificates: [{cert: /nowhere.pem, key: /nowhere.key}]}",
            "\"/nowhere.pem\": cannot be read: No such file or directory"
        ),
        (
            "{certificates: [{key: /etc/passwd, cert: /etc/passwd}]}",
            "\"/etc/passwd\": it has no certificate; expected PEM, which begins with "
                + "-----BEGIN CERTIFICATE-----"
        ),
        (
            "{certificates: /nowhere and elsewhere.pem}",
            "\"/nowhere and elsewhere.pem\": cannot be read: No such file or directory"
        ),
        (
            "{certificates: {cert: /nowhere.pem}}",
            "\"/nowhere.pem\": cannot be read: No such file or directory"
        ),
    ])
    func refused(tls: String, reason: String) {
        let found = errors(listener(tls))
        #expect(
            found == ["f.yaml:1:\(column(of: tls)): listeners[0].tls.certificates: \(reason)"])
    }

    /// Where the value stands.
    private func column(of tls: String) -> Int {
        listener("").utf8.count - 2 + "{certificates: ".utf8.count + 1
    }

    @Test(arguments: [
        ("[{key: /a}]", "[0]: found key without cert, \(expected)"),
        ("[/a, {key: /a, ocsp: /b}]", "[1]: found key and ocsp without cert, \(expected)"),
        ("[{cert: /a, kee: /b}]", "[0]: found \"kee\", \(expected)"),
        ("[{cert: '', key: /b}]", "[0]: found cert without a file"),
        ("[{cert: [/a]}]", "[0]: found a list, expected a plain value"),
    ])
    func misspelt(certificates: String, reason: String) {
        let found = errors(listener("{certificates: \(certificates)}"))
        #expect(found.count == 1 && found[0].hasSuffix("tls.certificates\(reason)"), "\(found)")
    }

    @Test func `what is no version is told so`() {
        #expect(errors(listener("{min-version: 1.1}"))[0].contains("expected 1.2 or 1.3"))
        #expect(errors(listener("{strict-sni: on, min-version: 1.3}")).isEmpty)
    }

    @Test(arguments: [
        (
            "client-certificates: {mode: required}",
            "client-certificates.mode: found client certificates without ca-file, expected the "
                + "certificates of the authorities that they have to lead to"
        ),
        (
            "client-certificates: {mode: sometimes}",
            "client-certificates.mode: found \"sometimes\", expected off, optional or required"
        ),
        (
            "client-certificates: {mode: optional, ca-file: /nowhere}",
            "client-certificates.ca-file: \"/nowhere\": cannot be read: No such file or directory"
        ),
        (
            "client-certificates: {mode: optional, ca-file: /etc/passwd}",
            "client-certificates.ca-file: \"/etc/passwd\": it has no certificate"
        ),
        (
            "client-certificates: {fields: [name]}",
            "client-certificates.fields[0]: found \"name\", expected certificate, subject, san, "
                + "serial or fingerprint"
        ),
    ])
    func clients(options: String, reason: String) {
        // Its own problem is told besides.
        let found = errors(listener("{certificates: /etc/passwd, \(options)}"))
        #expect(found.contains { $0.contains("tls.\(reason)") }, "\(found)")
    }

    @Test(
        arguments: [
            ("certificates: /nowhere.pem", "certificates: \"/nowhere.pem\": cannot be read"),
            ("certificates: /etc/passwd", "certificates: \"/etc/passwd\": it has no certificate"),
            (
                "client-certificates: {mode: required, ca-file: /nowhere.pem}",
                "client-certificates.mode: found client certificates without TLS"
            ),
            (
                "certificates: /a.pem, client-certificates: {mode: required, ca-file: /none.pem}",
                "client-certificates.ca-file: \"/none.pem\": cannot be read"
            ),
        ])
    func ownAddresses(options: String, reason: String) {
        for key in ["admin", "health"] {
            let found = errors(
                "\(key): {listen: \"127.0.0.1:9191\", tls: {\(options)}}\nlisteners: [{listen: "
                    + "\":80\", backends: [\"10.0.0.1:80\"]}]")
            #expect(found.contains { $0.contains("\(key).tls.\(reason)") }, "\(found)")
        }
    }

    @Test func `clients' certificates need TLS, and fields that nobody can forge`() {
        let found = errors(listener("{client-certificates: {mode: required, ca-file: /a}}"))
        #expect(
            found.first?.hasSuffix(
                "found client certificates without TLS, expected tls.certificates as well") == true,
            "\(found)")
        let forgeable = errors(
            "listeners: [{listen: \":80\", backends: [\"10.0.0.1:80\"], forwarding: {client-cert: "
                + "off}, tls: {client-certificates: {mode: optional}}}]")
        #expect(
            forgeable.contains { $0.contains("found forwarding.client-cert: off beside client") },
            "\(forgeable)")
    }

    @Test(arguments: [
        ("redirect: https, service: a", "found redirect beside a service"),
        ("redirect: https, mode: tcp", "found redirect on a listener of mode tcp"),
        (
            "redirect: https, routes: [{respond: {status: 200}}]",
            "found redirect beside a route for every request"
        ),
        ("redirect: 'https:0'", "expected a host behind the scheme"),
        (
            "redirect: 'https:80', tls: {certificates: /nowhere}",
            "found a redirect to https on the listener that speaks it"
        ),
        (
            "tls: {certificates: /nowhere}, routes: [{path: /a, redirect: 'https:80'}], "
                + "service: a", "found a redirect to https on the listener that speaks it"
        ),
        ("hsts: forever, service: a", "expected a duration with a unit"),
    ])
    func redirects(options: String, reason: String) {
        let found = errors(
            "{services: {a: {backends: [\"10.0.0.1:80\"]}}, "
                + "listeners: [{listen: \"127.0.0.1:80\", \(options)}]}")
        #expect(found.contains { $0.contains(reason) }, "\(found)")
    }

    @Test func `a redirect of a whole listener needs no service, and is printed as it is meant`()
        throws
    {
        let loaded = try load("listeners: [{listen: \"127.0.0.1:80\", redirect: 'https:8443'}]")
        #expect(loaded.configuration.listeners[0].redirect.status == 308)
        #expect(
            loaded.configuration.listeners[0].redirect.target
                == "https://{host}:8443{path}{query}")
        #expect(loaded.effective.yaml.contains("to: https:8443"))
    }

    @Test func `a file of ticket keys that has none is told so`() {
        let found = errors("ticket-keys: /nowhere\n" + listener("{min-version: 1.3}"))
        #expect(
            found == [
                "f.yaml:1:14: ticket-keys: \"/nowhere\": cannot be read: No such file or directory"
            ])
    }

    @Test(arguments: [
        (
            "ticket-keys: {consul: fairlead/}",
            "f.yaml:1:23: ticket-keys.consul: found \"fairlead/\", expected a key of letters, "
                + "digits and - _ . /, such as fairlead-secrets/ticket-keys"
        ),
        (
            "ticket-keys: {consul: /a}",
            "f.yaml:1:23: ticket-keys.consul: found \"/a\", expected a prefix without a / at its "
                + "beginning: Consul's keys have none"
        ),
        (
            "ticket-keys: {consul: a/keys}\nconsul: {kv: a/}",
            "f.yaml:1:23: ticket-keys.consul: found \"a/keys\", which has to do with \"a/\" of "
                + "consul.kv: what is there is read as configuration, and shown; expected a place "
                + "of its own, such as fairlead-secrets/ticket-keys"
        ),
        (
            "ticket-keys: {consul: a/keys, file: /nowhere}",
            "f.yaml:1:37: ticket-keys.file: found both ticket-keys.file and ticket-keys.consul, "
                + "expected one"
        ),
    ])
    func `a place for ticket keys that will not do is told so`(options: String, reason: String) {
        let found = errors(options + "\n" + listener("{min-version: 1.3}"))
        #expect(found == [reason])
    }
}
