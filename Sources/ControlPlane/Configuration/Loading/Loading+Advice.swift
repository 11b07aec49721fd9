// Legal settings that are likely to hurt: warnings, each with what to do instead. Nothing here
// refuses anything, and the defaults get no warning.

internal import Backends
internal import Balancing
internal import DNSWire
internal import Documents
internal import Endpoints
internal import Evidence
internal import HTTP1
internal import Lookups
internal import Routing
internal import Traffic
internal import Wording

extension Loading {
    /// Looks at a valid configuration.
    mutating func advise() {
        adviseOnProcess()
        adviseOnRegistries()
        adviseOnConsul()
        for service in services { adviseOnService(service) }
        for listener in listeners { adviseOnListener(listener) }
        adviseOnStrictTransport()
    }

    /// Warns where the first of `keys` was given, for a service or listener its own before
    /// defaults.
    private mutating func warn(_ text: String, _ own: [String: Origin], _ keys: String...) {
        // A default that nobody chose is nobody's mistake.
        let origin =
            keys.compactMap { own[$0] }.first
            ?? keys.compactMap { given["defaults.\($0)"] }.first
        guard let origin else { return }
        warnings.add(text, at: origin)
    }

    private mutating func adviseOnProcess() {
        let process = draft.configuration
        if process.stopTimeout == .zero {
            warn(
                "found 0s: requests under way are cut off at a stop, and when their listener is "
                    + "removed; give them some seconds", given, "stop-timeout")
        }
        if let asked = process.workersAsked, asked > process.processorCount {
            warn(
                "found \(asked) on \(process.processorCount) processors: more only compete; use "
                    + "auto", given, "workers")
        }
        if process.shareAddresses {
            warn(
                "found on: a second Fairlead started by mistake gets a part of the traffic without "
                    + "a word; switch it on for the change of one for another",
                given, "share-addresses")
        }
        if !process.dns.queries.mixesCase {
            warn(
                "found off: an answer is easier to forge; leave it on, an answer in another case "
                    + "is asked for again over TCP", given, "dns.mix-case")
        }
    }

    private mutating func adviseOnRegistries() {
        let (consul, docker) = (draft.configuration.consul, draft.configuration.docker)
        for (tls, name, key) in [
            (consul.tls, "Consul", "consul.tls.verify"),
            (docker.tls, "Docker's engine", "docker.tls.verify"),
        ] where tls.client != nil && !tls.verifies {
            warn(
                "found off: anybody on the way can answer as \(name), and say where requests go; "
                    + "name the authority with ca-file, and leave it on", given, key)
        }
        let isUseless = [
            ("consul", asksConsul && !consul.agents.contains(where: \.isSecure), "consul.agents"),
            ("docker", asksDocker && !docker.host.isSecure, "docker.host"),
        ]
        for (group, isUseless, place) in isUseless where isUseless {
            let options = given.filter { $0.key.hasPrefix("\(group).tls.") && !$0.value.isVariable }
            guard let first = options.min(by: { $0.key < $1.key }) else { continue }
            warnings.add(
                "no effect: \(place) names nothing that is asked by TLS; write https:// there",
                at: first.value)
        }
    }

    private mutating func adviseOnConsul() {
        let consul = draft.configuration.consul
        guard consul.token != nil || consul.tokenFile != nil else { return }
        if case .file? = given["consul.token"] {
            warn(
                "found a secret in the file, which whoever may read it has: use consul.token-file "
                    + "or FAIRLEAD_CONSUL_TOKEN", given, "consul.token")
        }
        for agent in consul.agents where agent.place.isElsewhere && !agent.isSecure {
            warn(
                "the token goes to \(agent) in the clear: ask by https://, or an agent on this "
                    + "machine, over 127.0.0.1 or unix:", given, "consul.agents")
        }
    }

    // MARK: - Services

