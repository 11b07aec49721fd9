// Reading of a listener's routes, and the rules for each and for all of them.

internal import Documents
internal import Traffic
internal import Wording

extension Loading {
    /// Reads the list at `path`.
    mutating func readRoutes(
        _ node: YAMLNode, _ path: String, _ file: String, into listener: inout Entry<Listener>
    ) {
        let origin = Origin.file(name: file, mark: node.mark, path: path)
        listener.given["routes"] = origin
        guard case .sequence(let items) = node.content, !items.isEmpty else {
            errors.add(
                found: node.isNothing ? "nothing" : node.found, expected: "a list of routes",
                at: origin)
            return
        }
        if items.count > ConfigurationLimits.routesMax {
            errors.add(
                found: "\(items.count) routes",
                expected: "at most \(ConfigurationLimits.routesMax)", at: origin)
            return
        }
        for (index, item) in items.enumerated() {
            let itemPath = "\(path)[\(index)]"
            let origin = Origin.file(name: file, mark: item.mark, path: itemPath)
            guard case .mapping = item.content else {
                errors.add(found: item.found, expected: "a route", at: origin)
                continue
            }
            let route = readRoute(item, itemPath, file).route
            if !listener.append(route, at: origin) { addSecondRoute(at: origin) }
        }
    }

    mutating func addSecondRoute(at origin: Origin) {
        errors.add(
            "found a second route for the same requests, expected one: this one would never be "
                + "used",
            at: origin)
    }

    /// One route, and the listener that it names, which only a route that stands alone may.
    mutating func readRoute(
        _ node: YAMLNode, _ path: String, _ file: String, mayNameListener: Bool = false
    ) -> (route: RouteSettings, listener: String?) {
        var route = RouteSettings()
        let sections = OptionTable.routeSections + (mayNameListener ? [.listener] : [])
        let reader = MappingReader(file: file, options: OptionTable.route, sections: sections)
        let reading = reader.read(node, path: path, into: &route, &errors)
        var listener: String?
        if let node = reading.sections["listener"] {
            if case .scalar(let name, _) = node.content, !node.isNothing {
                listener = name
            } else {
                errors.add(
                    found: node.found, expected: "a listener's name",
                    at: .file(name: file, mark: node.mark, path: "listener"))
            }
        }
        if let node = reading.sections["split"] {
            route.split = readSplit(node, "\(path).split", file)
        }
        if let node = reading.sections["headers"] {
            for (name, value) in lines(node, "\(path).headers", file) {
                route.headers.append(
                    RouteSettings.Header(name: name, value: value == "*" ? nil : value))
            }
        }
        for key in ["request-headers", "response-headers"] {
            guard let node = reading.sections[key] else { continue }
            let isRequest = key == "request-headers"
            let edits = readEdits(node, "\(path).\(key)", file, isRequest: isRequest)
            if isRequest { route.requestHeaders = edits } else { route.responseHeaders = edits }
        }
        if route.redirect.httpsPort != nil, !reading.keys.contains("redirect.status") {
            route.redirect.status = 308
        }
        checkRoute(route, reading, .file(name: file, mark: node.mark, path: path))
        return (route, listener)
    }

    private mutating func readEdits(
        _ node: YAMLNode, _ path: String, _ file: String, isRequest: Bool
    ) -> RouteSettings.HeaderEdits {
        var edits = RouteSettings.HeaderEdits()
        let reader = MappingReader(
            file: file, options: OptionTable.headerEdits, sections: OptionTable.headerEditSections)
        let reading = reader.read(node, path: path, into: &edits, &errors)
        for (key, target) in [
            ("set", \RouteSettings.HeaderEdits.set), ("add", \RouteSettings.HeaderEdits.add),
        ] {
            guard let node = reading.sections[key] else { continue }
            edits[keyPath: target] = lines(node, "\(path).\(key)", file).map {
                RouteSettings.HeaderEdits.Line(name: $0.0, value: $0.1)
            }
        }
        let origin = Origin.file(name: file, mark: node.mark, path: path)
        let names = edits.remove + edits.add.map(\.name) + edits.set.map(\.name)
        for name in names {
            let isSetHost =
                name.lowercased() == "host" && edits.set.contains { $0.name == name }
                && !edits.remove.contains(name) && !edits.add.contains { $0.name == name }
            if let reason = reservation(of: name, isRequest: isRequest), !isSetHost {
                errors.add(found: quoted(name), expected: "another field: \(reason)", at: origin)
            }
        }
        return edits
    }

