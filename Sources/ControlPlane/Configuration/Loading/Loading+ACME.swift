// Checks of certificates from an authority, and the service of the program that answers for it.

internal import ACME
internal import Documents
internal import Traffic

extension Loading {
    /// Adds the service of another program that answers challenges by tls-alpn-01, and has the
    /// listeners with TLS lead to it.
    mutating func addChallengeService() {
        guard let address = draft.configuration.acme.tlsALPN, purpose == .serving else { return }
        let origin = given["acme.tls-alpn"] ?? .nowhere
        var isUsed = false
        for index in listeners.indices where listeners[index].value.tls.isOn {
            listeners[index].value.challengeService = ACMESettings.serviceName
            isUsed = true
        }
        guard isUsed else {
            warnings.add(
                "no effect without a listener that has tls: connections elsewhere are passed on "
                    + "by a route with alpn: acme-tls/1", at: origin)
            return
        }
        var service = Entry(value: Service(), origin: origin)
        service.isCarried = true
        service.value.name = ACMESettings.serviceName
        service.value.sources = [.backends([Service.StaticBackend(address)])]
        // It listens while it has a challenge, and at no other time.
        service.value.check.type = .off
        services.append(service)
    }

    /// Checks what certificates from an authority need; adds to errors and warnings.
    mutating func checkACME() {
        let acme = draft.configuration.acme
        if Set(acme.methods).count < acme.methods.count {
            errors.add(
                "found a way twice, expected each once", at: given["acme.challenges"] ?? .nowhere)
        }
        let users = listeners.filter { !$0.value.tls.acmeHosts.isEmpty }
        guard let first = users.first, purpose == .serving else {
            for key in ["store", "consul", "email", "terms-agreed", "directory", "challenges"] {
                guard let origin = given["acme.\(key)"] else { continue }
                warnings.add("no effect without tls.acme of a listener: name its hosts", at: origin)
            }
            return
        }
        let origin = self.origin(in: first, "tls.acme")
        if (acme.externalKeyID == nil) != (acme.externalKey == nil),
            let origin = given["acme.eab-key-id"] ?? given["acme.eab-key"]
        {
            errors.add("found one of acme.eab-key-id and acme.eab-key, expected both", at: origin)
        }
        if acme.store == nil, acme.consul == nil {
            errors.add(
                "found no acme.store, expected a folder for the certificates, or acme.consul: "
                    + "without one each start would order them again", at: origin)
        }
        if acme.store != nil, acme.consul != nil, let origin = given["acme.consul"] {
            errors.add("found both acme.store and acme.consul, expected one", at: origin)
        }
        checkSecret(
            acme.consul, "such as fairlead-certificates/", at: given["acme.consul"] ?? .nowhere)
        if !acme.termsAgreed {
            errors.add(
                "found no agreement, expected acme.terms-agreed: on, once you have read the "
                    + "authority's terms of service", at: origin)
        }
        for user in users where Set(user.value.tls.acmeHosts).count < user.value.tls.acmeHosts.count
        {
            errors.add(
                "found a host twice, expected each once", at: self.origin(in: user, "tls.acme"))
        }
        adviseOnACME(users)
    }

    private mutating func adviseOnACME(_ users: [Entry<Listener>]) {
        let acme = draft.configuration.acme
        if acme.email == nil {
            warnings.add(
                "found no acme.email: the authority can warn nobody of what goes wrong",
                at: origin(in: users[0], "tls.acme"))
        }
        let isPlainOpen = listeners.contains { !$0.value.tls.isOn && $0.value.mode == .http }
        if acme.methods == [.http], !isPlainOpen {
            warnings.add(
                "found http-01 alone and no listener without TLS: the authority asks on port 80; "
                    + "add such a listener, or tls-alpn-01 to acme.challenges",
                at: given["acme.challenges"] ?? origin(in: users[0], "tls.acme"))
        }
    }

    private func origin(in listener: Entry<Listener>, _ key: String) -> Origin {
        listener.given[key] ?? given["defaults.\(key)"] ?? listener.origin
    }
}
