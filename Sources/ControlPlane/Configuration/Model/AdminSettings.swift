// Where the admin port listens, who may use it and for what. By default only this machine can use
// it; a port that can be reached from elsewhere needs a token, since anyone who reaches it can
// drain backends.

internal import Documents
package import Endpoints

/// The admin port.
package struct AdminSettings: Equatable, Sendable {
    /// Where it listens as it was written; nil means there is none.
    var place: Place? = .endpoint(Endpoint(.loopback, 9090))
    /// Where it listens: the first address of a name, or the one that was written; nil means there
    /// is none.
    package internal(set) var listen: Endpoint? = Endpoint(.loopback, 9090)
    /// The other addresses of a name.
    package internal(set) var alsoListen: [Endpoint] = []
    /// What a request has to bring as a bearer token; nil for none. A secret: never shown.
    package internal(set) var token: String?
    /// A file whose first line is the token; read at the start.
    package internal(set) var tokenFile: String?
    /// How it speaks TLS, if it does.
    package internal(set) var tls = TLSSettings()
    /// Whether nothing can be changed by it.
    package internal(set) var readOnly = false
    /// Names that it answers to, besides addresses and `localhost`.
    package internal(set) var hosts: [String] = []

    /// Whether a proxy stands before it on purpose: requests that one has passed on are answered.
    package internal(set) var behindProxy = false
    /// Whether `/metrics` has a histogram for each backend.
    package internal(set) var backendHistograms = false

    /// Bytes of a token at least: one that could be guessed would protect nothing.
    package static let tokenBytesMin = 16

    /// Whether `text` may be a token: long enough, and visible ASCII, as a field can carry it.
    package static func isToken(_ text: String) -> Bool {
        text.utf8.count >= tokenBytesMin && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

extension OptionTable {
    /// `admin: HOST:PORT` is short for `admin: {listen: HOST:PORT}`.
    static let admin = adminPort + Option.group("tls", \.tls, portTLS)

    private static let adminPort: [Option<AdminSettings>] = [
        Option(
            "listen", \.place, .optional(.adminAddress, "off"), variable: "FAIRLEAD_ADMIN",
            flag: .admin, "Where the admin port listens; without a token on loopback only."),
        Option(
            "token", \.token, .optional(.adminToken),
            "What a request has to bring: `Authorization: Bearer TOKEN`; 16 characters at least."),
        Option(
            "token-file", \.tokenFile, .optional(.filePath),
            "A file with that token, read at the start."),
        Option("read-only", \.readOnly, .onOff, "Whether nothing can be changed by it."),
        Option(
            "hosts", \.hosts, .list(of: .hostName, countMax: 64),
            "Names that it answers to, besides addresses and `localhost`."),
        Option(
            "behind-proxy", \.behindProxy, .onOff,
            "Whether requests that a proxy has passed on (`Via`, `X-Forwarded-…`) are answered."),
        Option(
            "backend-histograms", \.backendHistograms, .onOff,
            "Whether `/metrics` has a histogram for each backend: 19 series more for each."),
    ]
}

extension Loading {
    /// Anyone who reaches the admin port can change what runs.
    mutating func checkAdmin() {
        let admin = draft.configuration.admin
        let hasToken = admin.token != nil || admin.tokenFile != nil
        let isGuarded = hasToken || admin.tls.clients.mode != .off
        if admin.token != nil, admin.tokenFile != nil {
            errors.add(
                "found both admin.token and admin.token-file, expected one",
                at: given["admin.token-file"] ?? .nowhere)
        }
        guard admin.place != nil else {
            for key in [
                "token", "token-file", "read-only", "hosts", "behind-proxy", "backend-histograms",
                "tls.certificates",
            ] {
                guard let origin = given["admin.\(key)"] else { continue }
                warnings.add("no effect, as the admin port is off", at: origin)
            }
            return
        }
        let all = [admin.listen].compactMap(\.self) + admin.alsoListen
        for listen in all where !listen.address.isLoopback && !isGuarded {
            errors.add(
                found: "\(listen) without a token",
                expected: "a loopback address, such as 127.0.0.1:\(listen.port), or admin.token, "
                    + "admin.token-file or admin.tls.client-certificates as well",
                at: given["admin.listen"] ?? .nowhere)
        }
    }
}

extension ValueKind where Value == Place {
    /// Where the admin port listens. Not `:PORT`: an operator should say who may reach it.
    static var adminAddress: Self {
        place(expected: "an address with a port, such as 127.0.0.1:9090 or 0.0.0.0:9090") {
            $0.first == ":" ? nil : Endpoint($0)
        }
    }
}

extension ValueKind where Value == String {
    /// A bearer token that nobody guesses.
    static var adminToken: Self {
        let least = AdminSettings.tokenBytesMin
        var kind = Self("text, \(least) characters at least", write: { _ in "(secret)" }) {
            (text) throws(Unexpected) in
            guard AdminSettings.isToken(text), text.utf8.count <= 4096 else {
                throw Unexpected(
                    expected: "a token of \(least) visible ASCII characters at least")
            }
            return text
        }
        kind.isSecret = true
        return kind
    }

    /// A name that a Host field may have, without a port.
    static var hostName: Self {
        Self("host name", write: { $0 }) { (text) throws(Unexpected) in
            guard isHostName(text) else {
                throw Unexpected(expected: "a host name without a port, such as edge.example.com")
            }
            return text
        }
    }
}
