// ConsulFailure: why there is no answer, in words that an operator can act upon; and what that
// means to a roster, for which each way of failing has a hold of its own.

package import Backends
internal import HTTPClient
package import TLS

/// Why a question to Consul came to nothing. Any thread.
package enum ConsulFailure: Error, Sendable, Hashable {
    /// No agent could be talked to, and why.
    case unreachable(String)
    /// There is no secure connection to the agent, and why.
    case tls(TLSFault)
    /// No answer came in time.
    case timeout(String)
    /// An answer of another status than 2xx, with the beginning of what it said.
    case status(Int, String)
    /// An answer that can't be read, and why.
    case malformed(String)
    /// An empty answer; Consul says that the token may not see everything.
    case hidden
    /// An empty answer of a server that knows no leader.
    case leaderless
    /// One of these, with the address of the agent and what to do about it, which may be empty.
    indirect case at(String, ConsulFailure, advice: String)

    /// What `failure` of an exchange means for a question.
    init(_ failure: HTTPClient.Failure) {
        switch failure {
        case .timeout: self = .timeout("\(failure)")
        case .tls(let fault): self = .tls(fault)
        case .connect, .broken, .closedEarly(.connecting), .closedEarly(.waiting):
            self = .unreachable("\(failure)")
        case .closedEarly(.receiving), .malformedHead, .malformedBody, .tooManyInterim,
            .bodyTooLarge, .http2, .unsendable:
            self = .malformed("\(failure)")
        }
    }

    /// The failure without its agent.
    package var reason: ConsulFailure {
        if case .at(_, let reason, _) = self { reason.reason } else { self }
    }

    /// What it means to a roster, in words for an operator.
    package var discoveryFailure: DiscoveryFailure { .explained(holdKind, "\(self)") }

    private var holdKind: HoldKind {
        switch self {
        case .unreachable, .tls: .unreachable
        case .timeout: .timeout
        case .status(401, _), .status(403, _), .hidden: .refused
        case .status(404, _): .nxdomain
        case .status(500..., _), .leaderless: .servfail
        case .status: .otherCode
        case .malformed: .malformed
        case .at(_, let reason, _): reason.holdKind
        }
    }

    /// The name under which it is counted.
    package var kind: ConsulFailureKind {
        switch self {
        case .unreachable: .unreachable
        case .tls: .tls
        case .timeout: .timeout
        case .status(401, _), .status(403, _), .hidden: .refused
        case .status(429, _): .tooMany
        case .status(500..., _), .leaderless: .serverError
        case .status: .otherStatus
        case .malformed: .malformed
        case .at(_, let reason, _): reason.kind
        }
    }
}

/// How failures are counted; the raw value is the name on the admin port. Any thread.
package enum ConsulFailureKind: String, Sendable, Hashable, CaseIterable {
    case unreachable
    /// No secure connection: a certificate that does not verify, most often.
    case tls
    case timeout
    /// 401, 403, or an empty answer that ACLs filtered.
    case refused
    /// 429: the agent limits us.
    case tooMany = "too_many"
    /// 5xx, such as "No cluster leader".
    case serverError = "server_error"
    case otherStatus = "other_status"
    case malformed
}

extension ConsulFailure: CustomStringConvertible {
    /// A phrase for a log line: `agent 127.0.0.1:8500 answered 403: Permission denied; …`.
    package var description: String {
        switch self {
        case .at(let agent, let reason, ""): reason.sentence(of: "agent \(agent)")
        case .at(let agent, let reason, let advice):
            "\(reason.sentence(of: "agent \(agent)")); \(advice)"
        case .unreachable, .tls, .timeout, .status, .malformed, .hidden, .leaderless:
            sentence(of: "Consul")
        }
    }

    private func sentence(of agent: String) -> String {
        switch self {
        case .unreachable(let reason): "\(agent) could not be reached: \(reason)"
        case .tls(let fault):
            "\(agent) could not be reached: \(HTTPClient.Failure.tls(fault))"
        case .timeout(let reason): "\(agent) did not answer in time: \(reason)"
        case .status(let code, ""): "\(agent) answered \(code)"
        case .status(let code, let text): "\(agent) answered \(code): \(text)"
        case .malformed(let reason): "\(agent) sent an answer that is malformed: \(reason)"
        case .hidden: "\(agent) says that the token may not see what was asked for"
        case .leaderless: "\(agent) says that nothing is there, and that it knows no leader"
        case .at(_, let reason, _): reason.sentence(of: agent)
        }
    }
}
