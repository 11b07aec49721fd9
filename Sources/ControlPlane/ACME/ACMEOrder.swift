// ACMEOrder: one certificate, from the first question to the last answer (RFC 8555, section 7.4).
// Pure: it says what to send and how long to wait, and is told the answers.
//
// | phase          | asked                              | then                                     |
// |----------------|------------------------------------|------------------------------------------|
// | directory      | the directory                      | account, or order if there is one        |
// | account        | a new account, or the known one    | order                                    |
// | order          | an order for the hosts             | authorization 0                          |
// | authorization  | the authorization                  | the next, if it is valid already         |
// | settling       | nothing: the answer gets about     | proving                                  |
// | proving        | the challenge to be looked at      | watching                                 |
// | watching       | the authorization, again and again | the next authorization, or finalizing    |
// | finalizing     | a certificate by the request       | issuing                                  |
// | issuing        | the order, again and again         | downloading                              |
// | downloading    | the certificate                    | finished                                 |
//
// A nonce is asked for wherever one is needed and none is left. A request whose nonce is refused is
// sent again: authorities drop nonces whenever they like.

internal import JSON
internal import TLS

/// What is known of an authority between two orders. Control thread only.
package struct ACMESession {
    /// The account.
    package var account: ACMEAccount
    /// Where things are; nil before it was asked.
    package internal(set) var directory: ACMEDirectory?
    var nonce: String?

    /// A session in which nothing has been asked yet.
    package init(_ account: ACMEAccount) {
        self.account = account
    }
}