    /// Why a field can't be changed; nil when it can.
    func reservation(of name: String, isRequest: Bool) -> String? {
        switch name.lowercased() {
        case "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer",
            "transfer-encoding", "upgrade":
            "it says where a message ends, or belongs to one connection"
        case "host" where isRequest: "a request has one Host, which can only be set"
        case "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port",
            "forwarded", "via", "x-request-id":
            isRequest ? "this one is the business of the listener's forwarding" : nil
        case let name where name == "client-cert" || name.hasPrefix("client-cert-"):
            isRequest ? "this one is the business of tls.client-certificates" : nil
        default: nil
        }
    }

    /// A mapping of field names to values.
    private mutating func lines(
        _ node: YAMLNode, _ path: String, _ file: String
    ) -> [(String, String)] {
        guard case .mapping(let entries) = node.content else {
            errors.add(
                found: node.found, expected: "a mapping of field names to values",
                at: .file(name: file, mark: node.mark, path: path))
            return []
        }
        var lines: [(String, String)] = []
        for entry in entries {
            let shown = isName(entry.key) ? entry.key : quoted(entry.key)
            let keyOrigin = Origin.file(name: file, mark: entry.keyMark, path: "\(path).\(shown)")
            guard isToken(entry.key) else {
                errors.add(
                    found: quoted(entry.key), expected: "the name of a field, such as X-Tenant",
                    at: keyOrigin)
                continue
            }
            guard case .scalar(let value, _) = entry.value.content, isFieldValue(value) else {
                let isSecret = EffectiveConfiguration.soundsSecret(entry.key)
                errors.add(
                    found: isSecret ? "something else" : entry.value.found,
                    expected: "a value of visible ASCII, without spaces around it",
                    at: .file(name: file, mark: entry.value.mark, path: "\(path).\(shown)"))
                continue
            }
            lines.append((entry.key, value))
        }
        return lines
    }

    private mutating func checkRoute(
        _ route: RouteSettings, _ reading: MappingReader<RouteSettings>.Reading, _ origin: Origin
    ) {
        let actions = [
            ("service", route.service != nil), ("split", !route.split.isEmpty),
            ("redirect", route.redirect.to != nil),
            ("respond", route.respond.status != nil || route.respond.health != nil),
        ].filter(\.1).map(\.0)
        let keys = reading.keys
        if actions.count != 1 {
            let isAsked = keys.contains { $0.hasPrefix("redirect") || $0.hasPrefix("respond") }
            let found = actions.isEmpty ? "nothing" : actions.joined(separator: " and ")
            // A bad value has been reported already.
            if !actions.isEmpty
                || !(keys.contains("service") || reading.sections["split"] != nil || isAsked)
            {
                errors.add(
                    found: found,
                    expected: "one of service, split, redirect (with to) and respond (with status "
                        + "or health)",
                    at: origin)
            } else if isAsked,
                keys.isDisjoint(with: ["redirect.to", "respond.status", "respond.health"])
            {
                errors.add(
                    found: "no redirect.to, no respond.status and no respond.health",
                    expected: "one of them", at: origin)
            }
        }
        if route.respond.health != nil {
            for key in ["status", "body", "content-type"] where keys.contains("respond.\(key)") {
                errors.add(
                    "found respond.\(key) beside respond.health, which says what is answered, "
                        + "expected one of them", at: origin)
            }
        }
        checkAccess(route.access, at: origin)
        if route.auth.service != nil, route.auth.users != nil {
            errors.add(Self.twofoldAuth, at: origin)
        } else {
            checkAuth(route.auth, keys, at: origin)
        }
        if route.auth.isOn, route.serviceNames.isEmpty, !actions.isEmpty {
            errors.add(
                "found auth on a route whose requests go to no backend, expected service or split "
                    + "beside it", at: origin)
        }
        checkMirror(route, keys, hasAction: !actions.isEmpty, at: origin)
        if route.path != nil, route.pathPrefix != nil {
            errors.add("found path and path-prefix, expected one of them", at: origin)
        }
        let changesPath = route.stripPrefix || route.replacePrefix != nil
        if route.stripPrefix, route.replacePrefix != nil {
            errors.add("found strip-prefix and replace-prefix, expected one of them", at: origin)
        } else if changesPath, route.pathPrefix == nil || route.serviceNames.isEmpty {
            errors.add(
                "found a change of the prefix, expected path-prefix and service or split beside it",
                at: origin)
        }
    }

