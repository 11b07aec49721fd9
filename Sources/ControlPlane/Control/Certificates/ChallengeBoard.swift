// ChallengeBoard: what authorities are answered that look at who serves a host: for this process
// and others with the same folder, and for another program whose files are served.

internal import ACME
internal import Configuration
internal import Proxy
internal import TLS

/// The answers of all listeners. Control thread only.
final class ChallengeBoard {
    private let folder: IssuedFolder?
    private let webroot: String?
    private let workers: ProxyWorkers
    private let workerCount: Int
    private var shown: [ACMEChallenge] = []

    /// Answers what another program puts into its folder, and what is in `folder`, once `follow` is
    /// called; nil for none.
    init(_ configuration: Configuration, _ folder: IssuedFolder?, _ workers: ProxyWorkers) {
        self.folder = folder
        self.workers = workers
        webroot = configuration.acme.webroot
        workerCount = configuration.workers
        if webroot != nil { publish() }
    }

    /// Makes `challenges` all that is answered, here and by others. Nil when that is done, else why
    /// not.
    func show(_ challenges: [ACMEChallenge]) -> String? {
        let failure = folder?.write(challenges: challenges)
        follow()
        return failure
    }

    /// Answers what is in the folder, if that has changed.
    func follow() {
        let found = folder?.challenges() ?? []
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
