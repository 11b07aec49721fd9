// The options by which TLS is spoken to the backends of a service.

internal import TLS

extension OptionTable {
    /// Another name that a service may have for the group; `defaults` have the listeners' options
    /// under it.
    static let serviceAliases = ["tls": "backend-tls"]

    static let backendTLS: [Option<BackendTLSSettings>] = [
        Option(
            "use", \.isOn, .onOff,
            "Whether connections to backends, and checks on their ports, are made by TLS; `on` as "
                + "soon as another of these options is given."),
        Option(
            "verify", \.verifies, .onOff,
            "Whether a backend's certificate has to lead to a trusted authority and to be for its "
                + "name. When `off`, anybody on the way can be the backend."),
        Option(
            "name", \.name, .optional(.peerName, "auto"),
            "The name that backends are asked for (SNI) and that their certificates are for; "
                + "`auto` is a backend's host name, that of the SRV record, or its address."),
        Option(
            "ca-file", \.authorities, .optional(.filePath),
            "The authorities that are trusted, as a file in PEM; without it this machine's list, "
                + "or that of SSL_CERT_FILE."),
        Option(
            "certificate.cert", \.chain, .optional(.filePath),
            "The certificate that backends are shown when they ask for one, in PEM, with its "
                + "chain."),
        Option(
            "certificate.key", \.key, .optional(.filePath), "The key of that, in PEM."),
        Option("min-version", \.minVersion, .word, "The oldest version of TLS that is spoken."),
    ]
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
