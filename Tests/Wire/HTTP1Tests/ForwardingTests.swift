// Goal: a backend is told the truth about a request's way, and what anyone can write is believed of
// nobody but a trusted proxy. Method: golden lines for each policy, with clients that lie.

import HTTP1
import HeadWriting
import Testing

@Suite struct ForwardingTests {
    private struct Client {
        var address = "192.0.2.1"
        var isTrusted = false
    }

    /// What is added to, or left of, a request with these field lines.
    private func lines(
        _ fields: String, _ client: Client, version: String = "1.1", host: String = "h:8",
        _ change: (inout ForwardingPolicy) -> Void
    ) -> [String] {
        var policy = ForwardingPolicy()
        policy.xForwarded = .off
        policy.via = nil
        change(&policy)
        var forwarding = Forwarding(policy: policy, port: 8080)
        forwarding.setClient(isTrusted: !client.isTrusted) { $0.append("198.51.100.200") }
        forwarding.setClient(isTrusted: client.isTrusted) {
            $0.append(contentsOf: bytes(client.address))
        }
        let parsed = ParsedRequest(
            "GET / HTTP/\(version)\r\nHost: \(host)\r\n\(fields)\r\n")
        guard case .complete = parsed.outcome else { return ["\(parsed.outcome)"] }
        var out: [UInt8] = []
        parsed.head.write(
            from: parsed.input.span, forwarding: forwarding,
            requestID: RequestID(high: 0xAB, low: 0xCDEF_0000_0000_0001), into: &out)
        let prefix = "GET / HTTP/1.1\r\nHost: \(host)\r\n"
        let text = text(out)
        #expect(text.hasPrefix(prefix) && text.hasSuffix("\r\n\r\n"))
        return text.dropFirst(prefix.count).split(separator: "\r\n").map(String.init)
    }

    private static let forged =
        "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For:\r\n"
        + "x-forwarded-for: 2.2.2.2,3.3.3.3\r\nX-Forwarded-Host: evil\r\nX-FORWARDED-PORT: 443\r\n"
    private static let own = [
        "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: http", "X-Forwarded-Port: 8080",
        "X-Forwarded-Host: h:8",
    ]

