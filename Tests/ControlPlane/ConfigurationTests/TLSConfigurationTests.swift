// Goal: certificates that can't be used refuse the configuration with their file and reason.
// Method: listeners whose files are not there, or are no certificates; that good ones are read, and
// old ones refused, is shown by the flows.

import Configuration
import Testing

@Suite struct TLSConfigurationTests {
    private func listener(_ tls: String) -> String {
        "listeners: [{listen: \":80\", backends: [\"10.0.0.1:80\"], tls: \(tls)}]"
    }

    @Test(arguments: [
        (
            "{certificates: [{cert: /nowhere.pem, key: /nowhere.key}]}",
            "\"/nowhere.pem\": cannot be read: No such file or directory"
        ),
        (
            "{certificates: [{cert: /etc/passwd, key: /etc/passwd}]}",
            "\"/etc/passwd\": it has no certificate; expected PEM, which begins with "
                + "-----BEGIN CERTIFICATE-----"
        ),
        (
            "{certificates: [{cert: /a}]}",
            "found \"/a\" alone, expected {cert: FILE, key: FILE}; both may name the same file"
        ),
        (
            "{certificates: [{cert: /a}, {cert: /b, key: /c}]}",
            "found cert \"/b\" where the one before has no key, expected {cert: FILE, key: FILE}; "
                + "both may name the same file"
        ),
        (
            "{certificates: [{key: /a}, {key: /b}]}",
            "found key \"/b\" where the one before has no cert, expected {cert: FILE, key: FILE}"
        ),
    ])
    func refused(tls: String, reason: String) {
        let found = errors(listener(tls))
        #expect(
            found == ["f.yaml:1:\(column(of: tls)): listeners[0].tls.certificates: \(reason)"])
    }

    /// Where the list stands.
    private func column(of tls: String) -> Int {
        listener("").utf8.count - 2 + "{certificates: ".utf8.count + 1
    }

    @Test func `what is no file of a certificate, or no version, is told so`() {
        #expect(errors(listener("{certificates: [x.pem]}"))[0].contains("expected {cert: FILE"))
        #expect(errors(listener("{min-version: 1.1}"))[0].contains("expected 1.2 or 1.3"))
        #expect(errors(listener("{strict-sni: on, min-version: 1.3}")).isEmpty)
    }
}
