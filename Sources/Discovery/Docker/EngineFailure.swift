// EngineFailure: why an engine gives no answer, with what an operator can do about it; and what
// that means to a roster.

package import Backends
package import DockerAPI
internal import Events
internal import HTTPClient

/// Why an engine could not be asked. Any thread.
package enum EngineFailure: Error, Sendable, Hashable {
    /// No connection, or one that broke before an answer: how, and what to do.
    case unreachable(String)
    /// No answer in time.
    case timeout
    /// An answer of another status than 200, with the beginning of what it said.
    case status(Int, String)
    /// An answer that can't be read, and why.
    case malformed(String)
    /// The engine and we have no version of the API in common.
    case version(newest: APIVersion, oldest: APIVersion)

    /// The failure that `failure` of an exchange is.
    init(_ failure: HTTPClient.Failure) {
        switch failure {
        case .timeout: self = .timeout
        case .connect(let errno): self = .unreachable("\(failure)\(Self.advice(errno))")
        case .broken, .closedEarly: self = .unreachable("\(failure)")
        case .malformedHead, .malformedBody, .tooManyInterim, .bodyTooLarge, .unsendable:
            self = .malformed("\(failure)")
        }
    }

    private static func advice(_ errno: Errno) -> String {
        switch errno {
        case .noSuchFile, .connectionRefused: "; is the engine running, and its socket there?"
        case .permissionDenied: "; let the user of this process be in the socket's group"
        default: ""
        }
    }

    /// What it means to a roster, in words for an operator.
    package var discoveryFailure: DiscoveryFailure {
        switch self {
        case .unreachable: .explained(.unreachable, "\(self)")
        case .timeout: .explained(.timeout, "\(self)")
        case .status(401, _), .status(403, _): .explained(.refused, "\(self)")
        case .status(500..., _): .explained(.servfail, "\(self)")
        case .status: .explained(.otherCode, "\(self)")
        case .malformed, .version: .explained(.malformed, "\(self)")
        }
    }
}

extension EngineFailure: CustomStringConvertible {
    /// A clause for a log line.
    package var description: String {
        switch self {
        case .unreachable(let reason): "the engine could not be reached: \(reason)"
        case .timeout: "the engine did not answer in time"
        case .status(403, let text):
            "the engine refused (403)\(Self.said(text)); a proxy before its socket must allow GET "
                + "of /version, /events, /containers and /networks"
        case .status(let code, let text): "the engine answered \(code)\(Self.said(text))"
        case .malformed(let reason): "the engine sent an answer that is malformed: \(reason)"
        case .version(let newest, let oldest):
            "the engine speaks the versions \(oldest) to \(newest) of its API, expected one of "
                + "\(APIVersion.oldest) to \(APIVersion.newest)"
        }
    }

    private static func said(_ text: String) -> String { text.isEmpty ? "" : ": \(text)" }
}
