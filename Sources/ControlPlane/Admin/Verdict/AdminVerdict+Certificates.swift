// What is wrong with certificates.

extension AdminVerdict {
    /// The most certificates that are named one by one.
    private static let certificatesNamedMax = 4

    /// Certificates and lists of revoked ones that have ended or are about to, and files that are
    /// refused.
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
        problems += certificates.revocations.filter { $0.isEnding(at: now) }
            .prefix(certificatesNamedMax).map { problem(of: $0, at: now) }
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
        of lists: ShownCertificates.Revocations, at now: Double
    ) -> Problem {
        let what = "A list of revoked certificates in \(lists.place)"
        guard lists.ends > now else {
            return Problem(
                level: .failing,
                text: "\(what) ended \(AgeText(now - lists.ends)) ago, and no client is let in: "
                    + "get the authority's new one.", blocksReadiness: false)
        }
        return Problem(
            level: .warning,
            text: "\(what) ends in \(AgeText(lists.ends - now)), and then no client is let in: see "
                + "why there is no new one.", blocksReadiness: false)
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

    /// The most services that are named one by one.
    private static let servicesNamedMax = 4

    /// Services to whose backends TLS is spoken without proof of who they are.
    static func unverified(_ services: [AdminSnapshot.Service]) -> [Problem] {
        let names = services.filter { $0.verifiesBackends == false }.map(\.name)
        guard !names.isEmpty else { return [] }
        var text = "Backends of " + names.prefix(servicesNamedMax).joined(separator: ", ")
        if names.count > servicesNamedMax {
            text += " and \(names.count - servicesNamedMax) more services"
        }
        text +=
            " are not verified (tls.verify: off): anybody on the way can read and answer what goes "
            + "there; name the authority with tls.ca-file, and leave it on."
        return [Problem(level: .warning, text: text, blocksReadiness: false)]
    }
}
