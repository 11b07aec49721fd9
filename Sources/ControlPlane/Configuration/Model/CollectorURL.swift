// CollectorURL: where a collector takes spans.

internal import Endpoints

/// A URL such as `http://127.0.0.1:4318/v1/traces`. Value type, any thread.
package struct CollectorURL: Equatable, Sendable {
    /// Whether it is reached by TLS.
    package let isSecure: Bool
    /// A host name or an address, without brackets.
    package let host: String
    /// 80 or 443 unless the URL says another one.
    package let port: UInt16
    /// Path and query, beginning with a slash; that of the protocol where the URL has none.
    package let path: String
    /// Host and port as the field Host has them.
    package let authority: String

    /// Where the protocol has collectors take spans (OTLP/HTTP).
    private static let standardPath = "/v1/traces"

    /// Nil for what is no such URL.
    init?(_ text: String) {
        let schemes = [("http://", false, UInt16(80)), ("https://", true, 443)]
        guard let (scheme, isSecure, port) = schemes.first(where: { text.hasPrefix($0.0) }),
            text.utf8.count <= 1024, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        let rest = text.dropFirst(scheme.utf8.count)
        let name = rest.prefix { $0 != "/" }
        let after = rest.dropFirst(name.count)
        guard !after.contains("#"), !name.contains("?"), !name.contains("@") else { return nil }
        self.isSecure = isSecure
        authority = String(name)
        path = after.isEmpty || after == "/" ? Self.standardPath : String(after)
        guard let parts = URLAuthority(name, standardPort: port) else { return nil }
        host = parts.host
        self.port = parts.port
        let isAddress = IPAddress(host).map { !$0.isWildcard }
        guard isAddress ?? isHostToLookUp(host) else { return nil }
    }

    /// The URL below `base`, which serves all that a collector takes, traces at `v1/traces`. Nil
    /// for what is no such URL, or has a query.
    init?(base: String) {
        guard !base.contains("?"), Self(base) != nil else { return nil }
        let path = base.hasSuffix("/") ? Self.standardPath.dropFirst() : Self.standardPath[...]
        self.init(base + path)
    }
}

extension CollectorURL: CustomStringConvertible {
    /// The URL in full.
    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(path)" }
}
