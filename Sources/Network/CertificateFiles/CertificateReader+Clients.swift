// Reading of what verifies clients' certificates.

internal import Documents
internal import TLS

extension CertificateReader {
    /// Reads both files, or has one trouble: authorities without their lists of revoked
    /// certificates would let those in.
    static func readClients(
        authorities path: String, revocations: String?, isRequired: Bool
    ) -> CertificateReading {
        do throws(CertificateTrouble) {
            let authorities = try bytes(of: path)
            var rules: TLSClientRules
            do throws(CertificateProblem) {
                rules = try TLSClientRules(isRequired: isRequired, authorities: authorities)
            } catch {
                throw CertificateTrouble(place: path, reason: "\(error)")
            }
            if let path = revocations {
                let lists = try bytes(of: path)
                do throws(RevocationProblem) {
                    try rules.refuse(lists)
                } catch {
                    throw CertificateTrouble(place: path, reason: "\(error)")
                }
            }
            return CertificateReading(clients: rules)
        } catch {
            return CertificateReading(troubles: [error])
        }
    }

    private static func bytes(of path: String) throws(CertificateTrouble) -> [UInt8] {
        do throws(FileTextError) {
            return try NamedText.readBytes(path: path)
        } catch {
            throw CertificateTrouble(place: path, reason: error.text)
        }
    }
}
