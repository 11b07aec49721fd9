// AdminEndpoints: all operations of the admin port. A new endpoint is an entry here and its
// handler.

internal import JSON

extension AdminEndpoint {
    /// All endpoints, in the order in which people see them.
    static let all: [AdminEndpoint] = views + changes

    /// What the address for health and metrics alone has.
    static let aboutHealth = views.filter(\.isAboutHealth)

    private static let views = [
        AdminEndpoint(
            access: .open, pattern: "/", id: "page", about: "the page",
            content: .text("the page", type: "text/html; charset=utf-8")
        ) { handler, _ in handler.page() },
        AdminEndpoint(
            access: .read, pattern: "/stats", id: "stats", about: "everything",
            content: .json("Stats")
        ) { handler, _ in handler.stats() },
        AdminEndpoint(
            access: .read, pattern: "/services", id: "services", about: "each service",
            content: .json("Services")
        ) { handler, _ in handler.services() },
        AdminEndpoint(
            access: .read, pattern: "/services/{name}", id: "service", about: "one service",
            parameters: [.service], content: .json("Service"), problems: [404]
        ) { handler, call throws(AdminProblem) in try handler.service(call) },
        AdminEndpoint(
            access: .read, pattern: "/services/{name}/deploy", id: "deployed",
            about: "the deploy that is under way, or was last", parameters: [.service],
            content: .json("Deploy", "how far it is"), problems: [404]
        ) { handler, call throws(AdminProblem) in try handler.deployed(call) },
        AdminEndpoint(
            access: .read, pattern: "/backends", id: "backends", about: "each backend",
            content: .json("Backends")
        ) { handler, _ in handler.backends() },
        AdminEndpoint(
            access: .read, pattern: "/backends/{key}", id: "backend",
            about: "one backend with its journal", parameters: [.key],
            content: .json("OneBackend"), problems: [404]
        ) { handler, call throws(AdminProblem) in try handler.backend(call) },
        AdminEndpoint(
            access: .read, pattern: "/discovery", id: "discovery",
            about: "the last answer of each source", content: .json("Discovery")
        ) { handler, _ in handler.discovery() },
        AdminEndpoint(
            access: .read, pattern: "/events", id: "events",
            about: "the journal from an entry on; with Accept: text/event-stream as a stream",
            parameters: [
                .query(
                    "after", "NUMBER", isRequired: false,
                    "entries with a greater number; without it, or after a restart, all entries",
                    schema: ["type": "integer", "minimum": 0, "maximum": .number(.max)]),
                .query(
                    "wait", "SECONDS", isRequired: false,
                    "how many seconds to wait for an entry, if there is none",
                    schema: ["type": "integer", "minimum": 0, "maximum": 60]),
                .query(
                    "figures", "on", isRequired: false,
                    "whether a stream has the figures of each second",
                    schema: ["enum": .list(["on", "off"])]),
            ],
            content: AdminContent(
                about: "entries",
                schemas: [
                    "application/json": ["$ref": "#/components/schemas/Events"],
                    "text/event-stream": ["type": "string"],
                ]), problems: [400, 503]
        ) { _, _ in .events },
        AdminEndpoint(
            access: .read, pattern: "/config", id: "configuration",
            about: "the configuration in force, with the origin of each value",
            content: AdminContent(
                about: "the configuration", schemas: ["application/yaml": ["type": "object"]])
        ) { handler, _ in handler.configuration() },
        AdminEndpoint(
            access: .read, pattern: "/metrics", id: "metrics", about: "for Prometheus",
            content: .text("the metrics", type: "text/plain; version=0.0.4; charset=utf-8")
        ) { handler, call in handler.metrics(call) },
        AdminEndpoint(
            access: .open, pattern: "/health/live", id: "live", about: "whether it runs",
            content: .text("it does")
        ) { handler, _ in handler.live() },
        AdminEndpoint(
            access: .open, pattern: "/health/ready", id: "ready",
            about: "whether load balancers should send requests here",
            parameters: [
                .query(
                    "when", "any", isRequired: false,
                    "whether one service that is served is enough, or all have to be",
                    schema: ["enum": .list(["any", "every"]), "default": "any"])
            ],
            content: .text("ready"), unready: .text("not ready, and why"), problems: [400]
        ) { handler, call throws(AdminProblem) in try handler.ready(call) },
        AdminEndpoint(
            access: .read, pattern: "/openapi.json", id: "openAPI", about: "this document",
            content: AdminContent(
                about: "this document", schemas: ["application/json": ["type": "object"]])
        ) { handler, _ in handler.openAPI() },
    ]

