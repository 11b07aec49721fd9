// What a Consul agent refuses before it looks at what it holds: methods, parameters and tokens,
// with the status and the words of Consul 1.12 and later.

internal import HTTP1

extension ConsulWorld {
    /// What a token may do.
    package struct Grants: Sendable, Equatable {
        /// Beginnings of the names of services that it may register and report on.
        package var writes: [String]
        /// Beginnings of the names of services that it sees; those that it may write it sees too.
        package var reads: [String]

        /// Beginnings of keys that it may write, and of those that it sees; those that it may write
        /// it sees too.
        package var keyWrites: [String] = []
        package var keyReads = [""]
        /// Whether it may make sessions on the agent's node.
        package var makesSessions = false

        /// A token with these policies for services, which sees all keys.
        package init(writes: [String] = [], reads: [String] = [""]) {
            self.writes = writes
            self.reads = reads
        }

        func writes(_ service: String) -> Bool { writes.contains(where: service.hasPrefix) }
        func reads(_ service: String) -> Bool {
            writes(service) || reads.contains(where: service.hasPrefix)
        }
    }

    /// Paths that change something: these take PUT alone, and all others GET.
    private static let changing = [
        "/v1/agent/service/register", "/v1/agent/service/deregister/", "/v1/agent/check/update/",
        "/v1/session/create", "/v1/session/renew/", "/v1/session/destroy/", "/v1/txn",
    ]

    /// Why a request is refused; nil when it is not.
    func refusal(of request: ConsulStandInRequest) -> ConsulStandInAnswer? {
        let isChange = Self.changing.contains(where: request.path.hasPrefix)
        let isKey = request.path.hasPrefix("/v1/kv/") && request.method != .head
        guard isKey || request.method == (isChange ? .put : .get) else {
            return text(405, "method \(request.method) not allowed")
        }
        if let index = request.value("index"), UInt64(index) == nil {
            return text(400, "Invalid index")
        }
        if let wait = request.value("wait"), Self.duration(wait) == nil {
            return text(400, "Invalid wait time")
        }
        if request.value("stale") != nil, request.value("consistent") != nil {
            return text(
                400, "Cannot specify ?stale with ?consistent, conflicting semantics.")
        }
        if let passing = request.value("passing"),
            !["", "1", "true", "0", "false"].contains(passing)
        {
            return text(400, "Invalid value for ?passing")
        }
        if request.value("filter") != nil {
            // The language of filters is Consul's own; to leave one out would be to lie.
            return text(400, "Failed to create boolean expression evaluator: not in a stand-in")
        }
        if tokens != nil, let token = request.token, !token.isEmpty, grants(of: token) == nil {
            return text(403, "ACL not found")
        }
        return nil
    }

    /// What a request may do; nil when all may do all, or for a token that is not known.
    func grants(of token: String?) -> Grants? {
        tokens?[token ?? ""]
    }

    /// Why a request may not change `service`; nil when it may.
    func refusalToWrite(
        _ service: String, _ request: ConsulStandInRequest
    ) -> ConsulStandInAnswer? {
        guard tokens != nil, grants(of: request.token)?.writes(service) != true else { return nil }
        return denial("service:write", service, request)
    }

    /// The answer to a request whose token lacks `permission` on `name`.
    func denial(
        _ permission: String, _ name: String, _ request: ConsulStandInRequest
    ) -> ConsulStandInAnswer {
        let lack = "lacks permission '\(permission)' on \"\(name)\""
        guard let token = request.token, !token.isEmpty else {
            return text(
                403,
                "Permission denied: anonymous token \(lack). The anonymous token is used "
                    + "implicitly when a request does not specify a token.")
        }
        return text(
            403, "Permission denied: token with AccessorID '\(Self.accessor)' \(lack)")
    }

    private static let accessor = "a1b2c3d4-0000-4000-8000-000000000000"

    /// Whether a request sees `service`.
    func maySee(_ service: String, _ request: ConsulStandInRequest) -> Bool {
        tokens == nil || grants(of: request.token)?.reads(service) == true
    }
}
