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
}
