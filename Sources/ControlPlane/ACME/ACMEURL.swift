// ACMEURL: the URLs of a certificate authority. Only https is spoken: what is asked is signed, but
// what is answered is not.

internal import Endpoints

/// A URL such as `https://acme.example.com:14000/dir`. Value type, any thread.
package struct ACMEURL: Equatable, Sendable {
    /// A host name or an address, without brackets.
    package let host: String
    /// 443 unless the URL says another one.
    package let port: UInt16
    /// Path and query, beginning with a slash.
    package let path: String
    /// Host and port as the field Host has them.
    package let authority: String

    /// Nil for what is no such URL.
    package init?(_ text: String) {
        guard text.hasPrefix("https://"), text.utf8.count <= 4096,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        let rest = text.dropFirst("https://".count)
        let name = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let after = rest.dropFirst(name.count).prefix { $0 != "#" }
        authority = String(name)
        path = after.hasPrefix("/") ? String(after) : "/" + after
        guard let parts = URLAuthority(name, standardPort: 443), !parts.host.isEmpty,
            parts.host.utf8.allSatisfy(Self.isOfHost)
        else { return nil }
        host = parts.host
        port = parts.port
    }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
