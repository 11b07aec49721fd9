// CheckVariables: the check that a container asks for by `SERVICE_CHECK_…`. Pure. The first of
// these that has a value counts:
//
// | variable           | the check                                                                |
// |--------------------|--------------------------------------------------------------------------|
// | CHECK_HTTP, _HTTPS | GET of that path, or by CHECK_HTTP_METHOD                                |
// | CHECK_CMD          | that command, in the container                                           |
// | CHECK_SCRIPT       | that command, on the agent's machine; $SERVICE_IP and $SERVICE_PORT      |
// | CHECK_TTL          | the container itself tells the agent, as `service:ID`                    |
// | CHECK_TCP          | a connection, whatever the value is                                      |
// | CHECK_GRPC         | gRPC's health protocol; a value other than true names the service        |
//
// and for each: CHECK_INTERVAL (10 s by default), CHECK_TIMEOUT, CHECK_INITIAL_STATUS,
// CHECK_DEREGISTER_AFTER, CHECK_TLS_SKIP_VERIFY. An agent refuses a service of which it can't read
// one value, so a value that makes no sense is left out here, and told.

internal import Consul
internal import Containers
internal import Endpoints
internal import Wording

/// Reads the variables of one service.
struct CheckVariables {
    /// Names that are read, without `SERVICE_`.
    static let names = [
        "check_http", "check_https", "check_http_method", "check_cmd", "check_script", "check_ttl",
        "check_tcp", "check_grpc", "check_grpc_use_tls", "check_tls_skip_verify", "check_interval",
        "check_timeout", "check_initial_status", "check_deregister_after",
    ]
    private static let intervalDefault = Duration.seconds(10)
    private static let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]

    /// Where a check finds the service.
    struct Place {
        let endpoint: Endpoint
        let container: String
        /// `web` with the id `host:web1:80`.
        let name: String
        let id: String
    }

    /// The check; nil for none.
    private(set) var check: AgentCheck?
    /// What is left out and why, a sentence each without its full stop.
    private(set) var problems: [String] = []
    private let attributes: [String: String]

    /// The check that `attributes`, with names as in `names`, ask for.
    init(_ attributes: [String: String], of place: Place, allowsPrograms: Bool) {
        self.attributes = attributes
        guard let probe = probe(place, allowsPrograms) else {
            let lonely = Self.names.filter { !text($0).isEmpty }
            if problems.isEmpty, let first = lonely.first {
                problems.append(
                    "\(Self.shown(first)) has no effect: no variable says what is checked, "
                        + "expected SERVICE_CHECK_HTTP, SERVICE_CHECK_TCP or another")
            }
            return
        }
        var check = AgentCheck(id: "service:\(place.id)", name: "check of \(place.name)", probe)
        if case .ttl = probe {
        } else {
            check.interval = duration("check_interval") ?? Self.intervalDefault
            check.timeout = duration("check_timeout")
        }
        check.deregisterAfter = duration("check_deregister_after")
        let status = text("check_initial_status")
        check.status = AgentCheck.Status(rawValue: status)
        if check.status == nil, !status.isEmpty {
            let known = AgentCheck.Status.allCases.map(\.rawValue)
            let hint = nearest(to: status, among: known) ?? known.joined(separator: ", ")
            refuse("check_initial_status", expected: hint)
        }
        self.check = check
    }

    private mutating func probe(_ place: Place, _ allowsPrograms: Bool) -> AgentCheck.Probe? {
        let verifiesTLS = !isTrue("check_tls_skip_verify")
        for (name, scheme) in [("check_http", "http"), ("check_https", "https")] {
            var path = text(name)
            guard !path.isEmpty else { continue }
            if !path.hasPrefix("/") { path = "/" + path }
            guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                refuse(name, expected: "a path such as /health")
                continue
            }
            return .http(
                "\(scheme)://\(place.endpoint)\(path)", method: method(),
                verifiesTLS: scheme == "http" || verifiesTLS)
        }
        let command = text("check_cmd")
        if !command.isEmpty {
            return .inContainer(id: place.container, ["/bin/sh", "-c", command])
        }
        let script = text("check_script")
        if !script.isEmpty {
            if allowsPrograms {
                return .program(["/bin/sh", "-c", filled(script, place)])
            }
            problems.append(
                "SERVICE_CHECK_SCRIPT is left out: it would run on the agent's machine, as the "
                    + "agent's user; allow it with registrar.scripts if every image is trusted "
                    + "with that")
        }
        if !text("check_ttl").isEmpty, let life = duration("check_ttl") { return .ttl(life) }
        if !text("check_tcp").isEmpty { return .tcp("\(place.endpoint)") }
        let service = text("check_grpc")
        guard !service.isEmpty else { return nil }
        let suffix = Self.trueWords.contains(service.lowercased()) ? "" : "/\(service)"
        return .grpc(
            "\(place.endpoint)\(suffix)", usesTLS: isTrue("check_grpc_use_tls"),
            verifiesTLS: verifiesTLS)
    }

    private mutating func method() -> String? {
        let method = text("check_http_method").uppercased()
        if method.isEmpty || Self.methods.contains(method) { return method.isEmpty ? nil : method }
        refuse("check_http_method", expected: Self.methods.joined(separator: ", "))
        return nil
    }

    private static let trueWords: Set<String> = ["1", "t", "true", "yes", "on"]

    private func isTrue(_ name: String) -> Bool {
        Self.trueWords.contains(text(name).lowercased())
    }

    /// `$SERVICE_IP` and `$SERVICE_PORT` of a script.
    private func filled(_ script: String, _ place: Place) -> String {
        var filled = ""
        var rest = script[...]
        let values = [
            ("$SERVICE_IP", "\(place.endpoint.address)"),
            ("$SERVICE_PORT", "\(place.endpoint.port)"),
        ]
        while let first = rest.first {
            if let (name, value) = values.first(where: { rest.hasPrefix($0.0) }) {
                filled += value
                rest = rest.dropFirst(name.count)
            } else {
                filled.append(first)
                rest = rest.dropFirst()
            }
        }
        return filled
    }

    private func text(_ name: String) -> String {
        attributes[name]?.trimmed ?? ""
    }

    private mutating func duration(_ name: String) -> Duration? {
        let text = text(name)
        if text.isEmpty { return nil }
        if let duration = GoDuration.parse(text), duration > .zero { return duration }
        refuse(name, expected: "a duration such as 10s or 1m30s")
        return nil
    }

    private mutating func refuse(_ name: String, expected: String) {
        problems.append(
            "\(Self.shown(name)): found \"\(text(name).prefix(60))\", expected \(expected)")
    }

    private static func shown(_ name: String) -> String {
        ServiceVariables.prefix + name.uppercased()
    }
}

/// Durations as programs in Go write them.
enum GoDuration {
    private static let units: [(name: String, milliseconds: Double)] = [
        ("ms", 1), ("us", 0.001), ("µs", 0.001), ("ns", 0.000_001), ("h", 3_600_000),
        ("m", 60_000), ("s", 1000),
    ]

    /// The duration that `text` spells, in whole milliseconds: `10s`, `1m30s`, `1.5h`; nil for what
    /// is none, and for more than a year.
    static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var total = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard digits.utf8.count <= 20, let number = Double(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let unit = units.first(where: { rest.hasPrefix($0.name) }) else { return nil }
            rest = rest.dropFirst(unit.name.count)
            total += number * unit.milliseconds
        }
        guard !text.isEmpty, total <= 366 * 86_400_000 else { return nil }
        return .milliseconds(Int(total))
    }
}
