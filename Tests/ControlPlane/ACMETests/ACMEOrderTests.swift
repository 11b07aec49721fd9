// Goal: an order comes to a certificate or to a reason, whatever the authority does. Method: the
// machine against an authority without a network, of which each answer can be replaced.

import JSON
import TLS
import Testing

@testable import ACME

@Suite struct ACMEOrderTests {
    init() throws { try OpenSSL.load() }

    /// How an order ended, with how long it waited.
    private struct End {
        var step: ACMEOrder.Step
        var waited: [Duration] = []
        /// The challenges that were to be answered when the authority was asked to look.
        var shown: [ACMEChallenge] = []
        var session: ACMESession
        var challengesLeft: [ACMEChallenge] = []
    }

    private func account(
        url: String? = nil, external: ACMEAccount.External? = nil
    ) -> ACMESession {
        ACMESession(
            ACMEAccount(key: SigningKey(), url: url, email: "a@example.com", external: external))
    }

    private func run(
        _ authority: ScriptedAuthority, _ session: ACMESession? = nil,
        methods: [ACMEMethod] = [.http, .tlsALPN], replacing: String? = nil
    ) -> End {
        var order = ACMEOrder(
            for: ["www.example.com"], at: ScriptedAuthority.directory, session ?? account(),
            methods: methods, settleTime: .seconds(2), replacing: replacing)
        var end = End(step: .wait(.zero), session: order.session)
        while true {
            let step = order.next()
            switch step {
            case .send(let request):
                if request.url.hasSuffix("/challenge") { end.shown = order.challenges }
                order.receive(authority.answer(request))
            case .wait(let pause): end.waited.append(pause)
            case .finished, .failed:
                end.step = step
                end.session = order.session
                end.challengesLeft = order.challenges
                return end
            }
        }
    }

    private func problem(_ end: End) throws -> ACMEProblem {
        guard case .failed(let problem) = end.step else {
            throw JSON.Malformed("the order did not fail: \(end.step)")
        }
        return problem
    }

    private func text(_ value: JSONValue) -> String? {
        if case .text(let text) = value { text } else { nil }
    }