    private mutating func adviseOnService(_ service: Entry<Service>) {
        let value = service.value
        let own = service.given
        if value.tls.isOn, !value.tls.verifies {
            warn(
                "found off: anybody on the way can be a backend of \(value.name), read what goes "
                    + "there and answer; name the authority with ca-file, and leave it on", own,
                "backend-tls.verify")
        }
        adviseOnHolds(value, own)
        adviseOnChecks(value, own)
        if value.policy.retry.rule.attempts == 1 {
            warn(
                "found 1: a request that meets a dead backend fails, though another could answer "
                    + "it; 2 or more repeat only what may be repeated", own, "retry.attempts")
        }
        if value.policy.retry.budgetPercent > 50 {
            warn(
                "found \(value.policy.retry.budgetPercent)%: retries add as much load as that when "
                    + "backends are failing for too much of it; use 20%", own, "retry.budget")
        }
        if value.policy.timeouts.connect > .seconds(5) {
            warn(
                "found \(Units.write(value.policy.timeouts.connect)): for so long a request waits "
                    + "for a backend whose machine is gone before it goes elsewhere; use 1s to 5s",
                own, "timeouts.connect")
        }
        if value.policy.timeouts.idle > .seconds(60) {
            warn(
                "found \(Units.write(value.policy.timeouts.idle)): most servers close unused "
                    + "connections sooner, and a POST on one that was just closed gets 502; stay "
                    + "below what the backends have", own, "timeouts.backend-idle")
        }
        if value.policy.balancing.sticky.cookie != nil, value.policy.balancing.sticky.secret == nil
        {
            warn(
                "found no sticky.secret beside it: anyone can work out which backend a cookie "
                    + "stands for, and choose one; set sticky.secret", own, "sticky.cookie")
        }
        let workers = draft.configuration.workers
        for (key, limit) in [
            ("limits.backend-requests", value.policy.limits.backendRequestsMax),
            ("limits.requests", value.policy.limits.requestsMax),
        ] {
            guard let limit, limit < workers else { continue }
            warn(
                "found \(limit) with \(workers) workers, which have 1 each at least: in effect it "
                    + "is \(workers); use fewer workers or a larger limit", own, key)
        }
    }

    private mutating func adviseOnHolds(_ value: Service, _ own: [String: Origin]) {
        let holds = [
            ("hold.nxdomain", value.roster.holds.nxdomain),
            ("hold.nodata", value.roster.holds.nodata),
            ("hold.servfail", value.roster.holds.servfail),
            ("hold.refused", value.roster.holds.refused),
            ("hold.other-code", value.roster.holds.otherCode),
            ("hold.timeout", value.roster.holds.timeout),
            ("hold.malformed", value.roster.holds.malformed),
            ("hold.unreachable", value.roster.holds.unreachable),
            ("hold.mass-loss", value.roster.holds.massLoss),
        ]
        for (key, hold) in holds where hold == .zero {
            warn(
                "found 0s: one bad answer takes every backend away; give the registry some minutes",
                own, key)
        }
        let ceiling = value.lookup.refresh.ceiling
        if ceiling > .seconds(600) {
            warn(
                "found \(Units.write(ceiling)): a change may be noticed as late as "
                    + "that; use 60s, a question costs little", own, "refresh.ceiling")
        }
    }

