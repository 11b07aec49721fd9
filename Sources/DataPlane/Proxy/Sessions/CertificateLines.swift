// CertificateLines: how backends are told who a client is by its certificate. Client-Cert is RFC
// 9440's, the certificate itself; the other names go on behind it, so that one rule keeps clients
// from forging any of them (HTTP1's `FieldName.clientCert`).

internal import FoundationEssentials
internal import TLS
internal import Traffic

extension [ClientCertificateField] {
    /// The field lines that say who `client` is: one of each of these fields.
    func lines(of client: ClientIdentity) -> [UInt8] {
        var lines = ""
        func add(_ field: ClientCertificateField, _ value: @autoclosure () -> String) {
            if contains(field) { lines += "\(field.name): \(value())\r\n" }
        }
        // A byte sequence of RFC 8941, section 3.3.5.
        add(.certificate, ":\(Data(client.certificate).base64EncodedString()):")
        add(.subject, client.subject)
        // A list of strings (RFC 8941, section 3.1): a name may have commas and quotes.
        if !client.alternativeNames.isEmpty {
            add(.san, client.alternativeNames.map(Self.quoted).joined(separator: ", "))
        }
        add(.serial, client.serial)
        add(.fingerprint, client.fingerprint)
        return [UInt8](lines.utf8)
    }

    /// `text`, visible ASCII, as a string of RFC 8941, section 3.3.3.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for character in text {
            if character == "\"" || character == "\\" { quoted.append("\\") }
            quoted.append(character)
        }
        return quoted + "\""
    }
}

extension WorkerListener {
    /// The field lines by which backends are told whose the certificate is that was agreed on by
    /// `tls`; none when a client has shown none.
    func certificateLines(of tls: TLSOutcome?) -> [UInt8] {
        guard let client = tls?.client else { return [] }
        return options.policy.certificateFields.lines(of: client)
    }
}