    @Test func `an order comes to a certificate with the key that it asked for`() throws {
        let authority = ScriptedAuthority()
        let end = run(authority)
        guard case .finished(let product) = end.step else {
            Issue.record("\(end.step)")
            return
        }
        #expect(product.chain == Array("a chain".utf8))
        _ = try SigningKey(pem: product.key)
        #expect(
            authority.questions.map(\.text) == [
                "GET /dir", "HEAD /nonce", "POST /account", "POST /order", "POST /authorization",
                "POST /challenge", "POST /authorization", "POST /authorization", "POST /order/1",
                "POST /finalize", "POST /order/1", "POST /certificate",
            ])
        for question in authority.questions.dropFirst(2) {
            #expect(question.isSigned)
            #expect(text(question.header["alg"]) == "ES256")
            #expect(
                text(question.header["url"])
                    == "https://ca.test\(question.text.dropFirst("POST ".count))")
        }
        // The account's key is shown once, and its URL stands for it from then on.
        #expect(text(authority.questions[2].header["jwk"]["crv"]) == "P-256")
        #expect(text(authority.questions[3].header["kid"]) == "https://ca.test/account/1")
        #expect(end.session.account.url == "https://ca.test/account/1")
        let contact = authority.questions[2].payload["contact"]
        #expect(contact.written() == #"["mailto:a@example.com"]"#)
        // Each nonce is used once.
        let nonces = authority.questions.compactMap { text($0.header["nonce"]) }
        #expect(Set(nonces).count == nonces.count && nonces.count == 10)
        // The answer was there, and had time to get about, before the authority looked.
        let shown = try #require(end.shown.first)
        #expect(shown.method == .http && shown.host == "www.example.com")
        #expect(end.waited.first == .seconds(2))
        let jwk = authority.questions[2].header["jwk"]
        // The members in this order, as a thumbprint has them (RFC 7638).
        let members =
            [("crv", "P-256"), ("kty", "EC")] + ["x", "y"].map { ($0, text(jwk[$0]) ?? "") }
        let written = members.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",")
        let thumbprint = Base64URL.encode(SHA256.digest(of: Array("{\(written)}".utf8)))
        #expect(shown.keyAuthorization == "token-1_A.\(thumbprint)")
        #expect(end.challengesLeft.isEmpty)
    }

    @Test func `a known account, and a host that is proven, are not asked for again`() {
        let authority = ScriptedAuthority()
        authority.knowsHosts = true
        let end = run(authority, account(url: "https://ca.test/account/1"))
        #expect(authority.questions.allSatisfy { $0.text != "POST /account" })
        #expect(authority.questions.allSatisfy { $0.text != "POST /challenge" })
        guard case .finished = end.step else {
            Issue.record("\(end.step)")
            return
        }
    }

    @Test(arguments: [2, 3]) func `a nonce that is refused is replaced`(every: Int) {
        let authority = ScriptedAuthority()
        authority.refusesNonces = every
        guard case .finished = run(authority).step else {
            Issue.record("refused nonces end the order")
            return
        }
    }

    @Test func `nonces that are all refused end the order`() throws {
        let authority = ScriptedAuthority()
        authority.refusesNonces = 1
        #expect(try problem(run(authority)).description.contains("badNonce"))
    }

    @Test func `the methods are tried in their order, and one has to be offered`() throws {
        let authority = ScriptedAuthority()
        #expect(run(authority, methods: [.tlsALPN, .http]).shown.first?.method == .tlsALPN)
        let other = ScriptedAuthority()
        other.offers = ["dns-01"]
        let end = try problem(run(other))
        #expect(end.kind == .noMethod(host: "www.example.com", offered: ["dns-01"]))
        #expect(end.needsOperator)
    }

    @Test func `a challenge that is not believed says why, and what to do`() throws {
        let authority = ScriptedAuthority()
        authority.disbelieves = true
        let end = run(authority)
        let problem = try problem(end)
        #expect(
            problem.kind
                == .notProven(
                    host: "www.example.com", method: "http-01", detail: "connection: refused"))
        #expect(problem.description.contains("port 80"))
        #expect(end.challengesLeft.isEmpty)
    }

    @Test func `a limit is respected for as long as the authority says`() throws {
        let authority = ScriptedAuthority()
        authority.faults["POST /order"] = [
            authority.problem(429, "rateLimited", "too many", retryAfter: .seconds(5400))
        ]
        let problem = try problem(run(authority))
        #expect(problem.code == "rate_limited")
        #expect(problem.retryAfter == .seconds(5400))
        var plan = RenewalPlan(fraction: 0.5)
        plan.failed(at: 1000, retryAfter: problem.retryAfter, needsOperator: problem.needsOperator)
        #expect(plan.orderTime(due: nil, now: 1001) >= 1000 + 5400)
    }

    @Test func `an account that the authority has forgotten is registered again`() {
        let authority = ScriptedAuthority()
        authority.faults["POST /order"] = [
            authority.problem(400, "accountDoesNotExist", "who?")
        ]
        let end = run(authority, account(url: "https://ca.test/account/0"))
        #expect(end.session.account.url == "https://ca.test/account/1")
        guard case .finished = end.step else {
            Issue.record("\(end.step)")
            return
        }
    }

    @Test func `a certificate that was replaced already is no reason to fail`() {
        let authority = ScriptedAuthority()
        authority.faults["POST /order"] = [
            authority.problem(409, "alreadyReplaced", "it was")
        ]
        guard case .finished = run(authority, replacing: "a.b").step else {
            Issue.record("the order failed")
            return
        }
        let orders = authority.questions.filter { $0.text == "POST /order" }
        #expect(orders.map { text($0.payload["replaces"]) } == ["a.b", nil])
    }

    @Test func `an order that never ends is given up`() throws {
        let authority = ScriptedAuthority()
        authority.slowness = 1000
        let end = run(authority)
        #expect(try problem(end).kind == .slow)
        #expect(end.waited.reduce(.zero, +) < .seconds(1200))
    }

    @Test func `an account of another system is bound by its key`() throws {
        let authority = ScriptedAuthority()
        authority.needsExternalAccount = true
        let key: [UInt8] = Array("a shared secret of some length".utf8)
        _ = run(authority, account(external: .init(keyID: "kid-1", key: key)))
        let binding = authority.questions[2].payload["externalAccountBinding"]
        let parts = ["protected", "payload", "signature"].map { text(binding[$0]) ?? "" }
        #expect(
            Base64URL.decode(parts[2])
                == SHA256.authenticationCode(of: Array("\(parts[0]).\(parts[1])".utf8), key: key))
        let without = ScriptedAuthority()
        without.faults["POST /account"] = [
            without.problem(403, "externalAccountRequired", "bind it")
        ]
        let end = try problem(run(without))
        #expect(end.kind == .needsExternalAccount && end.needsOperator)
        #expect(end.description.contains("acme.eab-key-id"))
    }

    @Test func `an answer that is cut anywhere ends the order with a reason`() throws {
        let questions = [
            "GET /dir", "POST /order", "POST /authorization", "POST /finalize", "POST /order/1",
        ]
        for question in questions {
            let model = ScriptedAuthority()
            // What a good authority says there.
            var whole: ACMEAnswer?
            var order = ACMEOrder(
                for: ["www.example.com"], at: ScriptedAuthority.directory, account(),
                methods: [.http], settleTime: .zero)
            while whole == nil {
                switch order.next() {
                case .send(let request):
                    let answer = model.answer(request)
                    if model.questions.last?.text == question { whole = answer }
                    order.receive(answer)
                case .wait: break
                case .finished, .failed: throw JSON.Malformed("\(question) is never asked")
                }
            }
            let body = whole?.body ?? []
            for count in stride(from: 0, to: body.count, by: 7) {
                let authority = ScriptedAuthority()
                var cut = whole ?? ACMEAnswer(status: 0)
                cut.body = Array(body.prefix(count))
                authority.faults[question] = [cut]
                #expect(try problem(run(authority)).code == "malformed", "\(question) \(count)")
            }
        }
        // A token that could lead out of its folder.
        let authority = ScriptedAuthority()
        authority.faults["POST /authorization"] = [
            ACMEAnswer(
                status: 200, nonce: "n",
                body: Array(
                    """
                    {"status":"pending","identifier":{"type":"dns","value":"www.example.com"},
                    "challenges":[{"type":"http-01","url":"u","token":"../../etc/passwd"}]}
                    """.utf8))
        ]
        #expect(try problem(run(authority)).code == "malformed")
    }

    @Test func `no answer is a reason as well`() {
        var order = ACMEOrder(
            for: ["www.example.com"], at: ScriptedAuthority.directory, account(), methods: [.http],
            settleTime: .zero)
        _ = order.next()
        order.fail("no connection: refused")
        guard case .failed(let problem) = order.next() else {
            Issue.record("the order goes on")
            return
        }
        #expect(problem.code == "unreachable" && problem.description.contains("refused"))
    }
}
