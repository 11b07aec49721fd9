// The options by which a listener speaks TLS.

extension OptionTable {
    /// `ticket-keys: FILE` is short for `ticket-keys: {file: FILE}`.
    static let ticketKeys: [Option<TicketKeySettings>] = [
        Option(
            "file", \.file, .optional(.filePath), variable: "FAIRLEAD_TICKET_KEYS",
            "The keys of session tickets, for processes that resume each other's sessions: 80 "
                + "bytes each, by themselves or in base64 on a line. The first seals, all open. "
                + "Watched for change.")
    ]

    static let tls: [Option<TLSSettings>] = [
        Option(
            "certificates", \.sources, .certificates,
            "The certificates in PEM, each with its chain: the path of a file with certificate and "
                + "key, or of a folder with such files or pairs of files; or `{cert: FILE, key: "
                + "FILE}`, with `ocsp: FILE` for a response to staple. A client is shown the one "
                + "for the name that it asks for, else the first. Of several for one name each "
                + "kind of key has the one that ends last, and ECDSA goes before RSA."),
        Option(
            "strict-sni", \.isStrict, .onOff,
            "Whether clients are refused that ask for a name of no certificate, or for none."),
        Option("min-version", \.minVersion, .word, "The oldest version of TLS that is spoken."),
    ]
}
