// AdminOpenAPI: the admin port for programs, as OpenAPI 3.1. The file beside this one has all but
// the counters, which are added here by their forms. Its schemas list every key that there may be,
// so that a test which compares answers with them notices what was forgotten there.

internal import JSON
internal import Stats

/// `/openapi.json`.
enum AdminOpenAPI {
    /// The document, in UTF-8. It is made when it is first asked for.
    static let json: [UInt8] = {
        guard var document = try? JSON.decode(JSONTree.self, from: PackageResources.openapi_json)
        else { preconditionFailure("openapi.json, which is compiled in, is no JSON") }
        document.add(ListenerCounter.self, to: "Listener")
        document.add(ServiceCounter.self, to: "Service")
        document.add(BackendCounter.self, to: "Backend")
        guard let text = JSON.encode(document, layout: .indented) else {
            preconditionFailure("openapi.json has a number that JSON can't say")
        }
        return text + [0x0A]
    }()
}

extension JSONTree {
    /// Gives the schema of that name the keys of all counters that are shown.
    fileprivate mutating func add(_ names: (some ShownCounter).Type, to schema: String) {
        var properties: [String: JSONTree] = [:]
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
        self[path + ["required"]].append(properties.keys.sorted().map(JSONTree.text))
        for (key, property) in properties { self[path + ["properties", key]] = property }
    }
}
