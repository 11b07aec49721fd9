// Assembly of routes: the configuration's routes as rules.

internal import Backends
internal import Configuration
internal import HTTP1
internal import Routing
internal import Traffic

extension RouteRule {
    /// The rule that `route` describes. Validation has ensured that its service exists and that it
    /// has exactly one action. `listener` is what its listener says of HTTPS, nil without TLS,
    /// `policy` the rest of that, and `auth` what lets requests through there.
    init(
        _ route: RouteSettings, services: [String: ServiceID], listener: StrictTransport?,
        policy: ClientPolicy, auth: AuthSettings
    ) {
        let prefix = route.stripPrefix ? "" : route.replacePrefix
        if let name = route.service, let service = services[name] {
            self.init(.forward(service, prefix: prefix))
        } else if !route.split.isEmpty {
            let shares = route.split.compactMap { share in
                services[share.service].map { ($0, share.percent) }
            }
            self.init(.split(shares, prefix: prefix))
        } else if let target = route.redirect.target,
            let redirect = Redirect(status: route.redirect.status, to: target)
        {
            self.init(.redirect(redirect))
        } else if let question = route.respond.health {
            self.init(.respondHealth(question))
        } else {
            self.init(
                .respond(
                    FixedResponse(
                        status: route.respond.status ?? 404,
                        contentType: route.respond.contentType,
                        body: Array(route.respond.body.utf8))))
        }
        if let host = route.host { self.host = HostPattern(host) }
        path =
            route.path.map { .exact($0) } ?? route.pathPrefix.map { .prefix($0) } ?? .any
        methods = route.methods
        headers = route.headers.map { HeaderCondition($0.name, $0.value) }
        requestEdits = FieldEdits(route.requestHeaders)
        responseEdits = FieldEdits(route.responseHeaders)
        if let listener {
            (route.strictTransport.maxAge == nil ? listener : route.strictTransport)
                .add(to: &responseEdits)
        }
        access = route.access
        rates = route.rates
        if route.bodyLimits != RouteSettings.BodySizes() {
            var limits = policy.bodyLimits
            if let most = route.bodyLimits.request { limits.request = most }
            if let most = route.bodyLimits.response { limits.response = most }
            bodyLimits = limits
        }
        if !route.errorPages.isEmpty || route.errorPagesOfBackends != nil {
            errorPages = ErrorPages(
                route.errorPages, over: policy.errorPages,
                ofBackends: route.errorPagesOfBackends ?? policy.errorPagesOfBackends)
        }
        maintenance = route.maintenance
        // What it says of being closed holds for when its listener is, too.
        if maintenance.when == nil, maintenance != MaintenanceRule() {
            maintenance.when = policy.maintenance.when
            maintenance.isFileThere = policy.maintenance.isFileThere
        }
        mirror = MirrorRule(route.mirror, services: services)
        if route.retry != RetryRule.Override() { retry = route.retry }
        compression = policy.compression.overridden(by: route.compression)
        let auth = route.auth.isSaid ? route.auth : auth
        self.auth = AuthRule(auth, services: services)
        passwords = PasswordRule(auth)
    }
}

extension AuthRule {
    /// The rule that `auth` describes; nil for none.
    fileprivate init?(_ auth: AuthSettings, services: [String: ServiceID]) {
        guard let service = auth.serviceName.flatMap({ services[$0] }) else { return nil }
        self.init(service, timeout: auth.timeout)
        path = auth.path
        keepsMethod = auth.keepsMethod
        host = auth.host
        sent = auth.sentFields
        taken = auth.take
        failure = auth.failure
    }
}

extension PasswordRule {
    /// The rule that `auth` describes; nil for none. Validation has ensured that its file was read.
    fileprivate init?(_ auth: AuthSettings) {
        guard auth.users != nil else { return nil }
        guard let users = auth.userList else {
            preconditionFailure("a file of users is read before anybody is let in by it")
        }
        self.init(users, realm: auth.realm, timeout: auth.timeout)
        userField = auth.userField
        passesAuthorization = auth.passesAuthorization
    }
}

extension MirrorRule {
    /// The rule that `mirror` describes; nil for none.
    fileprivate init?(_ mirror: MirrorSettings, services: [String: ServiceID]) {
        guard let service = mirror.service.flatMap({ services[$0] }) else { return nil }
        self.init(service)
        share = mirror.share
        bodyMax = mirror.bodyMax
    }
}

extension Listener {
    /// Its rules, in their order; empty when all requests go to one service.
    func rules(services: [String: ServiceID]) -> [RouteRule] {
        let secured = tls.isOn ? policy.strictTransport : nil
        var rules = routes.map {
            RouteRule(
                $0, services: services, listener: secured, policy: policy, auth: auth)
        }
        if let target = redirect.target,
            let rest = Redirect(status: redirect.status, to: target)
        {
            rules.append(RouteRule(.redirect(rest)))
        } else if auth.isOn, let service = services[service] {
            var rest = RouteRule(.forward(service, prefix: nil))
            rest.auth = AuthRule(auth, services: services)
            rest.passwords = PasswordRule(auth)
            rules.append(rest)
        }
        return rules
    }

    /// Whether `rules` has any.
    var hasRules: Bool {
        !routes.isEmpty || redirect.to != nil || auth.isOn && !service.isEmpty
    }

    /// Whether its rules are those of `other`, as far as its services have the same numbers.
    func hasRules(of other: Listener) -> Bool {
        routes == other.routes && redirect == other.redirect && tls.isOn == other.tls.isOn
            && auth == other.auth && service == other.service
            && policy.strictTransport == other.policy.strictTransport
            && policy.bodyLimits == other.policy.bodyLimits
            && policy.errorPages == other.policy.errorPages
            && policy.errorPagesOfBackends == other.policy.errorPagesOfBackends
            && policy.maintenance == other.policy.maintenance
            && policy.compression == other.policy.compression
    }
}

extension ServerNameRule {
    /// The rule that `route`, of a listener of mode `tcp`, describes; nil without a service, which
    /// validation has ensured.
    init?(_ route: RouteSettings, services: [String: ServiceID]) {
        guard let service = route.service.flatMap({ services[$0] }) else { return nil }
        self.init(
            route.serverName.map { HostPattern($0) } ?? .any,
            protocols: route.protocols.map { Array($0.utf8) }, to: service)
    }
}

extension HostPattern {
    /// What `host` stands for: itself, or with `*.` before it all names below it.
    fileprivate init(_ host: String) {
        self = host.hasPrefix("*.") ? .under(String(host.dropFirst(2))) : .exact(host)
    }
}

extension FieldEdits {
    fileprivate init(_ edits: RouteSettings.HeaderEdits) {
        self.init()
        for name in edits.remove { remove(name) }
        for line in edits.set { set(line.name, line.value) }
        for line in edits.add { add(line.name, line.value) }
    }
}