    @Test("claims of an untrusted client about itself are replaced")
    func untrusted() {
        #expect(lines("", Client()) { $0.xForwarded = .append } == Self.own)
        #expect(lines(Self.forged, Client()) { $0.xForwarded = .append } == Self.own)
        #expect(lines(Self.forged, Client()) { $0.xForwarded = .replace } == Self.own)
        #expect(
            lines(Self.forged, Client(isTrusted: true)) { $0.xForwarded = .replace } == Self.own)
    }

    @Test("a trusted proxy's list goes on, and its other words stand")
    func trusted() {
        #expect(
            lines(Self.forged, Client(isTrusted: true)) { $0.xForwarded = .append } == [
                "X-Forwarded-Proto: https", "X-Forwarded-Host: evil", "X-FORWARDED-PORT: 443",
                "X-Forwarded-For: 1.1.1.1, 2.2.2.2,3.3.3.3, 192.0.2.1",
            ])
        #expect(
            lines("X-Forwarded-Host: a\r\n", Client(isTrusted: true)) { $0.xForwarded = .append }
                == ["X-Forwarded-Host: a"] + Self.own.dropLast())
        #expect(
            lines("", Client(isTrusted: true)) { $0.xForwarded = .append } == Self.own)
    }

    @Test("a client cannot make the proxy drop a field by naming it in Connection")
    func nominated() {
        let nominating = "Connection: X-Forwarded-For, X-Request-Id, Via, Forwarded\r\n"
        let all = { (policy: inout ForwardingPolicy) in
            policy = ForwardingPolicy()
            policy.forwarded = .append
            policy.addsRequestID = true
        }
        let plain = lines("", Client(), all)
        #expect(lines(nominating + Self.forged, Client(), all) == plain)
    }

    @Test("a name with underscores is no way around what is replaced", arguments: [false, true])
    func twins(isTrusted: Bool) {
        let client = Client(isTrusted: isTrusted)
        let sent =
            "X_Forwarded_For: 1.1.1.1\r\nx-forwarded_Proto: https\r\nX_FORWARDED-HOST: evil\r\n"
            + "X_Forwarded_Port: 443\r\n"
        #expect(lines(sent, client) { $0.xForwarded = .append } == Self.own)
        #expect(lines("X_Request_Id: 7\r\n", client) { $0.addsRequestID = true }.count == 1)
        for name in ["Content_Length", "Transfer-Encoding_", "Transfer_Encoding", "Keep_Alive"] {
            let isTwin = !name.hasSuffix("_")
            #expect(lines("\(name): 1\r\n", client) { _ in }.isEmpty == isTwin)
        }
        // Those that mean nothing here pass, and all do whose namesakes pass.
        let others = ["X_Forwarded_Foo: 1", "My_Field: 2", "X_Forwarded_For: 3", "X_Request_Id: 4"]
        #expect(lines(others.map { $0 + "\r\n" }.joined(), client) { _ in } == others)
    }

    @Test("who a client is by its certificate, nobody but a trusted proxy says")
    func clientCertificates() {
        let forged = [
            "Client-Cert: :YQ==:", "client-cert-subject: CN=root", "Client_Cert: a",
            "CLIENT_CERT_SAN: b", "Client-Cert_Serial: c", "Client-Cert-: d",
            "client-cert-anything: e",
        ]
        // Names that only look alike are nobody's business.
        let others = ["Client-Certificate: a", "Client: b", "Client-Cer: c", "XClient-Cert: d"]
        let sent = (forged + others).map { $0 + "\r\n" }.joined()
        #expect(lines(sent, Client()) { _ in } == others)
        #expect(lines(sent, Client()) { $0.clientCertificate = .replace } == others)
        let trusted = Client(isTrusted: true)
        // Twins are nobody's: a server could take them for the proxy's.
        let kept = forged.filter { !$0.contains("_") }
        #expect(lines(sent, trusted) { _ in } == kept + others)
        #expect(lines(sent, trusted) { $0.clientCertificate = .replace } == others)
        #expect(lines(sent, Client()) { $0.clientCertificate = .off } == forged + others)
    }

    @Test(
        "what is known of a client's certificate replaces what anybody says",
        arguments: [
            ForwardingPolicy.Handling.append, .replace, .off,
        ])
    func ownCertificateLines(handling: ForwardingPolicy.Handling) {
        var policy = ForwardingPolicy()
        policy.xForwarded = .off
        policy.via = nil
        policy.clientCertificate = handling
        var forwarding = Forwarding(policy: policy, port: 1)
        forwarding.setClient(isTrusted: true) { $0.append("192.0.2.1") }
        let parsed = ParsedRequest(
            "GET / HTTP/1.1\r\nHost: h\r\nClient-Cert: a\r\nConnection: client-cert-san\r\n"
                + "Client-Cert-SAN: b\r\n\r\n")
        var out: [UInt8] = []
        parsed.head.write(
            from: parsed.input.span, forwarding: forwarding,
            certificateLines: bytes("Client-Cert-SAN: \"DNS:x\"\r\n"), into: &out)
        #expect(
            text(out) == "GET / HTTP/1.1\r\nHost: h\r\nClient-Cert-SAN: \"DNS:x\"\r\n\r\n")
    }

    @Test("switched off, nothing is added and nothing taken")
    func off() {
        let sent =
            "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=a\r\nX-Request-Id: 7\r\nVia: 1.1 x\r\n"
        for isTrusted in [false, true] {
            #expect(
                lines(sent, Client(isTrusted: isTrusted)) { _ in }
                    == sent.split(separator: "\r\n").map(String.init))
        }
    }

    @Test("Forwarded has elements as RFC 7239 spells them")
    func forwarded() {
        let sent = "Forwarded: for=\"[2001:db8::1]\";proto=https, for=_x\r\n"
        let added = "Forwarded: for=192.0.2.1;host=\"h:8\";proto=http"
        #expect(lines("", Client()) { $0.forwarded = .append } == [added])
        #expect(lines(sent, Client()) { $0.forwarded = .append } == [added])
        #expect(
            lines(sent, Client(isTrusted: true)) { $0.forwarded = .append }
                == [String(sent.dropLast()), added])
        #expect(lines(sent, Client(isTrusted: true)) { $0.forwarded = .replace } == [added])
        #expect(
            lines("", Client(address: "2001:db8::7")) { $0.forwarded = .append }
                == ["Forwarded: for=\"[2001:db8::7]\";host=\"h:8\";proto=http"])
    }

    @Test("Via names this hop behind those before it, with the version that came in")
    func via() {
        let sent = "Via: 1.0 fred\r\n"
        #expect(lines("", Client()) { $0.via = "me" } == ["Via: 1.1 me"])
        #expect(lines("", Client(), version: "1.0") { $0.via = "me" } == ["Via: 1.0 me"])
        #expect(
            lines(sent, Client()) { $0.via = "me" } == ["Via: 1.0 fred", "Via: 1.1 me"])
    }

    @Test("a request's id is ours, unless a trusted proxy gave one")
    func requestID() {
        let own = "X-Request-Id: 00000000000000abcdef000000000001"
        #expect(lines("", Client()) { $0.addsRequestID = true } == [own])
        #expect(lines("X-Request-Id: 7\r\n", Client()) { $0.addsRequestID = true } == [own])
        #expect(lines("", Client(isTrusted: true)) { $0.addsRequestID = true } == [own])
        #expect(
            lines("X-Request-Id: 7\r\n", Client(isTrusted: true)) { $0.addsRequestID = true }
                == ["X-Request-Id: 7"])
    }

    @Test("trace context passes as it came")
    func traceContext() {
        let sent =
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
            + "tracestate: rojo=00f067aa0ba902b7\r\n"
        #expect(
            lines(sent, Client()) { $0 = ForwardingPolicy() }.prefix(2).joined(separator: "\r\n")
                + "\r\n" == sent)
    }

    @Test(
        "Max-Forwards counts for OPTIONS and TRACE alone, and must be a number there",
        arguments: [
            ("OPTIONS", "0", 0), ("TRACE", "10", 10), ("GET", "0", nil), ("GET", "x", nil),
            ("OPTIONS", "007", 7),
        ] as [(String, String, UInt64?)])
    func maxForwards(_ method: String, _ value: String, _ expected: UInt64?) {
        let parsed = ParsedRequest(
            "\(method) / HTTP/1.1\r\nHost: h\r\nMax-Forwards: \(value)\r\n\r\n")
        guard case .complete = parsed.outcome else {
            Issue.record("\(parsed.outcome)")
            return
        }
        #expect(parsed.head.maxForwards == expected)
    }

    @Test(
        "a Max-Forwards that can't be counted down is refused",
        arguments: ["x", "", "-1", "1, 2", "+1"])
    func badMaxForwards(_ value: String) {
        let head = "OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: \(value)\r\n"
        #expect(ParsedRequest("\(head)\r\n").outcome == .bad(.invalidMaxForwards))
        #expect(
            ParsedRequest(
                "OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n"
            )
            .outcome == .bad(.invalidMaxForwards))
    }

    @Test(
        "a protocol switched to must have been offered",
        arguments: [
            ("websocket", "websocket", true), ("a, WebSocket ,b/2", "websocket", true),
            ("a,b/2", "b/2", true), ("a,b/2", "b", false), ("websocket", "", false),
            ("", "websocket", false), ("a, b", "b, a", true), ("a", "a, b", false),
        ])
    func upgradeOffers(_ offered: String, _ chosen: String, _ isIn: Bool) {
        let (offered, chosen) = (bytes(offered), bytes(chosen))
        let outcome = UpgradeOffer.contains(offered.span, chosen.span)
        #expect(outcome == isIn)
    }

    @Test(
        "what an upgrade would turn into HTTP again is left out, of any list and any line",
        arguments: [
            ("websocket", "websocket"), ("h2c", ""), ("websocket, H2C", "websocket"),
            (",h2c ,x", "x"), ("SPDY/3.1", "SPDY/3.1"), ("HTTP/2.0, a/1 , b", "a/1,b"),
            ("TLS/1.2", ""), ("h2", ""), ("h2c /1,a", "a"), ("xh2c, h2cx", "xh2c,h2cx"),
            ("h2c\r\nUpgrade: websocket", "websocket"), ("a\r\nupgrade: b", "a, b"),
            ("a\r\nUpgrade: h2c", "a"), ("", ""), ("\r\nUpgrade: a", "a"),
        ])
    func upgradesPassedOn(_ lines: String, _ offer: String) {
        let options = [
            "Upgrade", "keep-alive, UPGRADE", "x,upgrade ,y", "x\r\nConnection: upgrade",
        ]
        for option in options {
            let parsed = ParsedRequest(
                "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: \(lines)\r\n"
                    + "Connection: \(option)\r\n\r\n")
            #expect(text(parsed.head.upgradeOffer(parsed.input.span)) == offer)
            // The option may come first.
            let turned = ParsedRequest(
                "GET / HTTP/1.1\r\nHost: h\r\nConnection: \(option)\r\n"
                    + "Upgrade: \(lines)\r\n\r\n")
            #expect(text(turned.head.upgradeOffer(turned.input.span)) == offer)
        }
        let parsed = ParsedRequest(
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: \(lines)\r\nConnection: x\r\n\r\n")
        #expect(parsed.head.upgradeOffer(parsed.input.span).isEmpty)
    }
}