    private static let changes = [
        change(
            "drain", "no new requests; those in flight finish within the drain limit", [.force]
        ) { _ in .drain },
        change("disable", "no new requests, and those in flight are ended", [.force]) { _ in
            .disable
        },
        change("enable", "ends drain and disable") { _ in .enable },
        change(
            "weight", "a weight in place of the one from discovery",
            [
                .query(
                    "weight", "N", isRequired: true, "0 to 65535, or auto",
                    schema: ["type": "string", "pattern": "^(auto|[1-9][0-9]{0,3}|0)$"])
            ]
        ) { query throws(AdminProblem) in .weight(try AdminHandler.weight(query)) },
        change("check", "a check as soon as possible") { _ in .check },
        change("eject", "ejection, as if requests had failed") { _ in .eject },
        AdminEndpoint(
            access: .change, pattern: "/services/{name}/deploy", id: "deploy",
            about: "other instances in the place of a configured list; GET says how far it is",
            parameters: [.service] + deployQuery, content: .json("Deploy", "begun"),
            problems: [404, 409]
        ) { handler, call throws(AdminProblem) in try handler.deploy(call) },
        AdminEndpoint(
            access: .change, pattern: "/services/{name}/deploy/undo", id: "undoDeploy",
            about: "calls off a deploy, or deploys what there was before the last one",
            parameters: [.service], content: .json("Deploy", "as it is now"), problems: [404, 409]
        ) { handler, call throws(AdminProblem) in try handler.undoDeploy(call) },
        AdminEndpoint(
            access: .change, pattern: "/log-level", id: "logLevel",
            about: "the least severe message that is logged",
            parameters: [
                .query(
                    "level", "LEVEL", isRequired: true, "the level",
                    schema: ["enum": .list(AdminHandler.logLevels.map(JSONValue.text))])
            ],
            content: .json("Done", "done")
        ) { handler, call throws(AdminProblem) in try handler.setLogLevel(call) },
        AdminEndpoint(
            access: .change, pattern: "/reload", id: "reload",
            about: "reads the configuration again", content: .json("Done", "done"),
            problems: [422, 501]
        ) { handler, call throws(AdminProblem) in try handler.reload(call) },
    ]

    private static let deployQuery: [AdminParameter] = [
        .query(
            "to", "ADDRESS:PORT,…", isRequired: true, "the instances that it is to have",
            schema: ["type": "string", "minLength": 1, "examples": .list(["127.0.0.1:9"])]),
        .query(
            "timeout", "SECONDS", isRequired: false,
            "how many seconds new ones have to come up, 30 unless told",
            schema: ["type": "integer", "minimum": 1, "maximum": 3600]),
        .query(
            "watch", "SECONDS", isRequired: false,
            "how many seconds the old ones stand by while the new ones serve, 10 unless told",
            schema: ["type": "integer", "minimum": 0, "maximum": 3600]),
        .query(
            "drain", "SECONDS", isRequired: false,
            "how many seconds what is in flight on the old ones may take, in place of the "
                + "service's drain-limit",
            schema: ["type": "integer", "minimum": 0, "maximum": 86400]),
        .query(
            "trial", "yes", isRequired: false, "whether to say what would happen, and do nothing",
            schema: ["enum": .list(["yes"])]),
    ]

    /// The endpoint of a change of a backend, which `read` makes from the query.
    private static func change(
        _ verb: String, _ about: String, _ query: [AdminParameter] = [],
        read: @escaping @Sendable (AdminQuery) throws(AdminProblem) -> AdminChange
    ) -> AdminEndpoint {
        AdminEndpoint(
            access: .change, pattern: "/backends/{key}/\(verb)", id: verb, about: about,
            parameters: [.key] + query, content: .json("Done", "done"), problems: [404, 409]
        ) { handler, call throws(AdminProblem) in try handler.change(call, verb, read) }
    }
}
