// The options of certificates from an authority.

internal import ACME

extension OptionTable {
    static let acme: [Option<ACMESettings>] = [
        Option(
            "directory", \.directory, .acmeDirectory,
            "The URL of the authority's directory; Let's Encrypt's unless told."),
        Option(
            "email", \.email, .optional(.emailAddress),
            "Where the authority may write to, such as before a certificate ends."),
        Option(
            "terms-agreed", \.termsAgreed, .onOff,
            "Whether you agree to the authority's terms of service, without which it issues "
                + "nothing."),
        Option(
            "ca-file", \.caFile, .optional(.filePath),
            "A file with the root of the authority's own certificate, in PEM; for one that this "
                + "machine does not trust."),
        Option(
            "store", \.store, .optional(.filePath),
            "The folder in which certificates and the account are kept, as HOST/fullchain.pem and "
                + "HOST/privkey.pem; Fairleads with the same folder share them, and order once."),
        Option(
            "consul", \.consul, .optional(.secretPrefix),
            "In place of the folder, the prefix of the keys of Consul's K/V store in which "
                + "certificates and the account are kept, for Fairleads on many machines. Let "
                + "nobody but Fairlead read it."),
        Option(
            "challenges", \.methods,
            .list(of: .word, mayBeEmpty: false, countMax: ACMEMethod.allCases.count),
            "How hosts are proven, the preferred way first: `http-01` on port 80, `tls-alpn-01` on "
                + "port 443."),
        Option(
            "eab-key-id", \.externalKeyID, .optional(.token),
            "What the authority calls the account with it that this one is bound to (EAB)."),
        Option(
            "eab-key", \.externalKey, .optional(.sharedKey),
            "The key that it has given for that, in base64url."),
        Option(
            "webroot", \.webroot, .optional(.filePath, "off"),
            "A folder in which another program, such as certbot, puts answers to challenges: "
                + "`/.well-known/acme-challenge/TOKEN` is read from it before anything else is "
                + "done with a request."),
        Option(
            "tls-alpn", \.tlsALPN, .optional(.backendAddress, "off"),
            "Where another program, such as lego, answers challenges by tls-alpn-01: connections "
                + "that ask for `acme-tls/1` on listeners with TLS go there as they are."),
    ]
}
