// Goal: a certificate that should have been renewed, and a file that can't be used, are told in
// time, by name, and no others. Method: made-up certificates around each limit.

import Admin
import Testing

@Suite struct CertificateVerdictTests {
    private func verdict(_ certificates: ShownCertificates) -> AdminVerdict {
        var snapshot = Sample.healthy
        snapshot.certificates = certificates
        return AdminVerdict(snapshot)
    }

    /// A certificate of so many days, with so many left.
    private func certificate(_ name: String, life: Double, left: Double)
        -> ShownCertificates.Certificate
    {
        var certificate = Sample.certificate(name, days: left)
        certificate.begins = certificate.ends - life * 86_400
        return certificate
    }

    @Test(arguments: [
        (90.0, 14.1, nil),
        (90, 13.9, "ends in 13 d"),
        // What lives for six days is renewed at half of it, most often.
        (6, 2.1, nil),
        (6, 1.9, "ends in"),
        (90, 0, "ended 0 s ago, and clients refuse it: renew it."),
        (90, -3, "ended 3 d ago, and clients refuse it: renew it."),
    ])
    func ending(life: Double, left: Double, told: String?) {
        var certificates = ShownCertificates()
        certificates.inUse = [
            certificate("well.test", life: 90, left: 60),
            certificate("a.test", life: life, left: left),
        ]
        let problems = verdict(certificates).problems
        #expect(problems.count == (told == nil ? 0 : 1))
        guard let told, let problem = problems.first else { return }
        #expect(
            problem.text.hasPrefix("The certificate for a.test (/etc/fairlead/a.test.pem) \(told)"),
            "\(problem.text)")
        #expect(problem.level == (left > 0 ? .warning : .failing))
        #expect(!problem.blocksReadiness)
    }

    @Test func `files that are refused are told with their reasons, the first of many`() {
        var certificates = ShownCertificates()
        certificates.refused = (1...6).map {
            .init(
                place: "/\($0).pem", reason: "it has no private key",
                effect: "what was in use before stays", listeners: ["public"])
        }
        let verdict = verdict(certificates)
        #expect(verdict.level == .warning)
        #expect(verdict.isReady)
        #expect(
            verdict.problems.map(\.text) == [
                "/1.pem: it has no private key; what was in use before stays.",
                "/2.pem: it has no private key; what was in use before stays.",
                "/3.pem: it has no private key; what was in use before stays.",
                "/4.pem: it has no private key; what was in use before stays.",
                "2 more files with certificates are refused; see the table.",
            ])
    }

    @Test func `ticket keys that can't be shared are warned of, and say nothing of readiness`() {
        var snapshot = Sample.healthy
        snapshot.ticketKeys?.problem = "it is away; the keys of before stay"
        let verdict = AdminVerdict(snapshot)
        #expect(verdict.isReady)
        #expect(
            verdict.problems.map(\.text) == [
                "Ticket keys (/ticket-keys): it is away; the keys of before stay."
            ])
        #expect(MetricsText(snapshot).text.contains("\nfairlead_ticket_keys_failing 1\n"))
    }

    @Test func `shares of limits that can't be found out are warned of alike`() {
        var snapshot = Sample.healthy
        snapshot.rateShares?.problem = "it is away; limits stay divided"
        let verdict = AdminVerdict(snapshot)
        #expect(verdict.isReady)
        #expect(
            verdict.problems.map(\.text) == [
                "Shared limits (Consul service edge): it is away; limits stay divided."
            ])
    }

    @Test func `metrics have each certificate's end, of too many the first`() {
        var certificates = ShownCertificates()
        certificates.inUse = (1...1200).map {
            certificate("\($0).test", life: 90, left: 90 - Double($0) / 1000)
        }
        var snapshot = Sample.healthy
        snapshot.certificates = certificates
        let lines = MetricsText(snapshot).text.split(separator: "\n")
        #expect(lines.contains("fairlead_certificates 1200"))
        #expect(lines.contains("fairlead_certificate_files_refused 0"))
        let ends = lines.filter { $0.hasPrefix("fairlead_certificate_expiry_timestamp_seconds{") }
        #expect(ends.count == 1000)
        #expect(
            ends.first?.hasPrefix(
                "fairlead_certificate_expiry_timestamp_seconds{certificate=\"1200.test\","
                    + "file=\"/etc/fairlead/1200.test.pem\"} ") == true)
    }

    @Test(arguments: [
        (12.1, nil),
        (11.9, "ends in 11 h"),
        (0, "ended 0 s ago, and no client is let in: get the authority's new one."),
        (-48, "ended 2 d ago, and no client is let in: get the authority's new one."),
    ])
    func `a list of revoked certificates is named before it ends`(
        hoursLeft: Double, told: String?
    ) {
        var certificates = ShownCertificates()
        certificates.revocations = [
            .init(place: "/b.crl", listeners: ["public"], ends: Sample.now + 30 * 86_400),
            .init(place: "/a.crl", listeners: ["public"], ends: Sample.now + hoursLeft * 3600),
        ]
        let problems = verdict(certificates).problems
        #expect(problems.count == (told == nil ? 0 : 1))
        guard let told, let problem = problems.first else { return }
        #expect(
            problem.text.hasPrefix("A list of revoked certificates in /a.crl \(told)"),
            "\(problem.text)")
        #expect(problem.level == (hoursLeft > 0 ? .warning : .failing))
        #expect(!problem.blocksReadiness)
    }

    @Test func `services whose backends are not verified are named, and no others`() {
        var snapshot = Sample.healthy
        var service = snapshot.services[0]
        service.verifiesBackends = true
        snapshot.services = [service]
        #expect(AdminVerdict(snapshot).problems.isEmpty)
        #expect(AdminVerdict(snapshot).level == .good)
        let name = service.name
        service.verifiesBackends = false
        snapshot.services.append(service)
        snapshot.services[1].name = "loose"
        let verdict = AdminVerdict(snapshot)
        #expect(verdict.level == .warning && verdict.isReady)
        #expect(
            verdict.problems.map(\.text) == [
                "Backends of loose are not verified (tls.verify: off): anybody on the way can read "
                    + "and answer what goes there; name the authority with tls.ca-file, and leave "
                    + "it on."
            ])
        let lines = MetricsText(snapshot).text.split(separator: "\n").filter {
            $0.hasPrefix("fairlead_backend_tls_verified{")
        }
        #expect(
            lines == [
                "fairlead_backend_tls_verified{service=\"\(name)\"} 1",
                "fairlead_backend_tls_verified{service=\"loose\"} 0",
            ])
        for number in 1...5 {
            service.name = "more\(number)"
            snapshot.services.append(service)
        }
        let text = AdminVerdict(snapshot).problems.first?.text ?? ""
        #expect(text.hasPrefix("Backends of loose, more1, more2, more3 and 2 more services are"))
    }
}
