// What is wrong with certificates.

extension AdminVerdict {
    /// The most certificates that are named one by one.
    private static let certificatesNamedMax = 4

    /// Certificates that have ended or are about to, and files that are refused.
    static func problems(of certificates: ShownCertificates, at now: Double) -> [Problem] {
        let ending = certificates.inUse.filter { $0.isEnding(at: now) }.sorted { $0.ends < $1.ends }
        var problems = ending.prefix(certificatesNamedMax).map { problem(of: $0, at: now) }
        if ending.count > certificatesNamedMax {
            problems.append(
                Problem(
                    level: .warning,
                    text: "\(ending.count - certificatesNamedMax) more certificates end soon; see "
                        + "the table.", blocksReadiness: false))
        }
        problems += certificates.refused.prefix(certificatesNamedMax).map {
            Problem(
                level: .warning,
                text: "\($0.place): \($0.reason); \($0.effect).", blocksReadiness: false)
        }
        if certificates.refused.count > certificatesNamedMax {
            problems.append(
                Problem(
                    level: .warning,
                    text: "\(certificates.refused.count - certificatesNamedMax) more files with "
                        + "certificates are refused; see the table.", blocksReadiness: false))
        }
        return problems
    }

    private static func problem(
        of certificate: ShownCertificates.Certificate, at now: Double
    ) -> Problem {
        let what = "The certificate for \(certificate.title) (\(certificate.place))"
        guard certificate.ends > now else {
            return Problem(
                level: .failing,
                text: "\(what) ended \(AgeText(now - certificate.ends)) ago, and clients refuse "
                    + "it: renew it.", blocksReadiness: false)
        }
        return Problem(
            level: .warning,
            text: "\(what) ends in \(AgeText(certificate.ends - now)): see why it was not renewed.",
            blocksReadiness: false)
    }
}
