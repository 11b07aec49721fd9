// ACMEProblem: why there is no certificate, and what to do about it.

internal import JSON

/// Why an order came to nothing. Value type, any thread.
package struct ACMEProblem: Error, Equatable, Sendable {
    /// What it is about.
    package enum Kind: Equatable, Sendable {
        /// No answer, for this reason.
        case unreachable(String)
        /// The authority has answered with an error document, or with a status alone: its type
        /// without the common beginning, such as `rateLimited`, and what it says about it.
        case refused(status: Int, type: String, detail: String)
        /// The authority could not see that this host is ours.
        case notProven(host: String, method: String, detail: String)
        /// An answer that is not what the protocol says.
        case malformed(String)
        /// The authority offers no way to prove the host that is allowed here.
        case noMethod(host: String, offered: [String])
        /// The authority needs the account of another system, which is not configured.
        case needsExternalAccount
        /// The order took longer than an order may.
        case slow
        /// What was issued can't be used, for this reason.
        case unusable(String)
        /// What all Fairleads have to know could not be kept where they read it, for this reason.
        case storeFailed(String)
    }

    /// What it is about.
    package let kind: Kind
    /// How long the authority wants to be left alone; nil when it does not say.
    package let retryAfter: Duration?

    /// A problem of that kind.
    package init(_ kind: Kind, retryAfter: Duration? = nil) {
        self.kind = kind
        self.retryAfter = retryAfter
    }

    private static let errors = "urn:ietf:params:acme:error:"

    /// What an answer with an error comes to.
    init(_ answer: ACMEAnswer) {
        let document = try? JSON.decode(ACMEDocument.Problem.self, from: answer.body)
        self.init(
            .refused(
                status: answer.status, type: Self.type(document?.type),
                detail: Self.detail(document)), retryAfter: answer.retryAfter)
    }

    /// What the authority says of a challenge that it does not believe.
    init(host: String, method: String, _ document: ACMEDocument.Problem?) {
        let type = Self.type(document?.type)
        let detail = Self.detail(document)
        self.init(
            .notProven(
                host: host, method: method, detail: type.isEmpty ? detail : "\(type): \(detail)"))
    }

    private static func type(_ text: String?) -> String {
        guard let text else { return "" }
        return text.hasPrefix(errors) ? String(text.dropFirst(errors.count)) : text
    }

    /// The words of an authority are its own, of any length: some of them, on one line.
    private static func detail(_ document: ACMEDocument.Problem?) -> String {
        let all = [document?.detail] + (document?.subproblems ?? []).prefix(3).map(\.detail)
        let text = all.compactMap(\.self).joined(separator: "; ")
        let line = text.map { $0.isNewline ? " " : $0 }
        return line.count > 400 ? String(line.prefix(400)) + "…" : String(line)
    }

    /// Whether asking again soon can't help, since an operator has to do something first.
    package var needsOperator: Bool {
        switch kind {
        case .needsExternalAccount, .noMethod: true
        case .refused(_, let type, _):
            [
                "unauthorized", "userActionRequired", "rejectedIdentifier", "unsupportedIdentifier",
                "externalAccountRequired", "invalidContact", "unsupportedContact", "caa",
            ].contains(type)
        case .unreachable, .notProven, .malformed, .slow, .unusable, .storeFailed: false
        }
    }

    /// A code for metrics, one word.
    package var code: String {
        switch kind {
        case .unreachable: "unreachable"
        case .refused(_, "rateLimited", _): "rate_limited"
        case .refused: "refused"
        case .notProven: "not_proven"
        case .malformed: "malformed"
        case .noMethod: "no_method"
        case .needsExternalAccount: "needs_external_account"
        case .slow: "slow"
        case .unusable: "unusable"
        case .storeFailed: "store_failed"
        }
    }
}

extension ACMEProblem: CustomStringConvertible {
    /// The reason, and what to do about it.
    package var description: String {
        switch kind {
        case .unreachable(let reason):
            "the certificate authority does not answer (\(reason)); see that this machine reaches "
                + "acme.directory, and that acme.ca-file names its authority if it is your own"
        case .refused(let status, let type, let detail):
            "the certificate authority refuses (\(type.isEmpty ? "status \(status)" : type): "
                + "\(detail))" + Self.advice(type)
        case .notProven(let host, "http-01", let detail):
            "the certificate authority can't see by http-01 that \(host) is served here "
                + "(\(detail)); its name has to lead to this machine, and port 80 to a listener "
                + "without TLS"
        case .notProven(let host, let method, let detail):
            "the certificate authority can't see by \(method) that \(host) is served here "
                + "(\(detail)); its name has to lead to this machine, and port 443 to this listener"
        case .malformed(let reason):
            "the certificate authority's answer can't be read (\(reason)); see that acme.directory "
                + "is the URL of an ACME directory"
        case .noMethod(let host, let offered):
            "the certificate authority proves \(host) by \(offered.joined(separator: ", ")) alone; "
                + "allow one of http-01 and tls-alpn-01 that it offers"
        case .needsExternalAccount:
            "the certificate authority wants an account of its own; set acme.eab-key-id and "
                + "acme.eab-key to what it has given you"
        case .slow: "the order took too long; nothing needs to be done"
        case .unusable(let reason): "the certificate that was issued can't be used: \(reason)"
        case .storeFailed(let reason):
            "what the certificate authority has to be answered could not be written to the store "
                + "(\(reason))"
        }
    }

    private static func advice(_ type: String) -> String {
        switch type {
        case "rateLimited": "; it is asked again when it says so"
        case "caa": "; a CAA record of the domain has to name this authority"
        case "userActionRequired": "; it wants an agreement to new terms"
        case "invalidContact", "unsupportedContact": "; correct acme.email"
        case "rejectedIdentifier", "unsupportedIdentifier":
            "; it issues nothing for that name: take it out of tls.acme"
        case "dns": "; the name has to have an address in the public DNS"
        case "unauthorized", "externalAccountRequired": "; see acme.eab-key-id and acme.eab-key"
        default: ""
        }
    }
}
