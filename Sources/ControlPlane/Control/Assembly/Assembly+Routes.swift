// Assembly of routes: what the configuration says of them, as rules.

internal import Backends
internal import Configuration
internal import HTTP1
internal import Routing

extension RouteRule {
    /// The rule that `route` describes. Validation has seen to it that its service exists, and that
    /// it says one thing to do.
    init(_ route: RouteSettings, services: [String: ServiceID]) {
        let prefix = route.stripPrefix == .on ? "" : route.replacePrefix
        if let name = route.service, let service = services[name] {
            self.init(.forward(service, prefix: prefix))
        } else if !route.split.isEmpty {
            let shares = route.split.compactMap { share in
                services[share.service].map { ($0, share.percent) }
            }
            self.init(.split(shares, prefix: prefix))
        } else if let target = route.redirect.to,
            let redirect = Redirect(status: route.redirect.status, to: target)
        {
            self.init(.redirect(redirect))
        } else {
            self.init(
                .respond(
                    FixedResponse(
                        status: route.respond.status ?? 404,
                        contentType: route.respond.contentType,
                        body: Array(route.respond.body.utf8))))
        }
        if let host = route.host {
            self.host = host.hasPrefix("*.") ? .under(String(host.dropFirst(2))) : .exact(host)
        }
        path =
            route.path.map { .exact($0) } ?? route.pathPrefix.map { .prefix($0) } ?? .any
        methods = route.methods
        headers = route.headers.map { HeaderCondition($0.name, $0.value) }
        requestEdits = FieldEdits(route.requestHeaders)
        responseEdits = FieldEdits(route.responseHeaders)
        if route.retry.attempts != nil || route.retry.on != nil || route.retry.hedge != nil {
            retry = RetryRule.Override(route.retry)
        }
    }
}

extension RetryRule {
    /// When requests of a service are tried again.
    init(_ retry: Service.Retry) {
        self.init()
        attempts = retry.attempts
        failures = Failures(retry.on)
        hedgeAfter = retry.hedge
    }
}

extension RetryRule.Override {
    fileprivate init(_ retry: RouteSettings.Retry) {
        self.init()
        attempts = retry.attempts
        failures = retry.on.map { RetryRule.Failures($0) }
        hedgeAfter = retry.hedge.map { $0 ?? .zero }
    }
}

extension RetryRule.Failures {
    fileprivate init(_ asked: [RetryCondition]) {
        self.init()
        conditions = []
        statuses = []
        for condition in asked {
            switch condition {
            case .connect: conditions.insert(.connect)
            case .reset: conditions.insert(.reset)
            case .silence: conditions.insert(.silence)
            case .timeout: conditions.insert(.timeout)
            case .status(let status): statuses.append(status)
            }
        }
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