    private mutating func adviseOnChecks(_ value: Service, _ own: [String: Origin]) {
        let ejection = value.policy.ejection
        let isBlind =
            ejection.failures == nil && ejection.silence == nil
            && value.outliers.errorPercent == nil
        if value.check.type == .off {
            warn(
                isBlind
                    ? "found off, and eject.failures, silence and error-rate are off as well: a "
                        + "backend that hangs or fails keeps its share; switch one of them on"
                    : "found off: only requests that fail show that a backend does; a TCP check "
                        + "costs next to nothing", own, "check.type")
        } else if isBlind {
            warn(
                "found off, as error-rate is: a backend whose answers fail keeps its share as long "
                    + "as its checks pass; leave failures and silence at their defaults",
                own, "eject.failures", "eject.silence")
        }
        let notice = value.check.interval * value.checkCounts.fall
        if value.check.type != .off, notice > .seconds(60) {
            warn(
                "found \(Units.write(value.check.interval)) and fall \(value.checkCounts.fall): a "
                    + "backend that hangs without traffic is noticed after \(Units.write(notice)); "
                    + "use a shorter interval", own, "check.interval", "check.fall")
        }
        if value.roster.ejectShareMax == 100 {
            warn(
                "found 100%: traffic that fails everywhere, as at a broken database, ejects all "
                    + "but one; use 50%", own, "eject.share-max")
        }
    }

    // MARK: - Listeners

    private mutating func adviseOnListener(_ listener: Entry<Listener>) {
        let value = listener.value
        let own = listener.given
        if value.policy.timeouts.head > .seconds(60) {
            warn(
                "found \(Units.write(value.policy.timeouts.head)): clients that send a head byte "
                    + "by byte hold connections for so long; use 10s", own, "timeouts.client-head")
        }
        for network in value.policy.proxyProtocol.from where network.prefix == 0 {
            warn(
                "found \(network), which is everybody: any client can claim any address; name the "
                    + "networks of the load balancers in front", own, "proxy-protocol.from")
        }
        if value.policy.proxyProtocol.from.isEmpty, own["proxy-protocol.required"] != nil {
            warn(
                "no effect without proxy-protocol.from, the addresses of those who send a header",
                own, "proxy-protocol.required")
        }
        guard value.mode == .http else { return }
        if value.policy.forwarding.xForwarded == .off {
            warn(
                "found off: backends see what clients write about themselves in X-Forwarded-For as "
                    + "if it were true; use append or replace", own, "forwarding.x-forwarded")
        }
        for network in value.policy.trustedProxies where network.prefix == 0 {
            warn(
                "found \(network), which is everybody: any client can claim any address; name the "
                    + "networks of the proxies in front", own, "forwarding.trusted-proxies")
        }
        adviseOnPasswords(listener)
        let catchesAll = value.routes.firstIndex { route in
            let path = route.pathPrefix ?? route.path
            return route.host == nil && route.methods.isEmpty && route.headers.isEmpty
                && (path == nil || route.pathPrefix == "/")
        }
        if let catchesAll, !value.service.isEmpty {
            warnings.add(
                "this route is for every request, so that the listener's service gets none: leave "
                    + "one of them out", at: listener.routeOrigins[catchesAll])
        }
    }
}

extension Loading {
    /// Passwords that anybody on the way can read. What comes by a proxy may have come to that by
    /// TLS.
    private mutating func adviseOnPasswords(_ listener: Entry<Listener>) {
        let value = listener.value
        let origins: [Origin?] =
            (value.auth.users == nil
                ? [] : [listener.given["auth.users"] ?? given["defaults.auth.users"]])
            + zip(value.routes, listener.routeOrigins).map { $0.auth.users == nil ? nil : $1 }
        guard let origin = origins.compactMap(\.self).first, !value.tls.isOn,
            value.policy.proxyProtocol.from.isEmpty, value.policy.trustedProxies.isEmpty,
            listener.listeners.contains(where: { !$0.listen.address.isLoopback })
        else { return }
        warnings.add(
            "passwords come in the clear, so that anybody on the way can read them: give the "
                + "listener tls, or name the proxies in front that have it "
                + "(forwarding.trusted-proxies)", at: origin)
    }
}

extension TargetPlace {
    /// Whether what is sent to it may leave the machine.
    fileprivate var isElsewhere: Bool {
        switch self {
        case .target(.endpoint(let endpoint)): !endpoint.address.isLoopback
        case .target(.unix): false
        case .name(let name): name.host != "localhost"
        }
    }
}
