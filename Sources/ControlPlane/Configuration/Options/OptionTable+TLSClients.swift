// The options by which TLS is spoken to backends and to registries, and those of what backends are
// spoken to in.

internal import TLS
internal import Traffic

extension OptionTable {
    /// What is spoken on connections to a service's backends.
    static let backendProtocols: [Option<Service>] = [
        Option(
            "protocol", \.policy.speaks, .word,
            "Which HTTP backends speak: `http1`, `h2` (HTTP/2, by TLS or in the clear), or `auto`, "
                + "which takes HTTP/2 where a backend chooses it in the handshake of TLS."),
        Option(
            "send-proxy", \.sendsHeader, .optional(.word, "off"),
            "The version of the PROXY header with which each connection to a backend begins, so "
                + "that it learns who the client is; for HTTP each client then has connections of "
                + "its own."),
    ]

    /// Another name that a service may have for the group; `defaults` have the listeners' options
    /// under it.
    static let serviceAliases = ["tls": "backend-tls"]

    /// The options of TLS to servers, which are `servers` in sentences; `use` says what switches it
    /// on.
    static func tlsClient(of servers: String, _ use: String) -> [Option<TLSClientSettings>] {
        [
            Option("use", \.isOn, .onOff, use),
            Option(
                "verify", \.verifies, .onOff,
                "Whether the certificates of \(servers) have to lead to a trusted authority and "
                    + "to be for their names. When `off`, anybody on the way can be one of them."),
            Option(
                "name", \.name, .optional(.peerName, "auto"),
                "The name that \(servers) are asked for (SNI) and that their certificates are "
                    + "for; `auto` is each one's host name, or its address."),
            Option(
                "ca-file", \.authorities, .optional(.filePath),
                "The authorities that are trusted, as a file in PEM or a folder of such files; "
                    + "without it this machine's list, or that of SSL_CERT_FILE."),
            Option(
                "certificate.cert", \.chain, .optional(.filePath),
                "The certificate that \(servers) are shown when they ask for one, in PEM, with "
                    + "its chain."),
            Option("certificate.key", \.key, .optional(.filePath), "The key of that, in PEM."),
            Option("min-version", \.minVersion, .word, "The oldest version of TLS that is spoken."),
        ]
    }
}

extension ValueKind where Value == TLSPeerName {
    /// A name that a certificate can be for.
    static var peerName: Self {
        Self("host name or address", write: { "\($0)" }) { (text) throws(Unexpected) in
            guard let name = TLSPeerName(text) else {
                throw Unexpected(expected: "a host name or an address, such as api.example.com")
            }
            return name
        }
    }
}
