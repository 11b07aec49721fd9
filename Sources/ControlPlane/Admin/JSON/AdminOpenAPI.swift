// AdminOpenAPI: the admin port for programs, as OpenAPI 3.1. openapi.json has the schemas; paths
// are added here from the endpoints, and counters from their forms. The schemas list every key that
// there may be, so that a test which compares answers with them finds a key that was forgotten.

internal import JSON
internal import Stats

/// `/openapi.json`.
enum AdminOpenAPI {
    /// The document, in UTF-8; made on first use.
    static let json: [UInt8] = {
        guard var document = try? JSON.decode(JSONValue.self, from: PackageResources.openapi_json)
        else { preconditionFailure("openapi.json, which is compiled in, is no JSON") }
        for endpoint in AdminEndpoint.all { document.add(endpoint) }
        document.add(ListenerCounter.self, to: "Listener")
        document.add(ServiceCounter.self, to: "Service")
        document.add(BackendCounter.self, to: "Backend")
        guard let text = JSON.encode(document, layout: .indented) else {
            preconditionFailure("openapi.json has a number that JSON can't say")
        }
        return text + [0x0A]
    }()
}

extension JSONValue {
    /// Adds the endpoint's operation to the paths.
    fileprivate mutating func add(_ endpoint: AdminEndpoint) {
        var operation: JSONValue = [
            "summary": .text(endpoint.about), "operationId": .text(endpoint.id),
            "responses": ["200": endpoint.content.document],
        ]
        let usual =
            switch endpoint.access {
            case .open: [403]
            case .read: [401, 403]
            case .change: [400, 401, 403]
            }
        for status in usual + endpoint.problems {
            operation[["responses", "\(status)"]] = ["$ref": "#/components/responses/Problem"]
        }
        if let unready = endpoint.unready { operation[["responses", "503"]] = unready.document }
        if !endpoint.parameters.isEmpty {
            operation["parameters"] = .list(endpoint.parameters.map(\.document))
        }
        let method = endpoint.access == .change ? "post" : "get"
        self[["paths", endpoint.pattern, method]] = operation
    }

    /// Gives the schema of that name the keys of all counters that are shown.
    fileprivate mutating func add(_ names: (some ShownCounter).Type, to schema: String) {
        var properties: [String: JSONValue] = [:]
        for form in names.allCases.compactMap(\.form) {
            if let group = form.group {
                properties[group] = [
                    "type": "object",
                    "additionalProperties": ["type": "integer", "minimum": 0],
                    "description": .text(form.help),
                ]
            } else {
                properties[form.key] = ["type": "integer", "description": .text(form.help)]
                if form.kind == .counter { properties[form.key]?["minimum"] = 0 }
            }
        }
        let path = ["components", "schemas", schema]
        self[path + ["required"]].append(properties.keys.sorted().map(JSONValue.text))
        for (key, property) in properties { self[path + ["properties", key]] = property }
    }
}
