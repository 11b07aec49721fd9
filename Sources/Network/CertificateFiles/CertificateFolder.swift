// CertificateFolder: the certificates and keys of a folder, found by what the files have and not by
// their names, so that it may be laid out as certbot, lego, acme.sh, HAProxy or Kubernetes do it.
//
// | file or folder                                  | what becomes of it                     |
// |-------------------------------------------------|----------------------------------------|
// | begins with a dot (Kubernetes' ..data)          | ignored                                |
// | a folder in a folder                            | ignored                                |
// | has neither a certificate nor a key             | ignored                                |
// | a certificate whose key is nowhere here         | ignored: an issuer's, most often       |
// | an authority's certificate without a host name  | ignored, and its key with it           |
// | certificate and key that belong together        | a pair; of files that begin with one   |
// |                                                 | certificate the longest chain          |
// | several certificates for one key and its names  | a pair: the one that ends last         |
// | can't be read, a broken certificate or key      | a trouble                              |
// | a key to which no certificate belongs           | a trouble, unless one there is broken  |
// | a pair that fails its checks                    | a trouble                              |

internal import Documents
internal import TLS

/// Reads a folder. Used once, by one thread.
struct CertificateFolder {
    private struct Chain {
        let path: String
        let parsed: CertificateChain
    }

    private struct Key {
        let path: String
        let parsed: PrivateKey
    }

    private let path: String
    private var chains: [Chain] = []
    private var keys: [Key] = []
    private var reading = CertificateReading()
    /// Folders in which a file with a certificate is broken: it may be the one of a key there.
    private var brokenFolders: Set<Substring> = []

    /// Reads the folder at `path`. Pairs of `known` that are the same are not checked again.
    static func read(_ path: String, known: KnownCertificates) -> CertificateReading {
        var folder = CertificateFolder(path: path)
        folder.readFiles()
        folder.pair(known)
        return folder.reading
    }

    private init(path: String) { self.path = path }

    private mutating func add(_ place: String, _ reason: String) {
        reading.troubles.append(CertificateTrouble(place: place, reason: reason))
    }

    // MARK: - Reading

    private mutating func readFiles() {
        guard let files = FolderListing.files(in: path) else {
            add(path, "the folder can't be read; give Fairlead's user the right to")
            return
        }
        guard files.count <= FolderListing.filesMax else {
            add(path, "found more than \(FolderListing.filesMax) files, expected fewer")
            return
        }
        for file in files where !file.hasSuffix(CertificateReader.stapleEnding) { readFile(file) }
    }

    private mutating func readFile(_ file: String) {
        let bytes: [UInt8]
        do throws(FileTextError) {
            bytes = try NamedText.readBytes(path: file)
        } catch {
            add(file, error.text)
            return
        }
        let labels = PEMLabels(bytes)
        do throws(CertificateProblem) {
            if labels.hasCertificate {
                chains.append(Chain(path: file, parsed: try CertificateChain(bytes)))
            }
            if labels.hasKey { keys.append(Key(path: file, parsed: try PrivateKey(bytes))) }
        } catch {
            add(file, "\(error)")
            if labels.hasCertificate { brokenFolders.insert(FolderListing.parent(of: file)) }
        }
    }

    // MARK: - Pairing

    private mutating func pair(_ known: KnownCertificates) {
        var chainsByKey: [PublicKey: [Chain]] = [:]
        for chain in chains { chainsByKey[chain.parsed.publicKey, default: []].append(chain) }
        var keysByKey: [PublicKey: [Key]] = [:]
        for key in keys { keysByKey[key.parsed.publicKey, default: []].append(key) }
        for (publicKey, keys) in keysByKey {
            guard let candidates = chainsByKey[publicKey] else {
                if brokenFolders.contains(FolderListing.parent(of: keys[0].path)) { continue }
                add(
                    keys[0].path,
                    "no certificate in \(path) belongs to this key; put it there, or remove the "
                        + "key")
                continue
            }
            for chain in Self.chosen(of: candidates) where !chain.parsed.isBareAuthority {
                add(chain, Self.nearest(to: chain, of: keys), known)
            }
        }
        reading.found.sort { $0.chainPlace < $1.chainPlace }
        reading.troubles.sort { $0.place < $1.place }
        if reading.found.isEmpty, reading.troubles.isEmpty {
            add(
                path,
                "found no certificate with its key in the folder, expected files in PEM such as "
                    + "fullchain.pem and privkey.pem, there or in a folder of it")
        }
    }

    /// Of files with a certificate for one key: of those that begin with the same certificate the
    /// longest, and of certificates for the same names the one that ends last.
    private static func chosen(of candidates: [Chain]) -> [Chain] {
        var longest: [String: Chain] = [:]
        for chain in candidates {
            let other = longest[chain.parsed.fingerprint]
            if let other, other.parsed.count >= chain.parsed.count { continue }
            longest[chain.parsed.fingerprint] = chain
        }
        var last: [Set<String>: Chain] = [:]
        for chain in longest.values {
            let names = Set(chain.parsed.names)
            if let other = last[names], other.parsed.notAfter > chain.parsed.notAfter { continue }
            last[names] = chain
        }
        return Array(last.values)
    }

    /// Of several files with one key that of the chain, else one beside it.
    private static func nearest(to chain: Chain, of keys: [Key]) -> Key {
        keys.first { $0.path == chain.path }
            ?? keys.first {
                FolderListing.parent(of: $0.path) == FolderListing.parent(of: chain.path)
            } ?? keys[0]
    }

    private mutating func add(_ chain: Chain, _ key: Key, _ known: KnownCertificates) {
        if chain.parsed.count == 1, !chain.parsed.isSelfSigned,
            let issuer = chains.first(where: {
                $0.parsed.subject == chain.parsed.issuer && !$0.parsed.isSelfSigned
            })
        {
            add(
                chain.path,
                "the certificate \(chain.parsed.subject) stands alone, and its issuer, which is "
                    + "no root, is in \(issuer.path); write both into one file")
            return
        }
        CertificateReader.add(
            chain.parsed, at: chain.path, key.parsed, at: key.path, known, to: &reading)
    }
}
