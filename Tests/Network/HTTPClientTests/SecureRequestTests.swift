// Goal: a request by TLS goes to the server that it is for and to no other, and what is wrong is
// said in a sentence. Method: servers of Python's ssl with certificates that `openssl` has made,
// right and wrong ones, and a loop turned by the test.

import Endpoints
import Events
import Glibc
import HTTP1
import TLS
import TestSupport
import Testing

@testable import HTTPClient

@Suite struct SecureRequestTests {
    private let loop = EventLoop()
    private let authority: TestAuthority
    private let client: HTTPClient

    init() throws {
        try OpenSSL.load()
        authority = try TestAuthority()
        client = HTTPClient(on: loop)
    }

    private func trusting(
        _ file: String, certificate: TestAuthority.Pair? = nil
    ) throws -> TLSClient {
        var options = TLSClientOptions(
            trust: .authorities(TestAuthority.bytes(of: file)), protocols: [.http1])
        options.certificate = try certificate.map {
            try TLSCertificate(
                chain: TestAuthority.bytes(of: $0.cert), key: TestAuthority.bytes(of: $0.key))
        }
        return try TLSClient(options)
    }

    private func outcome(
        _ server: SecureServer, _ tls: TLSClient, name: String = "web.test",
        _ change: (inout HTTPClient.Request) -> Void = { _ in }
    ) throws -> HTTPClient.Outcome {
        var request = HTTPClient.Request(
            "/", from: Endpoint(.loopback, server.port), host: name, deadline: .seconds(20),
            responseBody: .upTo(1 << 20))
        request.tls = .init(tls, for: try #require(TLSPeerName(name)))
        change(&request)
        var outcome: HTTPClient.Outcome?
        client.send(request) { outcome = $0 }
        #expect(loop.turn { outcome != nil })
        return try #require(outcome)
    }

    private func body(_ outcome: HTTPClient.Outcome) -> String {
        switch outcome {
        case .response(let response): String(decoding: response.body, as: UTF8.self)
        case .failed(let failure): "\(failure)"
        }
    }

    private func fault(_ outcome: HTTPClient.Outcome) -> TLSFault? {
        if case .failed(.tls(let fault)) = outcome { fault } else { nil }
    }

    @Test func `a server whose certificate is for its name is answered by`() throws {
        let pair = try authority.issue("web", for: "DNS:web.test,DNS:*.wild.test,IP:127.0.0.1")
        let server = try SecureServer(pair, of: authority)
        let tls = try trusting(authority.file)
        let said = body(try outcome(server, tls))
        #expect(said.contains("version=TLSv1.3 name=web.test protocol=http/1.1"), "\(said)")
        #expect(body(try outcome(server, tls, name: "a.wild.test")).contains("name=a.wild.test"))
        // An address is verified and not told.
        #expect(body(try outcome(server, tls, name: "127.0.0.1")).contains("name=None"))
        // Nothing but a request for it turns verification off.
        let other = try TestAuthority()
        let blind = try TLSClient(TLSClientOptions(trust: .anybody, protocols: [.http1]))
        #expect(fault(try outcome(server, try trusting(other.file))) != nil)
        #expect(body(try outcome(server, blind, name: "other.test")).contains("name=other.test"))
    }

    @Test func `a certificate that does not verify is told with its rule and its name`() throws {
        let tls = try trusting(authority.file)
        func expect(
            _ reason: TLSFault.Reason, _ words: String, _ pair: TestAuthority.Pair,
            name: String = "web.test", tls: TLSClient
        ) throws {
            let server = try SecureServer(pair, of: authority)
            let outcome = try outcome(server, tls, name: name)
            let found = try #require(fault(outcome), "\(outcome)")
            #expect(found.reason == reason && found.isOfCertificate)
            #expect(found.description.contains(words), "\(found)")
            #expect(found.description.hasSuffix("; expected one for \(name)"))
        }
        let web = try authority.issue("web", for: "DNS:web.test,IP:10.0.0.1")
        try expect(
            .wrongName, "the certificate /CN=web is for web.test, 10.0.0.1", web,
            name: "other.test", tls: tls)
        try expect(.wrongName, "is for web.test", web, name: "127.0.0.1", tls: tls)
        // The common name is no name.
        let common = try authority.issue("common.test", for: "email:a@web.test")
        try expect(.wrongName, "is for no name", common, name: "common.test", tls: tls)
        let old = try authority.issue("old", for: "DNS:web.test", days: -1)
        try expect(.expired, "the certificate /CN=old has expired, on 20", old, tls: tls)
        let own = try authority.selfSigned("own", for: "DNS:web.test")
        try expect(.selfSigned, "the certificate /CN=own is self-signed", own, tls: tls)
        let stranger = try TestAuthority()
        try expect(
            .unknownIssuer, "/CN=web comes from no trusted authority", web,
            tls: try trusting(stranger.file))
    }

    @Test func `what is no secure server is told as what it is`() throws {
        let tls = try trusting(authority.file)
        let pair = try authority.issue("web", for: "DNS:web.test")
        let owner = try authority.issue("owner", for: "DNS:owner.test")
        // A certificate is wanted, which TLS 1.3 says only after the handshake.
        for version in ["1.3", "1.2"] {
            let strict = try SecureServer(
                pair, of: authority, "--client-ca \(authority.file) --max \(version)")
            let refused = try #require(fault(try outcome(strict, tls)))
            #expect([.refused, .certificateWanted].contains(refused.reason), "\(refused)")
            let shown = try trusting(authority.file, certificate: owner)
            #expect(body(try outcome(strict, shown)).contains("version=TLSv\(version)"))
            #expect(body(try outcome(strict, shown)).contains("client=owner"))
        }
        let mute = try SecureServer(pair, of: authority, "--mute")
        let late = try outcome(mute, tls) { $0.connectDeadline = .milliseconds(200) }
        #expect(fault(late)?.reason == .timedOut, "\(late)")
        let plain = try Socket.listen(on: Endpoint(.loopback, 0))
        let port = try #require(plain.localEndpoint).port
        try startThread {
            // It does not block, and the client may not be there yet.
            var accepted: Int32 = -1
            while accepted < 0 {
                accepted = accept(plain.number, nil, nil)
                if accepted < 0 { usleep(1000) }
            }
            // Read before it is closed, so that the end is no reset.
            var hello = [UInt8](repeating: 0, count: 4096)
            _ = unsafe recv(accepted, &hello, hello.count, 0)
            let answer = "HTTP/1.1 400 Bad Request\r\n\r\n"
            _ = unsafe Glibc.send(accepted, answer, answer.utf8.count, 0)
            close(accepted)
        }
        var request = HTTPClient.Request(
            "/", from: Endpoint(.loopback, port), deadline: .seconds(20), responseBody: .ignored)
        request.tls = .init(tls, for: .host("web.test"))
        var ended: HTTPClient.Outcome?
        client.send(request) { ended = $0 }
        #expect(loop.turn { ended != nil })
        #expect(fault(try #require(ended))?.reason == .notTLS, "\(String(describing: ended))")
        plain.close()
    }

    @Test("kept connections serve again, and later ones resume", arguments: ["1.2", "1.3"])
    func resumed(version: String) throws {
        let tls = try trusting(authority.file)
        let pair = try authority.issue("web", for: "DNS:web.test")
        let server = try SecureServer(pair, of: authority, "--requests 2 --max \(version)")
        func said() throws -> String {
            body(try outcome(server, tls) { $0.keepsConnection = true })
        }
        #expect(try said().contains("resumed=false version=TLSv\(version)"))
        let second = try said()
        #expect(second.contains("resumed=false") && second.hasSuffix("request=2"), "\(second)")
        for _ in 0..<4 {
            // The server has ended the connection, or is about to.
            #expect(try said().contains("resumed=true"))
            #expect(try said().hasSuffix("request=2"))
        }
        // Another client may trust others: it begins with a handshake, on connections of its own.
        let other = try trusting(authority.file)
        #expect(
            body(try outcome(server, other) { $0.keepsConnection = true }).contains(
                "resumed=false"))
    }

    @Test func `a PROXY header goes before the handshake, and large bodies go through it`() throws {
        let tls = try trusting(authority.file)
        let pair = try authority.issue("web", for: "DNS:web.test")
        let server = try SecureServer(pair, of: authority, "--proxy")
        let header = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2"
        let said = body(
            try outcome(server, tls) { $0.preface = { _ in Array("\(header)\r\n".utf8) } })
        #expect(said.contains("proxy=\(header)"), "\(said)")
        let large = try SecureServer(pair, of: authority)
        let got = body(try outcome(large, tls) { $0.path = "/bytes/1000000" })
        #expect(got.utf8.count == 1_000_000 && got.utf8.allSatisfy { $0 == 0x78 })
        let sent = [UInt8](repeating: 0x79, count: 900_000)
        let back = body(
            try outcome(large, tls) { ($0.method, $0.body, $0.path) = (.post, sent, "/") })
        #expect(Array(back.utf8) == sent)
    }
}
