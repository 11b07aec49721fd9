// ConsulAdvice: what an operator can do about a failure of an agent. Pure.
//
// | what an agent does                    | what is most often behind it                              |
// |---------------------------------------|-----------------------------------------------------------|
// | 403, 401                              | no token, another cluster's, or one without the policy     |
// | an empty answer that ACLs filtered    | a token without the policy                                |
// | 400 that speaks of HTTPS              | its port for TLS                                          |
// | no secure connection                  | its certificate, its authority, its name, its plain port  |
// | 404                                   | a prepared query that is not there; not Consul at all      |
// | 429                                   | connections that others of this machine have as well       |
// | 500, no leader                        | servers that are away, or have just started               |
// | 500, no path to a datacentre          | a mistyped `dc`                                           |
// | no HTTP, no JSON                      | another port of Consul's, or not Consul at all             |

internal import TLS

/// What to do about failures, as parts of sentences.
enum ConsulAdvice {
    private static let ports = "its HTTP port is 8500 unless it is told otherwise"
    private static let tokens =
        "consul.token-file, FAIRLEAD_CONSUL_TOKEN or CONSUL_HTTP_TOKEN"

    private static let certificates =
        "consul.tls.certificate, or CONSUL_CLIENT_CERT and CONSUL_CLIENT_KEY"
    private static let remedies = TLSRemedies(
        authorities: "consul.tls.ca-file or CONSUL_CACERT",
        name: "consul.tls.name or CONSUL_TLS_SERVER_NAME", certificate: certificates,
        plain: "name its port for HTTPS, 8501 unless it is told otherwise, or write http:// before "
            + "its address in consul.agents")

    /// What to do about `failure` of an agent that was asked for `target`, its path and query.
    /// `policy` is the permission that it takes; nil where the target says it. Empty where there is
    /// nothing to say.
    static func text(
        for failure: ConsulFailure, _ target: String, policy: String? = nil,
        _ options: ConsulOptions
    ) -> String {
        switch failure.reason {
        case .status(401, _), .status(403, _), .hidden:
            token(policy ?? self.policy(for: target), options.token != nil)
        case .status(let code, let text): status(code, text, target)
        case .tls(let fault):
            remedies.text(for: fault, showsCertificate: options.tls?.certificate != nil)
        case .unreachable: "is the agent running there? See consul.agents; \(ports)"
        case .timeout: "is that its address? See consul.agents"
        case .malformed: "is that Consul? See consul.agents; \(ports)"
        case .leaderless: "its servers may have just started, or be cut off from the others"
        case .at: ""
        }
    }

    private static func token(_ needed: String, _ hasToken: Bool) -> String {
        hasToken
            ? "its token needs \(needed); check the policies of the token that \(tokens) gives"
            : "it was asked without a token; give one that has \(needed), by \(tokens)"
    }

    private static func status(_ code: Int, _ text: String, _ target: String) -> String {
        switch code {
        case 400 where text.contains("HTTPS"):
            return "that is its port for TLS: write https:// before its address in consul.agents"
        case 400 where text.contains("SSL certificate"):
            return "name the certificate that it wants to see with \(certificates)"
        case 404:
            guard let query = name(in: target, behind: "/v1/query/") else {
                return "is that Consul? See consul.agents; \(ports)"
            }
            return
                "there is no prepared query \"\(query)\": create it, or ask for a service of that "
                + "name without query="
        case 429:
            return "it limits the connections of a client: lower consul.connections, or raise its "
                + "limits.http_max_conns_per_client"
        case 500... where text.contains("No path to datacenter"):
            return "it knows no such datacentre: check dc= of the query"
        case 500... where text.contains("eader"):
            return "its servers elect a leader, or too few of them are there"
        case 301, 302, 307, 308: return "is that Consul? See consul.agents; \(ports)"
        default: return ""
        }
    }

    /// The permission that a token needs for `target`, in the words of Consul's policies.
    static func policy(for target: String) -> String {
        if let service = name(in: target, behind: "/v1/health/service/") {
            return "service:read for \"\(service)\" and node:read"
        }
        if let query = name(in: target, behind: "/v1/query/") {
            return "query:read for \"\(query)\", and service:read and node:read for what it finds"
        }
        if target.hasPrefix("/v1/kv/") {
            let key = target.dropFirst("/v1/kv/".count).prefix { $0 != "?" }
            let isPrefix = target.contains("?recurse")
            return "key:read for the \(isPrefix ? "prefix" : "key") \"\(key)\""
        }
        if target.hasPrefix("/v1/catalog/services") { return "service:read and node:read" }
        if target.hasPrefix("/v1/agent/self") { return "agent:read" }
        if target.hasPrefix("/v1/agent/services") || target.hasPrefix("/v1/agent/checks") {
            return "service:read for what is registered with the agent"
        }
        return "service:write for the names that are registered"
    }

    private static func name(in target: String, behind path: String) -> Substring? {
        guard target.hasPrefix(path) else { return nil }
        return target.dropFirst(path.count).prefix { $0 != "?" && $0 != "/" }
    }
}
