// The options by which a listener speaks TLS.

internal import Traffic

extension OptionTable {
    /// `ticket-keys: FILE` is short for `ticket-keys: {file: FILE}`.
    static let ticketKeys: [Option<TicketKeySettings>] = [
        Option(
            "file", \.file, .optional(.filePath), variable: "FAIRLEAD_TICKET_KEYS",
            "The keys of session tickets, for processes that resume each other's sessions: 80 "
                + "bytes each, by themselves or in base64 on a line. The first seals, all open. "
                + "Watched for change."),
        Option(
            "consul", \.consul, .optional(.secretKey),
            "A key of Consul's K/V store with the keys of session tickets. The first Fairlead that "
                + "finds none there makes them, one of all renews them every eight hours, and all "
                + "follow. Let nobody but Fairlead read it."),
    ]

    static let tls: [Option<TLSSettings>] = certificates + issued + handshakes

    /// What the TLS of the admin port and of the address for health has of it: authorities look at
    /// names on the ports of listeners.
    static let portTLS: [Option<TLSSettings>] = certificates + handshakes

    private static let issued: [Option<TLSSettings>] = [
        Option(
            "acme", \.acmeHosts, .list(of: .certificateHost, countMax: 1000),
            "Hosts whose certificates Fairlead gets and renews by itself, one for each, as `acme` "
                + "says.")
    ]

    private static let certificates: [Option<TLSSettings>] = [
        Option(
            "certificates", \.sources, .certificates,
            "The certificates in PEM, each with its chain: the path of a file with certificate and "
                + "key, or of a folder with such files or pairs of files; or `{cert: FILE, key: "
                + "FILE}`, with `ocsp: FILE` for a response to staple. A client is shown the one "
                + "for the name that it asks for, else the first. Of several for one name each "
                + "kind of key has the one that ends last, and ECDSA goes before RSA.")
    ]

    private static let handshakes: [Option<TLSSettings>] =
        [
            Option(
                "strict-sni", \.isStrict, .onOff,
                "Whether clients are refused that ask for a name of no certificate, or for none."),
            Option("min-version", \.minVersion, .word, "The oldest version of TLS that is spoken."),
        ] + Option.group("client-certificates", \.clients, clientCertificates)

    /// What is asked of clients' certificates.
    private static let clientCertificates: [Option<ClientCertificateSettings>] = [
        Option(
            "mode", \.mode, .word,
            "Whether clients are asked for certificates. One that is shown has to verify in either "
                + "case."),
        Option(
            "ca-file", \.authorityFile, .optional(.filePath),
            "The certificates, in PEM, of the authorities that clients' certificates have to lead "
                + "to."),
        Option(
            "crl-file", \.revocationFile, .optional(.filePath),
            "Lists of revoked certificates, in PEM: one of each authority of a chain."),
    ]

    /// How backends are told of clients' certificates.
    static let certificateFields: [Option<ClientPolicy>] = [
        Option(
            "fields", \.certificateFields,
            .list(of: .word, countMax: ClientCertificateField.allCases.count),
            "The fields by which backends are told of a client's certificate: `Client-Cert` and, "
                + "behind it, `-Subject`, `-SAN`, `-Serial` and `-Fingerprint`.")
    ]

    /// What clients are told of using HTTPS alone. `hsts: 8760h` is short for its `max-age`.
    static let strictTransport: [Option<StrictTransport>] = [
        Option(
            "max-age", \.maxAge,
            .optional(.duration(.zero ... .seconds(10 * 366 * 86400)), "off"),
            "For how long browsers use HTTPS alone for the host (`Strict-Transport-Security`), "
                + "from each answer by TLS on; 0s takes it back."),
        Option(
            "include-subdomains", \.includesSubdomains, .onOff,
            "Whether that holds for all names below the host's."),
        Option(
            "preload", \.preloads, .onOff,
            "Whether the host may be put on the list that browsers come with."),
        Option(
            "override", \.overrides, .onOff,
            "Whether it goes before a `Strict-Transport-Security` of the backend's own."),
    ]
}
