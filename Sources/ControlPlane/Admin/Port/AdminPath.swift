// AdminPath: what a path of the admin port is, and which methods it has. One table, from which
// requests are told apart and the list in a 404 is made.

internal import HTTP1

/// What a request is about. Value type, any thread.
enum AdminPath: Equatable {
    case page, stats, services, service(String), backends, backend(String)
    case change(String, Verb)
    case events, config, discovery, metrics, live, ready, openAPI, logLevel, reload

    /// What can be done to a backend.
    enum Verb: String, CaseIterable {
        case drain, enable, disable, weight, check, eject

        /// What may stand in the query.
        var parameters: [String] {
            switch self {
            case .drain, .disable: ["force"]
            case .weight: ["weight"]
            case .enable, .check, .eject: []
            }
        }
    }

    /// What is where: the method, the path and a phrase.
    static let listing: [(method: String, path: String, about: String)] = [
        ("GET", "/", "this process on one page"),
        ("GET", "/stats", "everything, as JSON"),
        ("GET", "/services", "each service with its sources, figures and backends"),
        ("GET", "/services/NAME", "one of them"),
        ("GET", "/backends", "each backend's state, since when and why"),
        ("GET", "/backends/SERVICE@ADDRESS:PORT", "one of them, with its journal"),
        ("GET", "/discovery", "what each source said last, and when it is asked again"),
        ("GET", "/events", "the journal as it goes on, with figures every second"),
        ("GET", "/config", "the configuration in force"),
        ("GET", "/metrics", "for Prometheus"),
        ("GET", "/health/live", "200 as long as the process runs"),
        ("GET", "/health/ready", "200 when requests are served, else 503 and why"),
        ("GET", "/openapi.json", "all of this for programs"),
        (
            "POST", "/backends/SERVICE@ADDRESS:PORT/drain",
            "no new requests; the last needs force=yes"
        ),
        ("POST", "/backends/SERVICE@ADDRESS:PORT/disable", "the same, and what runs is ended"),
        ("POST", "/backends/SERVICE@ADDRESS:PORT/enable", "takes both back"),
        ("POST", "/backends/SERVICE@ADDRESS:PORT/weight?weight=N", "another weight, or auto"),
        ("POST", "/backends/SERVICE@ADDRESS:PORT/check", "a check at once"),
        ("POST", "/backends/SERVICE@ADDRESS:PORT/eject", "out as if requests had failed"),
        ("POST", "/log-level?level=LEVEL", "error, warning, info or debug"),
        ("POST", "/reload", "reads the configuration again"),
    ]

    private static let fixed: [String: AdminPath] = [
        "/": .page, "/stats": .stats, "/services": .services, "/backends": .backends,
        "/events": .events, "/config": .config, "/discovery": .discovery, "/metrics": .metrics,
        "/health/live": .live, "/health/ready": .ready, "/openapi.json": .openAPI,
        "/log-level": .logLevel, "/reload": .reload,
    ]

    /// What `path`, as it was sent, is about; nil for nothing.
    init?(_ path: String) {
        if let fixed = Self.fixed[path] {
            self = fixed
            return
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let names = parts.compactMap { percentDecoded($0) }
        guard names.count == parts.count, names.allSatisfy({ !$0.isEmpty }) else { return nil }
        switch (names.count, names.first) {
        case (2, "services"): self = .service(names[1])
        case (2, "backends"): self = .backend(names[1])
        case (3, "backends"):
            guard let verb = Verb(rawValue: names[2]) else { return nil }
            self = .change(names[1], verb)
        default: return nil
        }
    }

    /// Whether it changes something, and so takes POST; the others take GET and HEAD.
    var isChange: Bool {
        switch self {
        case .change, .logLevel, .reload: true
        case .page, .stats, .services, .service, .backends, .backend, .events, .config, .discovery,
            .metrics, .live, .ready, .openAPI:
            false
        }
    }

    /// Whether it can be seen without a token: what load balancers ask, and the page, which asks
    /// for the token and tells nothing by itself.
    var isPublic: Bool {
        switch self {
        case .page, .live, .ready: true
        case .stats, .services, .service, .backends, .backend, .change, .events, .config,
            .discovery,
            .metrics, .openAPI, .logLevel, .reload:
            false
        }
    }

    /// - Throws: when the path does not have this method.
    func check(_ method: Method) throws(AdminProblem) {
        let allowed = isChange ? "POST" : "GET, HEAD"
        let fits = isChange ? method == .post : method == .get || method == .head
        guard !fits else { return }
        var problem = AdminProblem(
            405, isChange ? "This changes something." : "Nothing can be changed here.",
            expected: isChange ? "POST" : "GET or HEAD")
        problem.allow = allowed
        throw problem
    }
}
