// The rules for who may come, and how much: what an option can't say beside the others.

internal import Access
internal import Documents
internal import Endpoints
internal import RateLimits
internal import Traffic
internal import Wording

extension Loading {
    /// Checks the lists of all listeners, where those of `defaults` count as well; adds to errors.
    /// Those of routes are checked as they are read.
    mutating func checkAccess() {
        for listener in listeners {
            let origin =
                listener.given["deny"] ?? listener.given["allow"] ?? given["defaults.deny"]
                ?? listener.origin
            checkAccess(listener.value.policy.access, at: origin)
        }
        checkRates()
    }

    private mutating func checkRates() {
        var bytes = 0
        var last = Origin.nowhere
        for listener in listeners {
            let own = listener.value.policy.rates
            if listener.value.mode == .tcp {
                if !own.isEmpty, let origin = listener.given["rate"] {
                    errors.add(
                        "found rate on a listener of mode tcp, expected mode http", at: origin)
                }
                continue
            }
            let rules = own + listener.value.routes.flatMap(\.rates)
            guard !rules.isEmpty else { continue }
            checkShares(of: listener)
            // A listener of a name is one for each of its addresses.
            bytes += listener.listeners.count * rules.reduce(0) { $0 + $1.bytesMax }
            last = listener.given["rate"] ?? given["defaults.rate"] ?? listener.origin
        }
        guard bytes > ConfigurationLimits.rateBytesMax else { return }
        let most = Units.write(size: ConfigurationLimits.rateBytesMax)
        errors.add(
            "found limits of requests that take \((bytes + (1 << 20) - 1) >> 20)MiB of memory, "
                + "expected at most \(most): fewer of them, or fewer clients in each", at: last)
    }

    /// Checks that limits of `listener` that are shared have a name by which the others are found;
    /// adds to errors.
    private mutating func checkShares(of listener: Entry<Listener>) {
        guard draft.configuration.consul.register.name == nil else { return }
        let routes = zip(listener.value.routes, listener.routeOrigins)
        let origin =
            listener.value.policy.rates.contains(where: \.isShared)
            ? listener.given["rate"] ?? given["defaults.rate"] ?? listener.origin
            : routes.first { $0.0.rates.contains(where: \.isShared) }?.1
        guard let origin else { return }
        errors.add(
            "found share: on without consul.register.name, expected the name under which this "
                + "process is registered: its limits are divided among those that have it, such as "
                + "consul: {register: {name: edge}}", at: origin)
    }

    /// Decides for each listener between a service and a file of users: what it says itself stands
    /// in the place of what `defaults` say. Adds to errors where both are said at once.
    mutating func settleAuth() {
        func twofold(_ given: [String: Origin], _ prefix: String) -> Origin? {
            given["\(prefix)auth.service"] == nil ? nil : given["\(prefix)auth.users"]
        }
        let ofDefaults = twofold(given, "defaults.")
        if let ofDefaults { errors.add(Self.twofoldAuth, at: ofDefaults) }
        for index in listeners.indices {
            let given = listeners[index].given
            if let origin = twofold(given, "") {
                errors.add(Self.twofoldAuth, at: origin)
            } else if given["auth.users"] != nil {
                listeners[index].value.auth.service = nil
            } else if given["auth.service"] != nil || ofDefaults != nil {
                listeners[index].value.auth.users = nil
            }
        }
    }

    static let twofoldAuth =
        "found auth.service and auth.users, expected one of them: a service that is asked, or a "
        + "file of users"

    /// Checks what lets requests of the listeners through, where `defaults` count as well, and adds
    /// to errors. That of routes is checked as they are read.
    mutating func checkAuth(known: Set<String>, _ names: [String]) {
        for listener in listeners {
            let auth = listener.value.auth
            let given = listener.given.filter { $0.key.hasPrefix("auth.") }
            let origin =
                listener.given["auth.service"] ?? listener.given["auth.users"]
                ?? given.values.first
                ?? self.given["defaults.auth.service"] ?? listener.origin
            if listener.value.mode == .tcp {
                if !given.isEmpty {
                    errors.add(
                        "found auth on a listener of mode tcp, expected mode http", at: origin)
                }
                continue
            }
            // Both at once has been reported.
            guard auth.service == nil || auth.users == nil else { continue }
            checkAuth(auth, Set(given.keys), at: origin)
            guard let name = auth.serviceName, !known.contains(name), !hasUnreadServices else {
                continue
            }
            let hint = nearest(to: name, among: names).map { "\($0)?" }
            errors.add(
                found: "the service \(quoted(name))",
                expected: hint ?? "the name of one under services", at: origin)
        }
    }

    /// Checks what lets requests of one listener or route through, which has these keys; adds to
    /// errors.
    mutating func checkAuth(_ auth: AuthSettings, _ keys: Set<String>, at origin: Origin) {
        let ofUsers = ["realm", "user-field", "pass-authorization"]
        let names = keys.filter { $0.hasPrefix("auth.") }.map { String($0.dropFirst(5)) }
        let idle = names.filter { key in
            if auth.users != nil { return !auth.has(key) }
            return auth.service == nil || ofUsers.contains(key)
        }
        if let key = idle.min() {
            errors.add(
                ofUsers.contains(key)
                    ? "found auth.\(key) without auth.users, expected the file of users beside it"
                    : "found auth.\(key) without auth.service, expected the service that is asked "
                        + "beside it", at: origin)
        }
        if let name = auth.userField, name.lowercased() == "authorization" {
            errors.add(
                found: quoted(name), expected: "another field: this one has the password",
                at: origin)
        }
        for name in auth.send + auth.take + [auth.userField].compactMap(\.self) {
            guard let reason = reservation(of: name, isRequest: true) else { continue }
            errors.add(found: quoted(name), expected: "another field: \(reason)", at: origin)
        }
    }

    /// Checks the two lists of one listener or route; adds to errors.
    mutating func checkAccess(_ access: AddressRules, at origin: Origin) {
        let both = access.contradictions
        guard let network = both.first else { return }
        let others = both.count > 1 ? " and \(both.count - 1) more" : ""
        errors.add(
            "found \(network)\(others) in allow and in deny, expected it in one of them",
            at: origin)
    }
}
