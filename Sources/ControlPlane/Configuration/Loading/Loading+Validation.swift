// What no single option shows: whether names exist, addresses clash and values fit each other.

internal import Documents
internal import Endpoints
internal import Lookups
internal import Traffic
internal import Wording

extension Loading {
    /// Checks the whole; adds to errors and warnings.
    mutating func validate() {
        if purpose == .serving, !hasListeners, isComplete {
            errors.add(
                "found no listener, expected listeners in a file (--config FILE), or --listen with "
                    + "--service, --consul or --backend", at: .nowhere)
        }
        settleIntervals()
        readCertificates()
        readClientRules()
        readTicketKeys()
        readTLSClients()
        readCompression()
        addChallengeService()
        checkNames()
        checkRedirects()
        checkAccess()
        settleAuth()
        readPages()
        readUsers()
        checkServiceReferences()
        checkAddresses()
        checkAdmin()
        checkHealth()
        checkConsul()
        checkACME()
        checkTraces()
        for service in services {
            checkRefresh(service)
            checkCheck(service)
            checkTraffic(service)
        }
        checkTrafficOfTCP()
        if errors.isEmpty {
            warnAboutUnusedServices()
            advise()
        }
    }

    private mutating func checkNames() {
        var serviceNames: Set<String> = []
        for service in services where !serviceNames.insert(service.value.name).inserted {
            errors.add(
                "found a second service named \(quoted(service.value.name)), expected one: put it "
                    + "under services and name it in each listener", at: service.origin)
        }
        var listenerNames: Set<String> = []
        for listener in listeners
        where !listener.value.name.isEmpty && !listenerNames.insert(listener.value.name).inserted {
            errors.add(
                "found a second listener named \(quoted(listener.value.name)), expected distinct "
                    + "names: give it one with name", at: listener.given["name"] ?? listener.origin)
        }
    }

    private mutating func checkServiceReferences() {
        let names = services.filter { !$0.isCarried }.map(\.value.name)
        let known = Set(names)
        checkAuth(known: known, names)
        for listener in listeners {
            checkRoutes(listener, known: known, names)
            let reference = listener.given["service"]
            if listener.hasSource {
                if let reference {
                    errors.add(
                        "found service beside srv, consul, docker, file or backends, expected one "
                            + "of them",
                        at: reference)
                }
            } else if let reference {
                let name = listener.value.service
                if known.contains(name) || hasUnreadServices { continue }
                let some = names.prefix(10).joined(separator: ", ")
                let hint =
                    if let nearest = nearest(to: name, among: names) {
                        "\(nearest)?"
                    } else {
                        names.isEmpty
                            ? "a name under services, where there is none" : "one of: \(some)"
                    }
                errors.add(found: quoted(name), expected: hint, at: reference)
            } else if !listener.keys.contains("service"), listener.given["routes"] == nil,
                listener.value.redirect.to == nil, !(mayGetRoutes && listener.value.mode == .http)
            {
                errors.add(
                    "found no service, expected service, srv, consul, docker, file, backends or "
                        + "routes",
                    at: listener.origin)
            }
        }
    }

    private mutating func checkConsul() {
        let consul = draft.configuration.consul
        if consul.token != nil, consul.tokenFile != nil, let origin = given["consul.token-file"] {
            errors.add("found both consul.token and consul.token-file, expected one", at: origin)
        }
        let register = consul.register
        if register.name == nil {
            for key in ["address", "port", "tags", "check-path"] {
                guard let origin = given["consul.register.\(key)"] else { continue }
                warnings.add("no effect without consul.register.name", at: origin)
            }
        }
    }

    // Workers share their addresses by SO_REUSEPORT, so the kernel would not notice a clash: it
    // would spread the connections over both listeners.
    private mutating func checkAddresses() {
        var taken: [(endpoint: Endpoint, what: String)] = []
        let admin = draft.configuration.admin
        for endpoint in [admin.listen].compactMap(\.self) + admin.alsoListen {
            taken.append((endpoint, "the admin port"))
        }
        for endpoint in draft.configuration.health.listen {
            checkIsFree(
                endpoint, of: "the address for health", at: given["health.listen"] ?? .nowhere,
                &taken)
        }
        for listener in listeners {
            guard let origin = listener.given["listen"] else { continue }
            for endpoint in listener.listeners.map(\.listen) {
                checkIsFree(
                    endpoint, of: "listener \(quoted(listener.value.name))", at: origin, &taken)
            }
        }
    }

    private mutating func checkIsFree(
        _ endpoint: Endpoint, of what: String, at origin: Origin,
        _ taken: inout [(endpoint: Endpoint, what: String)]
    ) {
        if let other = taken.first(where: { $0.endpoint.overlaps(endpoint) }) {
            errors.add(
                "found \(endpoint), which \(other.what) has as \(other.endpoint), expected an "
                    + "address of its own", at: origin)
        }
        taken.append((endpoint, what))
    }

    private mutating func checkRefresh(_ service: Entry<Service>) {
        let refresh = service.value.lookup.refresh
        if refresh.floor > refresh.ceiling {
            errors.add(
                "found a floor of \(Units.write(refresh.floor)) and a ceiling of "
                    + "\(Units.write(refresh.ceiling)), expected floor <= ceiling",
                at: origin(in: service, "refresh.floor", "refresh.ceiling"))
        }
    }

    private mutating func warnAboutUnusedServices() {
        // Routes that come later may use it.
        if mayGetRoutes { return }
        let used = Set(listeners.flatMap(\.value.serviceNames))
        for service in services where !used.contains(service.value.name) {
            warnings.add("no listener uses this service", at: service.origin)
        }
    }
}
