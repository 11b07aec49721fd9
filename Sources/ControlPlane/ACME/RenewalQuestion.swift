// RenewalQuestion: asks an authority when it would like a certificate to be renewed (RFC 9773). It
// may know better than a third of a life: of a certificate that is going to be revoked it says so
// here first. Pure, as an order is.

package import TLS

/// One question. Control thread only.
package struct RenewalQuestion {
    /// What to do next.
    package enum Step: Equatable {
        /// Send this, then call `receive`.
        case send(ACMERequest)
        /// The authority says this, or nothing for nil; ask again after this long.
        case finished(RenewalPlan.Window?, again: Duration)
    }

    private let directoryURL: String
    private let certificate: String
    private var directory: ACMEDirectory?
    private var end: Step?

    /// How long an answer holds when the authority does not say (section 4.3): six hours …
    private static let usual = Duration.seconds(6 * 3600)
    /// … and within what bounds, whatever it says.
    private static let bounds = Duration.seconds(60)...Duration.seconds(86400)

    /// A question about `certificate`, as `identifier` names it.
    package init(of certificate: String, at directory: String) {
        self.certificate = certificate
        directoryURL = directory
    }

    /// How an authority knows a certificate again (section 4.1); nil for one that does not say
    /// which key has issued it.
    package static func identifier(of life: CertificateLife) -> String? {
        life.authorityKeyID.map {
            Base64URL.encode($0) + "." + Base64URL.encode(life.serialNumber)
        }
    }

    /// What to do now.
    package func next() -> Step {
        if let end { return end }
        guard let directory else {
            return .send(ACMERequest(method: .get, url: directoryURL))
        }
        guard let base = directory.renewalInfo else {
            return .finished(nil, again: Self.bounds.upperBound)
        }
        return .send(ACMERequest(method: .get, url: base + "/" + certificate))
    }

    /// Takes up the answer; nil for none.
    package mutating func receive(_ answer: ACMEAnswer?) {
        guard let answer, answer.status == 200 else {
            end = .finished(nil, again: Self.usual)
            return
        }
        if directory == nil {
            directory = try? ACMEDirectory(answer.body)
            if directory == nil { end = .finished(nil, again: Self.usual) }
            return
        }
        let again = min(
            max(answer.retryAfter ?? Self.usual, Self.bounds.lowerBound), Self.bounds.upperBound)
        end = .finished(RenewalPlan.Window(answer.body), again: again)
    }
}
