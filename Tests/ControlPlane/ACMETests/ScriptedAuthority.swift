// A certificate authority without a network: it answers as RFC 8555 says, or as a test would have
// it, and keeps what it was asked.

import ACME
import JSON
import TLS

/// The authority. One thread at a time.
final class ScriptedAuthority {
    /// What was asked, in order: the method and the path, and for a POST its decoded parts.
    struct Question {
        let text: String
        let header: JSONValue
        let payload: JSONValue
        let isSigned: Bool
    }

    private(set) var questions: [Question] = []
    /// An answer in place of the usual one, by what is asked; removed once it was given.
    var faults: [String: [ACMEAnswer]] = [:]
    /// Every so many requests have their nonce refused; 0: none.
    var refusesNonces = 0
    /// How often the authorization, and then the order, is still at work when it is looked at.
    var slowness = 1
    /// The methods that are offered.
    var offers = ["http-01", "dns-01", "tls-alpn-01"]
    /// Whether hosts are known to be proven.
    var knowsHosts = false
    /// Whether the challenge is not believed.
    var disbelieves = false
    var needsExternalAccount = false
    private var posts = 0
    private var authorizationLooks = 0
    private var orderLooks = 0
    private var isProven = false
    private var isFinal = false

    static let directory = "https://ca.test/dir"

    /// The answer to `request`.
    func answer(_ request: ACMERequest) -> ACMEAnswer {
        let path = String(request.url.dropFirst("https://ca.test".count))
        let text = "\(request.method.rawValue) \(path)"
        let jws = try? JSON.decode(JSONValue.self, from: request.body)
        func part(_ name: String) -> JSONValue {
            guard case .text(let text)? = jws?[name], let bytes = Base64URL.decode(text),
                let value = try? JSON.decode(JSONValue.self, from: bytes)
            else { return .null }
            return value
        }
        var isSigned = false
        if case .text(let text)? = jws?["signature"] { isSigned = text.utf8.count == 86 }
        questions.append(
            Question(
                text: text, header: part("protected"), payload: part("payload"),
                isSigned: isSigned))
        if var planned = faults[text], !planned.isEmpty {
            let answer = planned.removeFirst()
            faults[text] = planned
            return answer
        }
        if request.method == .post {
            posts += 1
            if refusesNonces > 0, posts.isMultiple(of: refusesNonces) {
                return problem(400, "badNonce", "no such nonce", nonce: "again\(posts)")
            }
        }
        var answer = usual(path)
        if answer.nonce == nil, path != "/dir" { answer.nonce = "nonce\(questions.count)" }
        return answer
    }

    /// An error document.
    func problem(
        _ status: Int, _ type: String, _ detail: String, nonce: String? = "n",
        retryAfter: Duration? = nil
    ) -> ACMEAnswer {
        ACMEAnswer(
            status: status, nonce: nonce, retryAfter: retryAfter,
            body: Array(
                #"{"type":"urn:ietf:params:acme:error:\#(type)","detail":"\#(detail)"}"#.utf8))
    }

    private func usual(_ path: String) -> ACMEAnswer {
        func answer(_ status: Int, _ text: String, at location: String? = nil) -> ACMEAnswer {
            ACMEAnswer(
                status: status, location: location.map { "https://ca.test" + $0 },
                body: Array(text.utf8))
        }
        switch path {
        case "/dir":
            return answer(
                200,
                """
                {"newNonce":"https://ca.test/nonce","newAccount":"https://ca.test/account",
                "newOrder":"https://ca.test/order","keyChange":"x","revokeCert":"x",
                "renewalInfo":"https://ca.test/ari","meta":{"termsOfService":"t",
                "externalAccountRequired":\(needsExternalAccount)}}
                """)
        case "/nonce": return answer(200, "")
        case "/account": return answer(201, #"{"status":"valid"}"#, at: "/account/1")
        case "/order":
            isProven = knowsHosts
            return answer(201, order, at: "/order/1")
        case "/authorization":
            guard isProven, !knowsHosts else { return answer(200, authorization) }
            authorizationLooks += 1
            return answer(200, authorization)
        case "/challenge":
            isProven = true
            return answer(200, #"{"type":"http-01","status":"pending","url":"u","token":"t"}"#)
        case "/finalize":
            isFinal = true
            return answer(200, order)
        case "/order/1":
            if isFinal { orderLooks += 1 }
            return answer(200, order)
        case "/certificate": return answer(200, "a chain")
        default: return problem(404, "malformed", "no such path")
        }
    }

    private var order: String {
        let status: String
        if !isProven {
            status = "pending"
        } else if !isFinal {
            status = "ready"
        } else {
            status = orderLooks < slowness ? "processing" : "valid"
        }
        let certificate =
            status == "valid" ? #","certificate":"https://ca.test/certificate""# : ""
        return
            #"{"status":"\#(status)","authorizations":["https://ca.test/authorization"],"#
            + #""finalize":"https://ca.test/finalize"\#(certificate)}"#
    }

    private var authorization: String {
        let isLooked = authorizationLooks > slowness
        let status =
            knowsHosts || (isLooked && !disbelieves) ? "valid" : isLooked ? "invalid" : "pending"
        let error =
            isLooked && disbelieves
            ? #","error":{"type":"urn:ietf:params:acme:error:connection","detail":"refused"}"# : ""
        let challenges = offers.map { type in
            #"{"type":"\#(type)","url":"https://ca.test/challenge","token":"token-1_A"\#(error)}"#
        }
        return
            #"{"status":"\#(status)","identifier":{"type":"dns","value":"www.example.com"},"#
            + #""challenges":[\#(challenges.joined(separator: ","))]}"#
    }
}
