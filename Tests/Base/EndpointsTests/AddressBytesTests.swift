// Goal: an address in bytes from the network is read as its text would be, with or without a port,
// and nothing else is taken for one. Method: texts of X-Forwarded-For, good and bad.

import Endpoints
import Testing

@Suite struct AddressBytesTests {
    private func read(_ text: String) -> IPAddress? {
        IPAddress(withPort: Array(text.utf8).span)
    }

    @Test(
        "addresses, with and without port",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:80", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:65535", "2001:db8::1"), ("::", "::"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ])
    func good(text: String, address: String) {
        #expect(read(text) == IPAddress(address))
        #expect(read(text) != nil)
    }

    @Test(
        "what is none",
        arguments: [
            "", "unknown", "_hidden", "192.0.2", "192.0.2.1:", "192.0.2.1:123456", "192.0.2.1:x",
            "[192.0.2.1]", "[2001:db8::1", "[2001:db8::1]80", "[]", "fe80::1%eth0", " 192.0.2.1",
            "192.0.2.1\u{0}", "1:2:3:4:5:6:7:8:9", String(repeating: "1", count: 100),
        ])
    func bad(text: String) {
        #expect(read(text) == nil)
    }
}
