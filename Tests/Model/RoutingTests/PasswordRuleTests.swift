// Goal: what a route says of passwords reaches clients and backends as it is meant. Method: the
// compiled route.

import Backends
import HTTP1
import Passwords
import Routing
import Testing

@Suite struct PasswordRuleTests {
    private func route(
        _ action: RouteAction = .forward(ServiceID(index: 0), prefix: nil),
        realm: String = "Restricted", _ edit: (inout PasswordRule) -> Void = { _ in }
    ) throws -> Route {
        let users = try UserList(
            "ann:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW")
        var passwords = PasswordRule(users, realm: realm, timeout: .seconds(2))
        edit(&passwords)
        var rule = RouteRule(action)
        rule.passwords = passwords
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var head = RequestHead()
        _ = head.parse(bytes.span)
        guard case .route(let route) = RouteTable([rule]).decide(head, bytes.span) else {
            throw NoRoute()
        }
        return route
    }

    private struct NoRoute: Error {}

    @Test(
        "the realm is a quoted string, and the encoding is told",
        arguments: [
            ("Restricted", "Restricted"), ("Staff only", "Staff only"),
            ("\"a\\b\", c=\"d", "\\\"a\\\\b\\\", c=\\\"d"),
        ])
    func challenge(realm: String, quoted: String) throws {
        let passwords = try #require(route(realm: realm).passwords)
        #expect(
            String(decoding: passwords.challenge, as: UTF8.self)
                == "Basic realm=\"\(quoted)\", charset=\"UTF-8\"")
    }

    @Test("Authorization goes no further, and the user's field is not the client's to set")
    func edits() throws {
        let plain = try route()
        #expect(plain.requestEdits != nil && plain.passwords?.userField == [])
        let kept = try route { $0.passesAuthorization = true }
        #expect(kept.requestEdits == nil)
        let named = try route {
            $0.passesAuthorization = true
            $0.userField = "X-User"
        }
        #expect(named.requestEdits != nil)
        #expect(named.passwords?.userField == Array("X-User: ".utf8))
    }

    @Test("what goes to no backend needs no password")
    func answers() throws {
        let fixed = FixedResponse(status: 200, contentType: "text/plain", body: [0x78])
        #expect(try route(.respond(fixed)).passwords == nil)
    }
}
