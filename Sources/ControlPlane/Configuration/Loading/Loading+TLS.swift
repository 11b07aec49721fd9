// Reading of certificates. They are read and checked with the configuration, so that a start or a
// reload that names a broken one is refused, and what runs keeps what it has.

internal import Documents
internal import TLS
internal import Wording

extension Loading {
    /// Reads the certificates of all listeners; adds to errors.
    mutating func readCertificates() {
        guard purpose == .serving,
            listeners.contains(where: { !$0.value.tls.files.isEmpty })
        else { return }
        do throws(TLSUnavailable) {
            try OpenSSL.load()
        } catch {
            errors.add(
                "found no OpenSSL (\(error)), expected its libraries: install libssl3",
                at: origin(of: listeners.first { !$0.value.tls.files.isEmpty }))
            return
        }
        // Listeners may share them by `defaults`.
        var known: [CertificateFiles: TLSCertificate] = [:]
        for index in listeners.indices where !listeners[index].value.tls.files.isEmpty {
            let origin = origin(of: listeners[index])
            for files in pairs(of: listeners[index].value.tls.files, at: origin) {
                guard let certificate = known[files] ?? read(files, at: origin) else { continue }
                known[files] = certificate
                listeners[index].value.tls.certificates.append(certificate)
            }
        }
    }

    private func origin(of listener: Entry<Listener>?) -> Origin {
        listener?.given["tls.certificates"] ?? given["defaults.tls.certificates"]
            ?? listener?.origin ?? .nowhere
    }

    /// The entries that `parts` are, of which each has both parts.
    private mutating func pairs(
        of parts: [CertificatePart], at origin: Origin
    ) -> [CertificateFiles] {
        var pairs: [CertificateFiles] = []
        var chain: String?
        var key: String?
        for part in parts {
            switch part {
            case .chain(let path) where chain == nil: chain = path
            case .key(let path) where key == nil: key = path
            case .chain(let path):
                errors.add(
                    "found cert \(quoted(path)) where the one before has no key, expected "
                        + "{cert: FILE, key: FILE}; both may name the same file", at: origin)
                return []
            case .key(let path):
                errors.add(
                    "found key \(quoted(path)) where the one before has no cert, expected "
                        + "{cert: FILE, key: FILE}", at: origin)
                return []
            }
            if let both = CertificateFiles(chain, key) {
                pairs.append(both)
                (chain, key) = (nil, nil)
            }
        }
        if let alone = chain ?? key {
            errors.add(
                "found \(quoted(alone)) alone, expected {cert: FILE, key: FILE}; both may name the "
                    + "same file", at: origin)
            return []
        }
        return pairs
    }

    private mutating func read(_ files: CertificateFiles, at origin: Origin) -> TLSCertificate? {
        guard let chain = text(of: files.chain, at: origin),
            let key = files.key == files.chain ? chain : text(of: files.key, at: origin)
        else { return nil }
        do throws(CertificateProblem) {
            return try TLSCertificate(chain: chain, key: key)
        } catch {
            let file = error.isOfKey ? files.key : files.chain
            errors.add("\(quoted(file)): \(error)", at: origin)
            return nil
        }
    }

    private mutating func text(of path: String, at origin: Origin) -> [UInt8]? {
        do throws(FileTextError) {
            return Array(try NamedText.read(path: path).text.utf8)
        } catch {
            errors.add("\(quoted(path)): \(error.text)", at: origin)
            return nil
        }
    }
}

/// The files of one certificate.
private struct CertificateFiles: Hashable {
    let chain: String
    let key: String

    /// Nil unless both are there.
    init?(_ chain: String?, _ key: String?) {
        guard let chain, let key else { return nil }
        self.chain = chain
        self.key = key
    }
}
