// The kinds of value that are about TLS.

internal import Wording

extension ValueKind where Value == [CertificatePart] {
    /// The files of certificates: a list of mappings with `cert` and `key`.
    static var certificates: Self {
        var kind = list(of: part, countMax: 2 * ConfigurationLimits.certificatesMax)
        kind.takesMapping = true
        return kind
    }

    private static var part: ValueKind<CertificatePart> {
        ValueKind<CertificatePart>("`cert: FILE` and `key: FILE`", write: { $0.text }) {
            (text) throws(Unexpected) in
            // A mapping comes as a line for each of its parts.
            let key = text.prefix { $0 != ":" }
            let path = text.dropFirst(key.count + 1).drop { $0 == " " }
            switch key {
            case "cert" where !path.isEmpty: return .chain(String(path))
            case "key" where !path.isEmpty: return .key(String(path))
            default:
                throw Unexpected(
                    expected: "{cert: FILE, key: FILE} for each certificate, both in PEM")
            }
        }
    }
}
