// EngineFailure: why an engine gives no answer, with what an operator can do about it; and what
// that means to a roster.

package import Backends
package import DockerAPI
internal import Endpoints
internal import Events
internal import HTTPClient
internal import TLS

/// Why an engine could not be asked. Any thread.
package enum EngineFailure: Error, Sendable, Hashable {
    /// No connection, or one that broke before an answer: how, and what to do.
    case unreachable(String)
    /// Its name has no address, and why: a clause.
    case noAddress(String)
    /// No answer in time.
    case timeout
    /// An answer of another status than 200, with the beginning of what it said.
    case status(Int, String)
    /// An answer that can't be read, and why.
    case malformed(String)
    /// The engine and we have no version of the API in common.
    case version(newest: APIVersion, oldest: APIVersion)
    /// A failure of the engine at this place.
    indirect case at(String, EngineFailure)

    private static let remedies = TLSRemedies(
        authorities: "docker.tls.ca-file, or as ca.pem in DOCKER_CERT_PATH",
        name: "docker.tls.name",
        certificate: "docker.tls.certificate, or cert.pem and key.pem in DOCKER_CERT_PATH",
        plain: "name its port for TLS, 2376 unless it is told otherwise, or leave docker.tls and "
            + "DOCKER_TLS_VERIFY out")

    /// The failure that `failure` of an exchange is. `showsCertificate`: whether the engine is
    /// shown one.
    init(_ failure: HTTPClient.Failure, showsCertificate: Bool) {
        switch failure {
        case .timeout: self = .timeout
        case .connect(let errno): self = .unreachable("\(failure)\(Self.advice(errno))")
        case .tls(let fault):
            let advice = Self.remedies.text(for: fault, showsCertificate: showsCertificate)
            self = .unreachable(advice.isEmpty ? "\(failure)" : "\(failure); \(advice)")
        case .broken, .closedEarly: self = .unreachable("\(failure)")
        case .malformedHead, .malformedBody, .tooManyInterim, .bodyTooLarge, .http2, .unsendable:
            self = .malformed("\(failure)")
        }
    }

    private static func advice(_ errno: Errno) -> String {
        switch errno {
        case .noSuchFile: "; is the engine running, and its socket there?"
        case .connectionRefused: "; is the engine running, and does it listen there?"
        case .permissionDenied: "; let the user of this process be in the socket's group"
        default: ""
        }
    }

    /// The failure with where the engine is: `docker:2375 (172.18.0.2)`. `target` is what `place`
    /// was found to be; nil while that is not known.
    func at(_ place: TargetPlace, _ target: Target?) -> EngineFailure {
        switch (place, target) {
        case (.name(let name), .endpoint(let endpoint)?): .at("\(name) (\(endpoint.address))", self)
        case (.name, _), (.target, _): .at("\(place)", self)
        }
    }

    /// What it means to a roster, in words for an operator.
    package var discoveryFailure: DiscoveryFailure { .explained(kind, "\(self)") }

    private var kind: HoldKind {
        switch self {
        case .unreachable, .noAddress: .unreachable
        case .timeout: .timeout
        case .status(401, _), .status(403, _): .refused
        case .status(500..., _): .servfail
        case .status: .otherCode
        case .malformed, .version: .malformed
        case .at(_, let failure): failure.kind
        }
    }
}

extension EngineFailure: CustomStringConvertible {
    /// A clause for a log line.
    package var description: String { sentence(of: "the engine") }

    private func sentence(of engine: String) -> String {
        switch self {
        case .unreachable(let reason): "\(engine) could not be reached: \(reason)"
        case .noAddress(let reason):
            "\(engine) has no address: \(reason); let docker.host or DOCKER_HOST have a name that "
                + "this machine finds, or an address"
        case .timeout: "\(engine) did not answer in time"
        case .status(400, let text) where text.contains("HTTPS"):
            "\(engine) expects TLS there: name its authority with docker.tls.ca-file, or set "
                + "DOCKER_TLS_VERIFY and DOCKER_CERT_PATH"
        case .status(403, let text):
            "\(engine) refused (403)\(Self.said(text)); a proxy before its socket must allow GET "
                + "of /version, /events, /containers and /networks"
        case .status(let code, let text): "\(engine) answered \(code)\(Self.said(text))"
        case .malformed(let reason): "\(engine) sent an answer that is malformed: \(reason)"
        case .version(let newest, let oldest):
            "\(engine) speaks the versions \(oldest) to \(newest) of its API, expected one of "
                + "\(APIVersion.oldest) to \(APIVersion.newest)"
        case .at(let place, let failure): failure.sentence(of: "\(engine) at \(place)")
        }
    }

    private static func said(_ text: String) -> String { text.isEmpty ? "" : ": \(text)" }
}
