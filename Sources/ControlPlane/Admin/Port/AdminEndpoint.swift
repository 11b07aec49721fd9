// AdminEndpoint: what the admin port offers at one path, by one method. Routing, the answers 404
// and 405, access and the paths of the OpenAPI document follow from the list in
// AdminEndpoints.swift.

internal import HTTP1
internal import HTTPServer

/// One operation of the admin port. Any thread.
struct AdminEndpoint: Sendable {
    /// The access rule of the operation, with its methods.
    enum Access {
        /// GET and HEAD without a token: what load balancers ask for, and the page, which asks for
        /// the token and shows nothing by itself.
        case open
        /// GET and HEAD, with the token if there is one.
        case read
        /// POST, with the token if there is one, unless the port is read-only.
        case change
    }

    /// The answer to a call.
    enum Answer {
        case whole(HTTPServerResponse)
        /// A document that takes long to make.
        case pieces(AdminPieces)
        /// A stream that goes on.
        case events
    }

    let access: Access
    /// The path, with the names of its variables: `/services/{name}`.
    let pattern: String
    /// The operation's name for programs; unique.
    let id: String
    /// What the operation does, as a phrase.
    let about: String
    /// The variables of the path and of the query.
    var parameters: [AdminParameter] = []
    /// The answer when all is well, for the OpenAPI document.
    let content: AdminContent
    /// The answer with 503 where that is no error, for the OpenAPI document.
    var unready: AdminContent?
    /// The statuses of its problems beside those that follow from `access`.
    var problems: [Int] = []
    let handler: @Sendable (AdminHandler, AdminCall) throws(AdminProblem) -> Answer

    /// The methods by which it can be called, as in the field Allow.
    var methods: String { access == .change ? "POST" : "GET, HEAD" }

    func allows(_ method: Method) -> Bool {
        access == .change ? method == .post : method == .get || method == .head
    }

    /// The values of the path's variables, decoded, if `path`, as it was sent, matches the pattern.
    func match(_ path: String) -> [String]? {
        guard pattern.contains("{") else { return path == pattern ? [] : nil }
        let wanted = pattern.split(separator: "/")
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let names = parts.compactMap { percentDecoded($0) }
        guard names.count == parts.count, names.count == wanted.count,
            names.allSatisfy({ !$0.isEmpty })
        else { return nil }
        var values: [String] = []
        for (part, name) in zip(wanted, names) {
            if part.hasPrefix("{") {
                values.append(name)
            } else if part != name {
                return nil
            }
        }
        return values
    }

    /// The path as people read it: `/services/NAME`.
    var shownPath: String {
        var path = pattern
        for parameter in parameters {
            guard let range = path.firstRange(of: "{\(parameter.name)}") else { continue }
            path.replaceSubrange(range, with: parameter.placeholder)
        }
        let required = parameters.filter { !$0.isInPath && $0.isRequired }
        guard !required.isEmpty else { return path }
        let query = required.map { "\($0.name)=\($0.placeholder)" }
        return path + "?" + query.joined(separator: "&")
    }

    /// Whether the address for health and metrics alone has it.
    var isAboutHealth: Bool { pattern == "/metrics" || pattern.hasPrefix("/health/") }

    /// The call that `request` makes of one of `endpoints`, with the values of the path's
    /// variables.
    ///
    /// - Throws: when there is nothing at its path, or nothing by its method.
    static func find(
        _ request: HTTPServerRequest, among endpoints: [AdminEndpoint] = all
    ) throws(AdminProblem) -> AdminCall {
        let found = endpoints.compactMap { endpoint in
            endpoint.match(request.path).map {
                AdminCall(endpoint: endpoint, request: request, values: $0)
            }
        }
        guard let first = found.first?.endpoint else {
            throw AdminProblem(
                404, "There is nothing at this path.",
                expected: "one of " + endpoints.map(\.shownPath).joined(separator: ", "))
        }
        if let call = found.first(where: { $0.endpoint.allows(request.method) }) { return call }
        let methods = found.map(\.endpoint.methods).joined(separator: ", ")
        var problem = AdminProblem(
            405,
            first.access == .change ? "This changes something." : "Nothing can be changed here.",
            expected: methods.replacing(", ", with: " or "))
        problem.allow = methods
        throw problem
    }

    /// Whether the operation at `path` needs no token.
    static func isOpen(_ path: String) -> Bool {
        all.contains { $0.access == .open && $0.match(path) != nil }
    }
}

/// A request for an endpoint. Value type, any thread.
struct AdminCall {
    let endpoint: AdminEndpoint
    let request: HTTPServerRequest
    /// The values of the path's variables, in their order.
    let values: [String]

    /// The parameters of the query.
    ///
    /// - Throws: for a parameter that the endpoint does not have, that comes twice, or that is
    ///   malformed.
    func query() throws(AdminProblem) -> AdminQuery {
        try AdminQuery(
            request.query, known: endpoint.parameters.filter { !$0.isInPath }.map(\.name))
    }
}