    /// Checks what is only known when everything is read: names, and what a listener speaks.
    mutating func checkRoutes(_ listener: Entry<Listener>, known: Set<String>, _ names: [String]) {
        if listener.value.mode == .tcp, let origin = listener.given["connect"] {
            errors.add("found connect on a listener of mode tcp, expected mode http", at: origin)
        }
        for (route, origin) in zip(listener.value.routes, listener.routeOrigins) {
            checkMode(route, listener.value.mode, at: origin)
        }
        for (route, origin) in zip(listener.value.routes, listener.routeOrigins) {
            if !listener.value.policy.allowsConnect, route.methods.contains("CONNECT") {
                errors.add(
                    "found the method CONNECT, expected connect: on beside the listener's routes",
                    at: origin)
            }
            let others = [route.auth.serviceName, route.mirror.service].compactMap(\.self)
            for name in route.serviceNames + others where !known.contains(name) {
                let hint = nearest(to: name, among: names).map { "\($0)?" }
                errors.add(
                    found: "the service \(quoted(name))",
                    expected: hint ?? "the name of one under services", at: origin)
            }
        }
    }
}

extension Loading {
    /// Checks that a route is for what its listener speaks.
    private mutating func checkMode(
        _ route: RouteSettings, _ mode: ListenerMode, at origin: Origin
    ) {
        switch mode {
        case .http:
            guard route.serverName != nil || !route.protocols.isEmpty else { return }
            errors.add(
                "found a route by sni or alpn on a listener of mode http, expected mode tcp, or "
                    + "host", at: origin)
        case .tcp:
            var plain = RouteSettings()
            (plain.serverName, plain.protocols) = (route.serverName, route.protocols)
            plain.service = route.service
            guard route != plain || route.service == nil else { return }
            errors.add(
                "found a route of HTTP on a listener of mode tcp, expected sni, alpn and service "
                    + "alone, or mode http", at: origin)
        }
    }
}

extension Entry<Listener> {
    /// Adds a route; false when there is one for the same requests, which stays alone then.
    mutating func append(_ route: RouteSettings, at origin: Origin) -> Bool {
        guard routeMatches.insert(RouteMatch(route)).inserted else { return false }
        value.routes.append(route)
        routeOrigins.append(origin)
        return true
    }

    /// Takes back the routes that were added last.
    mutating func removeRoutes(from count: Int) {
        for route in value.routes[count...] { routeMatches.remove(RouteMatch(route)) }
        value.routes.removeSubrange(count...)
        routeOrigins.removeSubrange(count...)
    }
}

/// Which requests a route is for: of two routes with the same matches one is too many.
struct RouteMatch: Hashable {
    let host: String?
    let serverName: String?
    let protocols: Set<String>
    let path: String?
    let prefix: String?
    let methods: Set<String>
    let headers: Set<RouteSettings.Header>

    init(_ route: RouteSettings) {
        host = route.host?.lowercased()
        serverName = route.serverName?.lowercased()
        protocols = Set(route.protocols)
        path = route.path
        prefix = route.pathPrefix.map { prefix in
            String(prefix.reversed().drop { $0 == "/" }.reversed())
        }
        methods = Set(route.methods)
        headers = Set(
            route.headers.map {
                RouteSettings.Header(name: $0.name.lowercased(), value: $0.value)
            })
    }
}
