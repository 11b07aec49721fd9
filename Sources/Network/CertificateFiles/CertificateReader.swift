// CertificateReader: reads certificates and their keys from files, and checks them as pairs.

internal import Documents
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
        case .path(let path): read(chain: path, key: path, known)
        case .files(let chain, let key, _): read(chain: chain, key: key, known)
        case .named: CertificateReading()
        }
    }

    private static func read(
        chain chainPath: String, key keyPath: String, _ known: KnownCertificates
    ) -> CertificateReading {
        var reading = CertificateReading()
        guard let chain = bytes(of: chainPath, &reading),
            let key = keyPath == chainPath ? chain : bytes(of: keyPath, &reading)
        else { return reading }
        do throws(CertificateProblem) {
            add(
                try CertificateChain(chain), at: chainPath, try PrivateKey(key), at: keyPath, known,
                to: &reading)
        } catch {
            reading.troubles.append(
                CertificateTrouble(
                    place: error.isOfKey ? keyPath : chainPath, reason: "\(error)"))
        }
        return reading
    }

    /// Adds a pair if it can be used, else why not.
    static func add(
        _ chain: CertificateChain, at chainPath: String, _ key: PrivateKey, at keyPath: String,
        _ known: KnownCertificates, to reading: inout CertificateReading
    ) {
        do throws(CertificateProblem) {
            let certificate =
                if let same = known.certificate(chain.text, at: chainPath, key.text) { same } else {
                    try TLSCertificate(chain, key)
                }
            reading.found.append(
                FoundCertificate(certificate, chainPlace: chainPath, keyPlace: keyPath))
        } catch {
            reading.troubles.append(
                CertificateTrouble(
                    place: error.isOfKey ? keyPath : chainPath, reason: "\(error)"))
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
