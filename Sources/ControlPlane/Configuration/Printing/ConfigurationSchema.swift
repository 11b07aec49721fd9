// A JSON Schema of the file for editors, made from the tables that read it, so that it cannot be
// out of date. It says what keys there are, what they mean and what their values look like; whether
// names meet and values fit each other, only `fairlead check` can tell.

internal import Endpoints
internal import JSON

/// The schema of the configuration file.
package enum ConfigurationSchema {
    /// JSON Schema, draft 2020-12, with a line end at its end. Scalars are those of YAML 1.2: `on`
    /// and `off` are words.
    package static var json: String {
        let root = Draft(processorCount: 1)
        var schema: [(String, JSONValue)] = [
            ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
            ("title", .text("Fairlead's configuration file")),
        ]
        schema += mapping(
            OptionTable.file, root,
            extra: OptionTable.fileAliases.sorted { $0.key < $1.key }.compactMap { alias in
                OptionTable.file.first { $0.key == alias.value }
                    .map { (alias.key, .object(describe($0, root))) }
            } + [
                (
                    "services",
                    .object([
                        ("description", .text(OptionSection.services.sentence)),
                        ("type", .texts(["object", "null"])),
                        ("additionalProperties", .bool(false)),
                        (
                            "patternProperties",
                            .object([("^[A-Za-z0-9._-]{1,63}$", reference("service"))])
                        ),
                    ])
                ),
                (
                    "listeners",
                    .object([
                        ("description", .text(OptionSection.listeners.sentence)),
                        ("type", .texts(["array", "null"])),
                        ("items", reference("listener")),
                        ("maxItems", .number(ConfigurationLimits.listenersMax)),
                    ])
                ),
            ])
        schema.append(("$defs", .object(parts)))
        return JSONValue.object(schema).written() + "\n"
    }

    private static var parts: [(String, JSONValue)] {
        let none = Origin.nowhere
        let backends: (String, JSONValue) = (
            "backends",
            .object([
                ("description", .text(OptionSection.backends.sentence)),
                ("type", .text("array")),
                ("items", reference("backend")), ("minItems", .number(1)),
            ])
        )
        let routes: (String, JSONValue) = (
            "routes",
            .object([
                ("description", .text(OptionSection.routes.sentence)),
                ("type", .text("array")), ("items", reference("route")), ("minItems", .number(1)),
                ("maxItems", .number(ConfigurationLimits.routesMax)),
            ])
        )
        let service = Entry(value: Service(), origin: none)
        let listener = Entry(value: Listener(), origin: none)
        return [
            (
                "service",
                .object(
                    mapping(
                        OptionTable.serviceEntry, service,
                        extra: [backends]
                            + OptionTable.serviceAliases.map { name, group in
                                (
                                    name,
                                    .object(nested(OptionTable.serviceEntry, service, group))
                                )
                            }) + [
                            ("anyOf", oneOf(Loading.sourceKeys))
                        ])
            ),
            (
                "listener",
                .object(
                    mapping(OptionTable.listenerEntry, listener, extra: [backends, routes]) + [
                        ("required", .texts(["listen"]))
                    ])
            ),
            ("route", route), ("backend", backend), ("fields", lines("Fields: names to values.")),
            (
                "edits",
                .object(
                    mapping(
                        OptionTable.headerEdits, RouteSettings.HeaderEdits(),
                        extra: [("set", reference("fields")), ("add", reference("fields"))]))
            ),
        ]
    }

    private static var route: JSONValue {
        .object(
            mapping(
                OptionTable.route, RouteSettings(),
                extra: [
                    ("headers", lines(OptionSection.headers.sentence)),
                    ("request-headers", reference("edits")),
                    ("response-headers", reference("edits")),
                    (
                        "split",
                        .object([
                            ("description", .text(OptionSection.split.sentence)),
                            ("type", .text("object")), ("minProperties", .number(2)),
                            (
                                "additionalProperties",
                                .object([
                                    ("type", .text("string")), ("pattern", .text("^[0-9]+%$")),
                                ])
                            ),
                        ])
                    ),
                ]) + [("oneOf", oneOf(["service", "split", "redirect", "respond"]))])
    }

    private static var backend: JSONValue {
        // Any address will do: what is shown are the defaults of the rest.
        guard let address = HostAndPort("127.0.0.1:80") else { return .object([]) }
        let members = mapping(
            OptionTable.backend, Service.StaticBackend(address),
            extra: [
                (
                    "address",
                    .object([
                        ("description", .text("HOST:PORT.")), ("type", .text("string")),
                    ])
                )
            ])
        return .object([
            (
                "anyOf",
                .list([
                    .object([("type", .text("string"))]),
                    .object(members + [("required", .texts(["address"]))]),
                ])
            )
        ])
    }

    // MARK: - Parts of it

    private static func reference(_ name: String) -> JSONValue {
        .object([("$ref", .text("#/$defs/\(name)"))])
    }

    private static func oneOf(_ keys: [String]) -> JSONValue {
        .list(keys.map { .object([("required", .texts([$0]))]) })
    }

    private static func lines(_ description: String) -> JSONValue {
        .object([
            ("description", .text(description)), ("type", .text("object")),
            ("additionalProperties", .object(scalar)),
        ])
    }

    /// Any single value: what looks like a number is text here.
    private static let scalar: [(String, JSONValue)] = [
        ("type", .texts(["string", "number", "boolean"]))
    ]

    /// A mapping with the options of a table, and `extra` keys.
    private static func mapping<Root>(
        _ options: [Option<Root>], _ root: Root, extra: [(String, JSONValue)] = []
    ) -> [(String, JSONValue)] {
        mapping(options, root, below: "", extra)
    }

    private static func mapping<Root>(
        _ options: [Option<Root>], _ root: Root, below group: String,
        _ extra: [(String, JSONValue)] = []
    ) -> [(String, JSONValue)] {
        var properties: [(String, JSONValue)] = []
        for option in options where option.key.hasPrefix(group) {
            let rest = option.key.dropFirst(group.count)
            let key = String(rest.prefix { $0 != "." })
            guard !properties.contains(where: { $0.0 == key }) else { continue }
            let inner =
                key == rest ? describe(option, root) : nested(options, root, "\(group)\(key)")
            properties.append((key, .object(inner)))
        }
        return [
            ("type", .texts(["object", "null"])), ("additionalProperties", .bool(false)),
            ("properties", .object(properties + extra)),
        ]
    }

    /// The mapping `group`, or what may stand in its place.
    private static func nested<Root>(
        _ options: [Option<Root>], _ root: Root, _ group: String
    ) -> [(String, JSONValue)] {
        let whole = mapping(options, root, below: "\(group).")
        guard let short = options.shortForm(of: group) else { return whole }
        var value = short.shape
        if case .list(let element, _, _) = value { value = element }
        return [
            ("description", .text(short.sentence)),
            ("anyOf", .list([.object(whole), .object(shape(value))])),
        ]
    }

    private static func describe<Root>(
        _ option: Option<Root>, _ root: Root
    ) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [("description", .text(option.sentence))]
        let standard = option.text(root)
        if !standard.isEmpty, !option.isSecret {
            members.append(("default", Int(standard).map(JSONValue.number) ?? .text(standard)))
        }
        guard option.takesMapping else { return members + shape(option.shape) }
        if option.joinsMapping, case .list(let element, _, let countMax) = option.shape {
            let item = JSONValue.object([
                ("anyOf", .list([.object(shape(element)), reference("fields")]))
            ])
            let list: [(String, JSONValue)] = [
                ("type", .text("array")), ("items", item), ("maxItems", .number(countMax)),
            ]
            return members + [("anyOf", .list([item, .object(list)]))]
        }
        return members + [
            (
                "anyOf",
                .list([
                    .object(shape(option.shape)), reference("fields"),
                    .object([("type", .text("array")), ("items", reference("fields"))]),
                ])
            )
        ]
    }

    private static func shape(_ shape: ValueShape) -> [(String, JSONValue)] {
        switch shape {
        case .text: return scalar
        case .integer(let range):
            return [
                ("type", .text("integer")), ("minimum", .number(range.lowerBound)),
                ("maximum", .number(range.upperBound)),
            ]
        case .words(let words): return [("enum", .texts(words))]
        case .pattern(let pattern):
            return [("type", .text("string")), ("pattern", .text(pattern))]
        case .list(let element, let countMin, let countMax):
            let inner = Self.shape(element)
            let list: [(String, JSONValue)] = [
                ("type", .text("array")), ("items", .object(inner)),
                ("minItems", .number(countMin)), ("maxItems", .number(countMax)),
            ]
            return [("anyOf", .list([.object(list), .object(inner)]))]
        case .either(let shapes):
            return [("anyOf", .list(shapes.map { .object(Self.shape($0)) }))]
        }
    }
}
