// AdminProblem: why a request was refused, as `{"error": …, "expected": …}`: what is wrong, and
// what to do instead, each as a sentence for the person who typed the request.

internal import HTTPServer

/// A refusal as JSON, as the admin port writes it and commands read it. Value type, any thread.
package struct ProblemDocument: Codable, Sendable {
    /// What is wrong.
    package let error: String
    /// What would have been right, or what to do.
    package let expected: String
    /// What has it done anyway, in the query; `yes` is the only value, nil for nothing.
    package let force: String?
}

/// A refusal. Value type, any thread.
struct AdminProblem: Error, Equatable {
    /// The status, 400 to 599.
    let status: Int
    /// What is wrong.
    let error: String
    /// What would have been right, or what to do.
    let expected: String
    /// Whether `force=yes` in the query has it done anyway.
    var isForcible = false
    /// The methods that the path allows, for 405.
    var allow: String?

    init(_ status: Int, _ error: String, expected: String) {
        self.status = status
        self.error = error
        self.expected = expected
    }

    var response: HTTPServerResponse {
        let document = ProblemDocument(
            error: error, expected: expected, force: isForcible ? "yes" : nil)
        var response = HTTPServerResponse(
            status: status, contentType: "application/json", body: encodeJSON(document) ?? [],
            fields: AdminHandler.securityFields)
        if let allow { response.fields.append(("Allow", allow)) }
        if status == 401 {
            response.fields.append(("WWW-Authenticate", "Bearer realm=\"fairlead\""))
        }
        if status == 503 { response.fields.append(("Retry-After", "5")) }
        return response
    }

    /// What the client sent, short enough to be shown in the answer.
    static func shown(_ text: String) -> String {
        text.utf8.count > 100 ? "\(text.prefix(100))…" : text
    }
}
