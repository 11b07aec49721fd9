// Goal: a certificate and a key that can't be used are refused with a reason, before anybody sees
// them. Method: pairs made by openssl, and what becomes of their texts.

import Testing

@testable import TLS

@Suite struct CertificateTests {
    @Test func `a pair is read with its names and its end`() throws {
        let certificates = try Certificates.made.get()
        let ecdsa = try certificates.ecdsa.certificate()
        #expect(ecdsa.subject == "/CN=ecdsa")
        #expect(ecdsa.names == ["example.com", "*.example.com"])
        #expect(ecdsa.notAfter > 1_700_000_000)
        let rsa = try certificates.rsa.certificate()
        #expect(rsa.keyKind != ecdsa.keyKind)
        #expect(try certificates.chained.certificate().subject == "/CN=leaf")
    }

    @Test func `what can't be used is refused with its reason`() throws {
        let certificates = try Certificates.made.get()
        var pair = certificates.ecdsa
        func expectRefusal(_ problem: CertificateProblem) {
            #expect(throws: problem) { try pair.certificate() }
        }
        pair = certificates.expired
        expectRefusal(.expired(subject: "/CN=expired"))
        pair = certificates.protected
        expectRefusal(.keyIsProtected)
        pair = certificates.ecdsa
        pair.key = certificates.other.key
        expectRefusal(.keyMismatch(subject: "/CN=ecdsa"))
        pair.key = Array("nothing\n".utf8)
        expectRefusal(.noKey)
        pair.key = []
        expectRefusal(.noKey)
        pair = certificates.ecdsa
        pair.chain = Array("nothing\n".utf8)
        expectRefusal(.noCertificate)
        pair.chain = []
        expectRefusal(.noCertificate)
        pair = certificates.ecdsa
        pair.chain += certificates.other.chain
        expectRefusal(.wrongIssuer(2, subject: "/CN=ecdsa"))
        // Each cut and each changed letter gives a reason or a certificate that is whole.
        let whole = certificates.chained
        for count in stride(from: 0, to: whole.chain.count, by: 37) {
            pair = whole
            pair.chain = Array(whole.chain.prefix(count))
            _ = try? pair.certificate()
            pair = whole
            pair.chain[count] ^= 1
            _ = try? pair.certificate()
            pair = whole
            pair.key[count] ^= 1
            _ = try? pair.certificate()
        }
        #expect(try whole.certificate().subject == "/CN=leaf")
    }

    @Test func `protocols are looked for in a list as it is written`() {
        func place(of list: [UInt8]) -> Int? { TLSContext.place(of: "http/1.1", in: list.span) }
        func place(_ names: [String]) -> Int? {
            let list = names.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            return place(of: list)
        }
        #expect(place(["http/1.1"]) == 1)
        #expect(place(["h2", "http/1.1", "http/1.0"]) == 4)
        #expect(place(["h2"]) == nil)
        #expect(place([]) == nil)
        #expect(place(of: [9, 104, 116, 116, 112]) == nil)
        #expect(place(of: [0, 0, 0]) == nil)
    }

    @Test func `keys of tickets renew themselves and open what the last ones sealed`() throws {
        try OpenSSL.load()
        let keys = TicketKeys(lifetime: 100)
        let first = try #require(keys.sealing(now: 1000)).name
        #expect(try #require(keys.sealing(now: 1099)).name == first)
        let second = try #require(keys.sealing(now: 1100)).name
        #expect(second != first)
        /// Whether the key of that name is the newest; nil when it is gone.
        func isNewest(_ name: [UInt8], _ now: Int) -> Bool? {
            guard let found = keys.opening(name: name.span, now: now) else { return nil }
            return found.isSealing
        }
        #expect(isNewest(first, 1150) == false)
        #expect(isNewest(second, 1150) == true)
        #expect(isNewest(second, 1200) == false)
        #expect(isNewest(first, 1299) == false)
        #expect(isNewest(first, 1300) == nil)
        #expect(isNewest([UInt8](repeating: 7, count: 16), 1150) == nil)
    }
}
