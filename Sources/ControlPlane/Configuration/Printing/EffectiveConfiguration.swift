// EffectiveConfiguration: the whole of a configuration as YAML, every option with the value that it
// has and with where that is from. It can be read again, and makes the same configuration but for
// secrets, which are masked. What would be refused beside something else, since it has no effect
// there, is left out: a hash without a policy that hashes, the path of a check that only connects.

internal import Backends
internal import Balancing
internal import ConsulQuery
internal import DockerAPI
internal import Documents
internal import Endpoints
internal import Traffic

/// What a configuration was made of. Value type, any thread.
package struct EffectiveConfiguration: Sendable {
    let draft: Draft
    let services: [Entry<Service>]
    let listeners: [Entry<Listener>]
    /// Where options of the top level were given, by key.
    let given: [String: Origin]

    /// In the place of a secret. Long enough to be taken for one.
    static let mask = "********"

    /// YAML, with a line end at its end. Behind each value stands where it is from: `default`, a
    /// file and its line, a variable or a flag. Secrets are masked: tokens, keys of cookies, what
    /// checks send, and fields whose names sound like credentials.
    package var yaml: String {
        var yaml = YAMLText()
        yaml.comment(
            "The configuration as it is in force, every option with where its value is from.")
        yaml.comment("Secrets are masked; put them back before this is used as a configuration.")
        let isRegistering = draft.configuration.consul.register.name != nil
        write(OptionTable.process, of: draft.configuration, to: &yaml, indent: 0) { key in
            key.hasPrefix("consul.register.") && key != "consul.register.name" && !isRegistering
        } origin: {
            given[$0]
        }

        // What is carried by a listener has its options from here.
        write(Self.defaults, of: draft, to: &yaml, indent: 0) { key in
            isIdle(String(key.dropFirst("defaults.".count)), in: draft.service.check)
                // Given, it would have to suit every interval.
                || key == "defaults.check.fast-interval" && given[key] == nil
        } origin: {
            given[$0]
        }

        let own = services.filter { !$0.isCarried }
        if !own.isEmpty { yaml.open("services", indent: 0) }
        for service in own { write(service, to: &yaml) }
        yaml.open("listeners", indent: 0)
        for listener in listeners { write(listener, to: &yaml) }
        return yaml.text
    }

    // MARK: - Options

    /// The options of services and of listeners together: `timeouts` and `limits` have keys of
    /// both.
    private static let defaults: [Option<Draft>] = {
        let options = OptionTable.file.filter { $0.key.hasPrefix("defaults.") }
        func group(_ option: Option<Draft>) -> Substring { option.key.split(separator: ".")[1] }
        var groups: [Substring] = []
        for option in options where !groups.contains(group(option)) { groups.append(group(option)) }
        return groups.flatMap { name in options.filter { group($0) == name } }
    }()

    /// Writes every option of a table but those that are `leftOut`, groups below each other.
    private func write<Root>(
        _ options: [Option<Root>], of root: Root, to yaml: inout YAMLText, indent: Int,
        leavingOut isLeftOut: (String) -> Bool = { _ in false }, origin: (String) -> Origin?
    ) {
        var open: [Substring] = []
        for option in options where !isLeftOut(option.key) {
            guard let texts = option.texts(root) else { continue }
            var path = option.key.split(separator: ".")
            let name = String(path.removeLast())
            let common = zip(path, open).prefix { $0 == $1 }.count
            for depth in common..<path.count {
                yaml.open(String(path[depth]), indent: indent + 2 * depth)
            }
            open = path
            var comment = Self.text(of: origin(option.key))
            if option.isSecret { comment += ", masked" }
            write(
                option, name, texts, to: &yaml, indent: indent + 2 * path.count, comment: comment)
        }
    }

    private func write<Root>(
        _ option: Option<Root>, _ name: String, _ texts: [String], to yaml: inout YAMLText,
        indent: Int, lead: String = "", comment: String?
    ) {
        let texts = option.isSecret ? texts.map { Self.masked($0, option) } : texts
        if option.isList {
            yaml.add(name, list: texts, indent: indent, lead: lead, comment: comment)
        } else {
            yaml.add(name, texts.first ?? "", indent: indent, lead: lead, comment: comment)
        }
    }

    private static func masked<Root>(_ text: String, _ option: Option<Root>) -> String {
        // A field line keeps its name.
        guard option.isList, let colon = text.firstIndex(of: ":") else { return mask }
        return "\(text[..<colon]): \(mask)"
    }

    /// Where a value is from.
    static func text(of origin: Origin?) -> String {
        switch origin {
        case nil, .nowhere?: "default"
        case .file(let name, let mark, _)?: "\(name):\(mark.line)"
        case .wholeFile(let name)?: name
        case .environment(let name)?: name
        case .flag(let flag)?: flag.rawValue
        }
    }

    // MARK: - Services

    private func write(_ service: Entry<Service>, to yaml: inout YAMLText) {
        yaml.open(service.value.name, indent: 2, comment: Self.text(of: service.origin))
        writeSources(of: service.value, service.given, to: &yaml, indent: 4)
        let value = service.value
        write(OptionTable.service, of: value, to: &yaml, indent: 4) { key in
            isIdle(key, in: value.check)
                || key == "hash" && value.policy.balancing.policy != .consistentHash
                || key == "zone.key" && value.roster.zone.preferred == nil
                || key == "sticky.secret" && value.policy.balancing.sticky.cookie == nil
        } origin: {
            service.given[$0] ?? given["defaults.\($0)"]
        }
        for endpoint in value.overrides.endpoints {
            guard let decision = value.overrides[endpoint] else { continue }
            let weight = decision.weight.map { "weight: \($0), " } ?? ""
            let drain = ValueKind.onOff.write(decision.isDrained)
            yaml.comment(
                "from the K/V store: \(endpoint) has {\(weight)drain: \(drain)}", indent: 4)
        }
    }

    private func writeSources(
        of service: Service, _ given: [String: Origin], to yaml: inout YAMLText, indent: Int
    ) {
        func comment(_ key: String) -> String { Self.text(of: given[key]) }
        var names: [String] = []
        var queries: [String] = []
        for source in service.sources {
            switch source {
            case .srv(let name): names.append(name)
            case .consul(let query, let fallback):
                queries.append(query.description)
                if let fallback { names.append(fallback) }
            case .docker(let query):
                yaml.add(
                    "docker", list: [query.description], indent: indent,
                    comment: comment("docker"))
            case .file(let path):
                yaml.add("file", path, indent: indent, comment: comment("file"))
            case .backends(let backends):
                yaml.open("backends", indent: indent, comment: comment("backends"))
                for backend in backends {
                    let address = YAMLText.scalar(ValueKind.backendAddress.write(backend.address))
                    yaml.line(
                        "- {address: \(address), weight: \(backend.weight), "
                            + "priority: \(backend.priority)}", indent + 2, nil)
                }
            }
        }
        if !queries.isEmpty {
            yaml.add("consul", list: queries, indent: indent, comment: comment("consul"))
        }
        if !names.isEmpty {
            yaml.add("srv", list: names, indent: indent, comment: comment("srv"))
        }
    }

    /// Whether an option of a check is for another kind of check.
    private func isIdle(_ key: String, in check: CheckOptions) -> Bool {
        guard key.hasPrefix("check.") else { return false }
        let name = String(key.dropFirst("check.".count))
        return !Loading.has(name, check.type)
    }

    // MARK: - Listeners

    private func write(_ listener: Entry<Listener>, to yaml: inout YAMLText) {
        let value = listener.value
        // The name of one that has none is its address as it was written, and becomes so again.
        let hasName = isName(value.name)
        let isWritten = Place.endpoint(value.listen) == value.place
        let address =
            isWritten && Endpoint(value.name) == value.listen ? value.name : "\(value.place)"
        let place = Self.text(of: listener.origin)
        if hasName { yaml.add("name", value.name, indent: 2, lead: "- ", comment: place) }
        yaml.add(
            "listen", address, indent: hasName ? 4 : 2, lead: hasName ? "" : "- ",
            comment: Self.text(of: listener.given["listen"]))
        let mode = listener.given["mode"] ?? (listener.origin.isDirect ? given["mode"] : nil)
        yaml.add("mode", value.mode.rawValue, indent: 4, comment: Self.text(of: mode))
        if let carried = services.first(where: { $0.isCarried && $0.value.name == value.service }) {
            writeSources(of: carried.value, listener.given, to: &yaml, indent: 4)
        } else if !value.service.isEmpty {
            yaml.add(
                "service", value.service, indent: 4,
                comment: Self.text(of: listener.given["service"]))
        }
        if let target = value.redirect.to {
            yaml.open("redirect", indent: 4)
            yaml.add(
                "to", target, indent: 6, comment: Self.text(of: listener.given["redirect.to"]))
            yaml.add(
                "status", "\(value.redirect.status)", indent: 6,
                comment: Self.text(of: listener.given["redirect.status"]))
        }
        write(OptionTable.listener, of: value, to: &yaml, indent: 4) { key in
            value.mode == .tcp && Self.isOfHTTP(key)
                || key.hasPrefix("auth.") && !value.auth.has(String(key.dropFirst(5)))
        } origin: {
            listener.given[$0] ?? given["defaults.\($0)"]
        }
        guard !value.routes.isEmpty else { return }
        yaml.open("routes", indent: 4)
        for (route, origin) in zip(value.routes, listener.routeOrigins) {
            write(route, origin, to: &yaml)
        }
    }

    /// Whether the option `key` is a mistake at a listener of mode tcp, which does not have what
    /// `defaults` say of it either.
    private static func isOfHTTP(_ key: String) -> Bool {
        ["connect", "rate", "limits.request-body", "limits.response-body"].contains(key)
            || ["auth.", "error-pages", "maintenance."].contains { key.hasPrefix($0) }
    }

    // MARK: - Routes

    /// Writes what a route says; the rest is at its default.
    private func write(_ route: RouteSettings, _ origin: Origin, to yaml: inout YAMLText) {
        yaml.line("-", 6, Self.text(of: origin))
        let standard = RouteSettings()
        var open: Substring?
        for option in OptionTable.route {
            guard let texts = option.texts(route), texts != option.texts(standard) else { continue }
            let path = option.key.split(separator: ".")
            if path.count > 1, path[0] != open { yaml.open(String(path[0]), indent: 8) }
            open = path.count > 1 ? path[0] : nil
            write(
                option, String(path.last ?? ""), texts, to: &yaml, indent: 6 + 2 * path.count,
                comment: nil)
        }
        writeLines(
            "headers", route.headers.map { ($0.name, $0.value ?? "*") }, to: &yaml, indent: 8)
        writeLines(
            "split", route.split.map { ($0.service, "\($0.percent)%") }, to: &yaml, indent: 8)
        for (key, edits) in [
            ("request-headers", route.requestHeaders), ("response-headers", route.responseHeaders),
        ] where edits != RouteSettings.HeaderEdits() {
            yaml.open(key, indent: 8)
            if !edits.remove.isEmpty { yaml.add("remove", list: edits.remove, indent: 10) }
            for (key, lines) in [("set", edits.set), ("add", edits.add)] {
                writeLines(key, lines.map { ($0.name, $0.value) }, to: &yaml, indent: 10)
            }
        }
    }

    private func writeLines(
        _ key: String, _ lines: [(name: String, value: String)], to yaml: inout YAMLText,
        indent: Int
    ) {
        guard !lines.isEmpty else { return }
        yaml.open(key, indent: indent)
        for line in lines {
            let isSecret = key != "split" && Self.soundsSecret(line.name) && line.value != "*"
            yaml.add(
                line.name, isSecret ? Self.mask : line.value, indent: indent + 2,
                comment: isSecret ? "masked" : nil)
        }
    }

    /// Whether a field of this name is likely to hold credentials.
    static func soundsSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["auth", "cookie", "token", "secret", "password", "key", "credential"].contains {
            name.contains($0)
        }
    }
}

extension Origin {
    /// Whether this is no file.
    fileprivate var isDirect: Bool {
        switch self {
        case .environment, .flag: true
        case .file, .wholeFile, .nowhere: false
        }
    }
}
