// The options by which a listener speaks TLS.

extension OptionTable {
    static let tls: [Option<TLSSettings>] = [
        Option(
            "certificates", \.files, .certificates,
            "The certificates, each `{cert: FILE, key: FILE}` in PEM, with its chain. A client is "
                + "shown the one for the name that it asks for, else the first. Of several for "
                + "one name each kind of key has one: ECDSA goes before RSA."),
        Option(
            "strict-sni", \.isStrict, .onOff,
            "Whether clients are refused that ask for a name of no certificate, or for none."),
        Option("min-version", \.minVersion, .word, "The oldest version of TLS that is spoken."),
    ]
}
