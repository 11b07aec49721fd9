// AdminParameter and AdminContent: what goes into an endpoint and what comes out of it, as the
// OpenAPI document has it.

internal import JSON

/// A variable of a path or of a query. Value type, any thread.
struct AdminParameter: Sendable {
    let name: String
    /// What stands for its value where people read it.
    let placeholder: String
    let isInPath: Bool
    let isRequired: Bool
    /// The parameter in the OpenAPI document.
    let document: JSONValue

    /// The key of a backend, in the path.
    static let key = shared("key", named: "key", "SERVICE@ADDRESS:PORT", isInPath: true)
    /// The name of a service, in the path.
    static let service = shared("service", named: "name", "NAME", isInPath: true)
    /// `yes` for a change that leaves a service without a backend.
    static let force = shared("force", named: "force", "yes", isInPath: false)

    /// One that several endpoints have, which stands in openapi.json as `title`.
    private static func shared(
        _ title: String, named name: String, _ placeholder: String, isInPath: Bool
    ) -> AdminParameter {
        AdminParameter(
            name: name, placeholder: placeholder, isInPath: isInPath, isRequired: isInPath,
            document: ["$ref": .text("#/components/parameters/\(title)")])
    }

    /// One of the query.
    static func query(
        _ name: String, _ placeholder: String, isRequired: Bool, _ about: String,
        schema: JSONValue
    ) -> AdminParameter {
        AdminParameter(
            name: name, placeholder: placeholder, isInPath: false, isRequired: isRequired,
            document: [
                "name": .text(name), "in": "query", "required": .bool(isRequired),
                "description": .text(about), "schema": schema,
            ])
    }
}

/// What an endpoint answers, as the OpenAPI document has it. Value type, any thread.
struct AdminContent: Sendable {
    /// A phrase.
    let about: String
    /// The schema of each media type.
    let schemas: [String: JSONValue]

    /// JSON with the schema of that name.
    static func json(_ schema: String, _ about: String = "as the name says") -> AdminContent {
        AdminContent(
            about: about,
            schemas: [
                "application/json": ["$ref": .text("#/components/schemas/\(schema)")]
            ])
    }

    /// Text of that media type, which is not empty.
    static func text(
        _ about: String, type: String = "text/plain; charset=utf-8"
    ) -> AdminContent {
        AdminContent(about: about, schemas: [type: ["type": "string", "minLength": 1]])
    }

    /// The response in the OpenAPI document.
    var document: JSONValue {
        [
            "description": .text(about),
            "content": .object(schemas.map { ($0, ["schema": $1]) }),
        ]
    }
}
