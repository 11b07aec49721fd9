// CertificateReader: reads certificates and their keys from files, and checks them as pairs.

internal import Documents
internal import Glibc
internal import TLS

/// Reads sources of certificates. Blocks for as long as a disk does.
package enum CertificateReader {
    /// What a file with an OCSP response has at the end of its name, behind that of the chain.
    static let stapleEnding = ".ocsp"

    /// Reads `source`; one that is no file has nothing. Pairs of `known` whose files have the same
    /// bytes are taken from there, and not checked again: they are in use. OpenSSL is loaded by
    /// now.
    package static func read(
        _ source: CertificateSource, known: [FoundCertificate] = []
    ) -> CertificateReading {
        let known = KnownCertificates(known)
        return switch source {
        case .path(let path) where FolderListing.isFolder(path):
            CertificateFolder.read(path, known: known)
        case .path(let path): read(chain: path, key: path, staple: nil, known)
        case .files(let chain, let key, let staple):
            read(chain: chain, key: key, staple: staple, known)
        case .clients(let authorities, let revocations, let isRequired):
            readClients(
                authorities: authorities, revocations: revocations, isRequired: isRequired)
        case .named: CertificateReading()
        }
    }

    /// A number that is another one, but for one chance in 2^64, when the files of `source` have
    /// other bytes, other names, or can't be read for another reason. Reads all of them.
    package static func digest(of source: CertificateSource) -> Int {
        var hasher = Hasher()
        for path in paths(of: source) {
            hasher.combine(path)
            do throws(FileTextError) {
                hasher.combine(try NamedText.readBytes(path: path))
            } catch {
                hasher.combine(error.text)
            }
        }
        return hasher.finalize()
    }

    private static func paths(of source: CertificateSource) -> [String] {
        switch source {
        case .files(let chain, let key, let staple):
            [chain, key, staple ?? chain + stapleEnding]
        case .path(let path) where FolderListing.isFolder(path):
            FolderListing.files(in: path) ?? [path]
        case .path(let path): [path, path + stapleEnding]
        case .clients(let authorities, let revocations, _):
            [authorities] + [revocations].compactMap(\.self)
        case .named: []
        }
    }

    private static func read(
        chain chainPath: String, key keyPath: String, staple: String?, _ known: KnownCertificates
    ) -> CertificateReading {
        var reading = CertificateReading()
        guard let chain = bytes(of: chainPath, &reading),
            let key = keyPath == chainPath ? chain : bytes(of: keyPath, &reading)
        else { return reading }
        do throws(CertificateProblem) {
            add(
                try CertificateChain(chain), at: chainPath, try PrivateKey(key), at: keyPath,
                staple: staple, known, to: &reading)
        } catch {
            reading.troubles.append(
                CertificateTrouble(
                    place: error.isOfKey ? keyPath : chainPath, reason: "\(error)"))
        }
        return reading
    }

    /// Adds a pair if it can be used, else why not. The response about it is in the file `staple`,
    /// else in the one of that name beside the chain, if there is one.
    static func add(
        _ chain: CertificateChain, at chainPath: String, _ key: PrivateKey, at keyPath: String,
        staple: String? = nil, _ known: KnownCertificates, to reading: inout CertificateReading
    ) {
        do throws(CertificateProblem) {
            var certificate =
                if let same = known.certificate(chain.text, at: chainPath, key.text) { same } else {
                    try TLSCertificate(chain, key)
                }
            certificate.staple = readStaple(
                staple ?? chainPath + stapleEnding, mayBeMissing: staple == nil, chain, &reading)
            reading.found.append(
                FoundCertificate(certificate, chainPlace: chainPath, keyPlace: keyPath))
        } catch {
            reading.troubles.append(
                CertificateTrouble(
                    place: error.isOfKey ? keyPath : chainPath, reason: "\(error)"))
        }
    }

    private static func readStaple(
        _ path: String, mayBeMissing: Bool, _ chain: CertificateChain,
        _ reading: inout CertificateReading
    ) -> Staple? {
        if mayBeMissing, !FolderListing.exists(path) { return nil }
        do {
            return try Staple(
                try NamedText.readBytes(path: path), about: chain, now: time(nil))
        } catch {
            let reason = (error as? FileTextError)?.text ?? "\(error)"
            reading.troubles.append(
                CertificateTrouble(place: path, reason: reason, isMinor: true))
            return nil
        }
    }

    private static func bytes(of path: String, _ reading: inout CertificateReading) -> [UInt8]? {
        do throws(FileTextError) {
            return try NamedText.readBytes(path: path)
        } catch {
            reading.troubles.append(CertificateTrouble(place: path, reason: error.text))
            return nil
        }
    }
}

/// Certificates that are in use, by the places of their chains.
struct KnownCertificates {
    private let byPlace: [String: TLSCertificate]

    init(_ known: [FoundCertificate]) {
        byPlace = Dictionary(known.map { ($0.chainPlace, $0.certificate) }) { first, _ in first }
    }

    /// The one that was read there and has the same bytes; nil for none.
    func certificate(_ chain: [UInt8], at place: String, _ key: [UInt8]) -> TLSCertificate? {
        byPlace[place].flatMap { $0.chain == chain && $0.key == key ? $0 : nil }
    }
}
