// AdminParameter and AdminContent: the input and the output of an endpoint, as in the OpenAPI
// document.

internal import JSON

/// A variable of a path or of a query. Value type, any thread.
struct AdminParameter: Sendable {
    let name: String
    /// A placeholder for its value, for people.
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

    /// A parameter of several endpoints, which openapi.json describes as `title`.
    private static func shared(
        _ title: String, named name: String, _ placeholder: String, isInPath: Bool
    ) -> AdminParameter {
        AdminParameter(
            name: name, placeholder: placeholder, isInPath: isInPath, isRequired: isInPath,
            document: ["$ref": .text("#/components/parameters/\(title)")])
    }

    /// A parameter of the query.
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

/// The answer of an endpoint, as in the OpenAPI document. Value type, any thread.
struct AdminContent: Sendable {
    /// What the answer is, as a phrase.
    let about: String
    /// The schema of each media type.
    let schemas: [String: JSONValue]

    /// An answer in JSON, with the schema of that name.
    static func json(_ schema: String, _ about: String = "as the name says") -> AdminContent {
        AdminContent(
            about: about,
            schemas: [
                "application/json": ["$ref": .text("#/components/schemas/\(schema)")]
            ])
    }

    /// An answer in text of that media type, which is not empty.
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
