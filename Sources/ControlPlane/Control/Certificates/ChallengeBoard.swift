// ChallengeBoard: what authorities are answered that look at who serves a host: for this process
// and others with the same store, and for another program whose files are served.

internal import ACME
internal import Configuration
internal import Proxy
internal import TLS

/// The answers of all listeners. Control thread only.
final class ChallengeBoard {
    private let store: IssuedStore?
    private let webroot: String?
    private let workers: ProxyWorkers
    private let workerCount: Int
    private var shown: [ACMEChallenge] = []

    /// Answers what another program puts into its folder, and what is in `store`, once `follow` is
    /// called; nil for none.
    init(_ configuration: Configuration, _ store: IssuedStore?, _ workers: ProxyWorkers) {
        self.store = store
        self.workers = workers
        webroot = configuration.acme.webroot
        workerCount = configuration.workers
        if webroot != nil { publish() }
    }

    /// Answers what is in the store, if that has changed.
    func follow() {
        let found = store?.challenges() ?? []
        guard found != shown else { return }
        shown = found
        publish()
    }

    private func publish() {
        var answers = ChallengeAnswers()
        answers.folder = webroot
        var certificates: [TLSCertificate] = []
        for challenge in shown {
            switch challenge.method {
            case .http:
                answers.files[challenge.token] = Array(challenge.keyAuthorization.utf8)
            case .tlsALPN:
                if let made = Self.certificate(for: challenge) { certificates.append(made) }
            }
        }
        if !certificates.isEmpty {
            answers.certificates = TLSServing(
                TLSServerOptions(challenges: certificates), workers: workerCount)
        }
        workers.publish(answers)
    }

    /// The certificate that answers (RFC 8737, section 3).
    private static func certificate(for challenge: ACMEChallenge) -> TLSCertificate? {
        let key = SigningKey()
        let digest = SHA256.digest(of: Array(challenge.keyAuthorization.utf8))
        let chain = key.selfSigned(for: [challenge.host], days: 7, acmeIdentifier: digest)
        return try? TLSCertificate(chain: chain, key: key.pem)
    }
}
