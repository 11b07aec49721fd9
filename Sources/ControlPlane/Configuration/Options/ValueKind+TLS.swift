// The kinds of value that are about TLS.

internal import CertificateFiles
internal import Documents

extension ValueKind where Value == [CertificateSource] {
    /// Certificates: a list of paths, and of mappings with `cert`, `key` and `ocsp`.
    static var certificates: Self {
        var kind = list(of: source, countMax: ConfigurationLimits.certificatesMax)
        kind.takesMapping = true
        kind.joinsMapping = true
        return kind
    }

    private static var source: ValueKind<CertificateSource> {
        ValueKind<CertificateSource>(
            "paths, or `{cert: FILE, key: FILE, ocsp: FILE}`", write: { $0.text }
        ) { (text) throws(Unexpected) in
            guard let parts = try parts(of: text) else { return .path(text) }
            guard let chain = parts["cert"] else {
                let found = parts.keys.sorted().joined(separator: " and ")
                throw Unexpected(
                    expected: "",
                    sentence: "found \(found) without cert, expected \(expectedCertificate)")
            }
            // A file may have both.
            return .files(chain: chain, key: parts["key"] ?? chain, staple: parts["ocsp"])
        }
    }

    /// The parts of `cert: FILE key: FILE`, which a mapping comes as; nil for a plain path.
    private static func parts(of text: String) throws(Unexpected) -> [String: String]? {
        var parts: [String: String] = [:]
        var name: String?
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if word.last == ":", !word.contains("/") {
                name = String(word.dropLast())
                guard let name, ["cert", "key", "ocsp"].contains(name), parts[name] == nil else {
                    throw Unexpected(
                        expected: "",
                        sentence: "found \(quoted(String(word.dropLast()))), expected "
                            + expectedCertificate)
                }
                parts[name] = ""
            } else if let name {
                let before = parts[name] ?? ""
                parts[name] = before.isEmpty ? String(word) : "\(before) \(word)"
            } else {
                return text.isEmpty ? [:] : nil
            }
        }
        if let empty = parts.first(where: { $0.value.isEmpty })?.key {
            throw Unexpected(expected: "", sentence: "found \(empty) without a file")
        }
        return parts
    }

    private static var expectedCertificate: String {
        "{cert: FILE, key: FILE}, perhaps with ocsp: FILE, or the path of a file with certificate "
            + "and key, or of a folder with such files"
    }
}

extension CertificateSource {
    /// The one text that stands for it in a list.
    fileprivate var text: String {
        switch self {
        case .files(let chain, let key, let staple):
            "cert: \(chain)" + (key == chain ? "" : " key: \(key)")
                + (staple.map { " ocsp: \($0)" } ?? "")
        case .path(let path), .clients(let path, _, _): path
        case .named(let name): name
        }
    }
}