/// One order. Control thread only.
package struct ACMEOrder {
    /// What to do next.
    package enum Step: Equatable {
        /// Send this, then call `receive`, or `fail` without an answer.
        case send(ACMERequest)
        /// Ask again after this long.
        case wait(Duration)
        /// There is a certificate.
        case finished(ACMEProduct)
        /// There is none.
        case failed(ACMEProblem)
    }

    private enum Phase {
        case directory
        case account
        case order
        case authorization
        case settling
        case proving
        case watching
        case finalizing
        case issuing
        case downloading
    }

    /// What was asked last, and not answered yet.
    private enum Asked { case directory, nonce, phase }

    /// What the order is for.
    package let hosts: [String]
    /// What is known of the authority; what this order has learned belongs to the next one.
    package private(set) var session: ACMESession
    /// What the authority may ask for now: to be answered on every listener.
    package private(set) var challenges: [ACMEChallenge] = []

    private let directoryURL: String
    private let methods: [ACMEMethod]
    private let settleTime: Duration
    /// The certificate that this one is to replace (RFC 9773, section 5); nil for none.
    private var replaced: String?
    private let key = SigningKey()
    private var phase = Phase.directory
    private var asked: Asked?
    private var end: Step?
    private var nonceRefusals = 0
    private var hasRegistered = false
    /// How long to wait before the next question; nil: not at all.
    private var pause: Duration?
    private var polls = 0
    private var orderURL = ""
    private var authorizations: [String] = []
    private var place = 0
    private var challengeURL = ""
    private var finalizeURL = ""
    private var certificateURL = ""

    /// Nonces that may be refused in an order.
    private static let nonceRefusalsMax = 30
    /// Times that an order or authorization is looked at before it counts as too slow: for ten
    /// minutes, about.
    private static let pollsMax = 60

    /// An order for `hosts`, one at least, with names in lower case.
    ///
    /// - Parameters:
    ///   - directory: the URL of the authority's directory.
    ///   - methods: how hosts may be proven, the preferred one first; one at least.
    ///   - settleTime: how long it takes until every Fairlead answers for a challenge.
    ///   - replacing: the certificate that is to be replaced, as RFC 9773 names it; nil for none.
    package init(
        for hosts: [String], at directory: String, _ session: ACMESession, methods: [ACMEMethod],
        settleTime: Duration, replacing: String? = nil
    ) {
        precondition(!hosts.isEmpty && !methods.isEmpty, "an order is for a host")
        self.hosts = hosts
        directoryURL = directory
        self.session = session
        self.methods = methods
        self.settleTime = settleTime
        replaced = replacing
        if session.directory != nil { begin() }
    }

    private mutating func begin() {
        phase = session.account.url == nil ? .account : .order
    }

    // MARK: - What to do

    /// What to do now. Not while an answer is awaited.
    package mutating func next() -> Step {
        precondition(asked == nil, "an answer is awaited")
        if let end { return end }
        if let pause {
            self.pause = nil
            return .wait(pause)
        }
        guard case .directory = phase else { return ask() }
        asked = .directory
        return .send(ACMERequest(method: .get, url: directoryURL))
    }

    private mutating func ask() -> Step {
        guard let directory = session.directory else { preconditionFailure("it was asked first") }
        if case .settling = phase { phase = .proving }
        guard let nonce = session.nonce else {
            asked = .nonce
            return .send(ACMERequest(method: .head, url: directory.newNonce))
        }
        session.nonce = nil
        asked = .phase
        let (payload, url) = question(directory)
        return .send(session.account.post(payload, to: url, nonce: nonce))
    }

    private func question(_ directory: ACMEDirectory) -> (payload: String, url: String) {
        switch phase {
        case .directory, .settling: preconditionFailure("nothing is signed for that")
        case .account:
            (session.account.registration(at: directory.newAccount), directory.newAccount)
        case .order: (order, directory.newOrder)
        case .authorization, .watching: ("", authorizations[place])
        case .proving: ("{}", challengeURL)
        case .finalizing:
            (
                #"{"csr":"\#(Base64URL.encode(key.certificateRequest(for: hosts)))"}"#, finalizeURL
            )
        case .issuing: ("", orderURL)
        case .downloading: ("", certificateURL)
        }
    }

    private var order: String {
        let names = hosts.map { host in
            #"{"type":"\#(host.isAddress ? "ip" : "dns")","value":\#(JSON.quoted(host))}"#
        }
        let replaces = replaced.map { #","replaces":\#(JSON.quoted($0))"# } ?? ""
        return #"{"identifiers":[\#(names.joined(separator: ","))]\#(replaces)}"#
    }

    // MARK: - Answers

    /// What was asked has no answer, for this reason.
    package mutating func fail(_ reason: String) {
        asked = nil
        end(ACMEProblem(.unreachable(reason)))
    }

    /// Takes up the answer to what was asked.
    package mutating func receive(_ answer: ACMEAnswer) {
        guard let asked else { preconditionFailure("nothing was asked") }
        self.asked = nil
        if let nonce = answer.nonce { session.nonce = nonce }
        do throws(ACMEProblem) {
            switch asked {
            case .directory:
                guard answer.status == 200 else { throw ACMEProblem(answer) }
                session.directory = try ACMEDirectory(answer.body)
                begin()
            case .nonce:
                guard (200...204).contains(answer.status) else { throw ACMEProblem(answer) }
                guard session.nonce != nil else { throw ACMEProblem(.malformed("no nonce")) }
            case .phase:
                guard (200...299).contains(answer.status) else { return try refused(answer) }
                try answered(answer)
            }
        } catch {
            end(error)
        }
    }

    private mutating func end(_ problem: ACMEProblem) {
        challenges = []
        // What an authority has moved, or does not know any more, is found out at the next order.
        session.directory = nil
        end = .failed(problem)
    }

    /// An error: some are no end.
    private mutating func refused(_ answer: ACMEAnswer) throws(ACMEProblem) {
        let problem = ACMEProblem(answer)
        guard case .refused(_, let type, _) = problem.kind else { throw problem }
        switch type {
        case "badNonce" where nonceRefusals < Self.nonceRefusalsMax:
            // The answer has brought another one, or one is asked for.
            nonceRefusals += 1
        case "accountDoesNotExist" where !hasRegistered:
            session.account.url = nil
            phase = .account
        case "alreadyReplaced" where replaced != nil:
            replaced = nil
        case "externalAccountRequired" where session.account.external == nil:
            throw ACMEProblem(.needsExternalAccount)
        default: throw problem
        }
    }

    private mutating func answered(_ answer: ACMEAnswer) throws(ACMEProblem) {
        switch phase {
        case .directory, .settling: preconditionFailure("nothing is signed for that")
        case .account:
            guard let url = answer.location else {
                throw ACMEProblem(.malformed("a new account has no Location"))
            }
            session.account.url = url
            hasRegistered = true
            phase = .order
        case .order:
            guard let url = answer.location else {
                throw ACMEProblem(.malformed("a new order has no Location"))
            }
            orderURL = url
            let order = try ACMEDocument.read(ACMEDocument.Order.self, answer.body, "an order")
            guard !order.authorizations.isEmpty, order.authorizations.count <= hosts.count else {
                throw ACMEProblem(.malformed("an order has as many authorizations as hosts"))
            }
            authorizations = order.authorizations
            finalizeURL = order.finalize
            try follow(order, answer)
        case .authorization, .watching: try follow(authorization: answer)
        case .proving:
            phase = .watching
            polls = 0
            pause = answer.retryAfter.map { min($0, Self.pollMax) } ?? .seconds(1)
        case .finalizing, .issuing:
            try follow(
                try ACMEDocument.read(ACMEDocument.Order.self, answer.body, "an order"), answer)
        case .downloading:
            challenges = []
            end = .finished(ACMEProduct(chain: answer.body, key: key.pem))
        }
    }

    private static let pollMax = Duration.seconds(60)

    /// Waits before something is looked at once more.
    private mutating func poll(_ answer: ACMEAnswer) throws(ACMEProblem) {
        polls += 1
        guard polls < Self.pollsMax else { throw ACMEProblem(.slow) }
        pause = answer.retryAfter.map { min($0, Self.pollMax) } ?? .seconds(min(1 + polls, 10))
    }

    private mutating func follow(
        _ order: ACMEDocument.Order, _ answer: ACMEAnswer
    ) throws(ACMEProblem) {
        switch order.status {
        case .pending:
            if case .order = phase {
                place = 0
                phase = .authorization
            } else {
                // Proven, but the authority has not noticed yet.
                phase = .issuing
                try poll(answer)
            }
        case .ready:
            phase = .finalizing
        case .processing:
            phase = .issuing
            try poll(answer)
        case .valid:
            guard let url = order.certificate else {
                throw ACMEProblem(.malformed("a valid order has no certificate"))
            }
            certificateURL = url
            phase = .downloading
        case .invalid, .deactivated, .expired, .revoked:
            throw ACMEProblem(order: order, answer)
        }
    }

    private mutating func follow(authorization answer: ACMEAnswer) throws(ACMEProblem) {
        let found = try ACMEDocument.read(
            ACMEDocument.Authorization.self, answer.body, "an authorization")
        switch found.status {
        case .valid:
            challenges = []
            place += 1
            polls = 0
            // Of an order of which everything is proven it is asked whether it is ready.
            phase = place < authorizations.count ? .authorization : .issuing
        case .pending:
            if case .watching = phase { return try poll(answer) }
            try prove(found)
        case .processing, .ready: try poll(answer)
        case .invalid, .deactivated, .expired, .revoked:
            let method = challenges.first?.method.rawValue ?? "a challenge"
            let error = found.challenges.lazy.compactMap(\.error).first
            throw ACMEProblem(host: found.identifier.value, method: method, error)
        }
    }

    private mutating func prove(_ found: ACMEDocument.Authorization) throws(ACMEProblem) {
        let host = found.identifier.value.lowercased()
        guard hosts.contains(host) else {
            throw ACMEProblem(.malformed("an authorization is for another host"))
        }
        for method in methods {
            guard let challenge = found.challenges.first(where: { $0.type == method.rawValue }),
                let token = challenge.token
            else { continue }
            guard ACMEChallenge.isToken(token) else {
                throw ACMEProblem(.malformed("a token has other letters than base64url"))
            }
            challenges = [
                ACMEChallenge(
                    method: method, host: host, token: token,
                    keyAuthorization: session.account.keyAuthorization(for: token))
            ]
            challengeURL = challenge.url
            phase = .settling
            pause = settleTime
            return
        }
        throw ACMEProblem(.noMethod(host: host, offered: found.challenges.map(\.type)))
    }
}

extension ACMEProblem {
    /// What became of an order that is over without a certificate.
    fileprivate init(order: ACMEDocument.Order, _ answer: ACMEAnswer) {
        let type = order.error?.type ?? "order \(order.status.rawValue)"
        self.init(
            .refused(status: answer.status, type: type, detail: order.error?.detail ?? ""),
            retryAfter: answer.retryAfter)
    }
}

extension String {
    /// Whether it is an IP address, where a name or an address stands: no name has a colon, or ends
    /// in a number.
    fileprivate var isAddress: Bool {
        contains(":") || split(separator: ".").last?.allSatisfy(\.isNumber) == true
    }
}

/// A certificate that was issued. Value type, any thread.
package struct ACMEProduct: Equatable, Sendable {
    /// The certificate and those that lead to its issuer, in PEM.
    package let chain: [UInt8]
    /// Its key, in PEM.
    package let key: [UInt8]

    /// A certificate with its key.
    package init(chain: [UInt8], key: [UInt8]) {
        self.chain = chain
        self.key = key
    }
}
