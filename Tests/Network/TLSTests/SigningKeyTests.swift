// Goal: keys, certificates and requests that Fairlead makes are what others understand. Method:
// the command openssl reads and verifies them.

import Testing

@testable import TLS

@Suite struct SigningKeyTests {
    init() throws { try OpenSSL.load() }

    @Test func `a certificate for names and addresses is good for a server`() throws {
        let key = SigningKey()
        let chain = key.selfSigned(
            for: ["example.com", "*.example.com", "127.0.0.1", "::1"], subject: "a demo", days: 30)
        let certificate = try TLSCertificate(chain: chain, key: key.pem)
        #expect(certificate.names == ["example.com", "*.example.com"])
        #expect(certificate.subject == "/CN=a demo")
        let text = try said("openssl x509 -text -noout", chain)
        #expect(text.contains("DNS:example.com, DNS:*.example.com, IP Address:127.0.0.1"))
        #expect(text.contains("IP Address:0:0:0:0:0:0:0:1"))
        #expect(text.contains("TLS Web Server Authentication"))
        #expect(text.contains("prime256v1"))
    }

    @Test func `a certificate for a challenge carries the digest of its answer`() throws {
        let digest = SHA256.digest(of: Array("token.thumbprint".utf8))
        let chain = SigningKey().selfSigned(
            for: ["example.com"], days: 7, acmeIdentifier: digest)
        let text = try said("openssl x509 -outform DER | openssl asn1parse -inform DER", chain)
        // Critical, and an octet string with the digest (RFC 8737, section 3).
        let wanted = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16).uppercased() }
        let lines = text.split(separator: "\n")
        let place = try #require(
            lines.firstIndex { $0.contains("1.3.6.1.5.5.7.1.31") || $0.contains("acmeIdentifier") })
        #expect(lines[place + 1].contains("BOOLEAN"))
        #expect(lines[place + 2].contains("[HEX DUMP]:0420" + wanted.joined()))
    }

    @Test func `a request names what the certificate is to be for`() throws {
        let request = SigningKey().certificateRequest(for: ["example.com", "www.example.com"])
        let text = try said("openssl req -inform DER -verify -text -noout 2>&1", request)
        #expect(text.contains("verify OK"))
        #expect(text.contains("DNS:example.com, DNS:www.example.com"))
    }

    @Test func `a key is the same once it was written and read`() throws {
        let key = SigningKey()
        let again = try SigningKey(pem: key.pem)
        #expect(again.coordinates.x == key.coordinates.x)
        #expect(again.coordinates.y == key.coordinates.y)
        #expect(again.coordinates.x.count == 32)
        #expect(throws: SigningKeyProblem.wrongKind) {
            try SigningKey(pem: Certificates.made.get().rsa.key)
        }
        #expect(throws: SigningKeyProblem.self) { try SigningKey(pem: Array("nothing".utf8)) }
    }

    @Test func `a signature verifies, whatever the length of its numbers`() throws {
        let key = SigningKey()
        let publicKey = try said("openssl pkey -pubout", key.pem)
        // One in 128 has a number with a leading zero.
        for number in 0..<40 {
            let content = Array("content \(number)".utf8)
            let signature = key.signature(of: content)
            #expect(signature.count == 64)
            let der = Self.der(signature)
            let isGood = try said(
                """
                cat >p; printf '\(der)' >s; printf 'content \(number)' >c
                openssl dgst -sha256 -verify p -signature s c
                """, Array(publicKey.utf8))
            #expect(isGood == "Verified OK\n")
        }
    }

    @Test func `digests are those of the standards`() {
        // FIPS 180-4's example, and RFC 4231's second.
        #expect(
            SHA256.digest(of: Array("abc".utf8)).prefix(4) == [0xBA, 0x78, 0x16, 0xBF])
        let code = SHA256.authenticationCode(
            of: Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
        #expect(code.prefix(4) == [0x5B, 0xDC, 0xC1, 0x46])
        #expect(code.suffix(4) == [0x64, 0xEC, 0x38, 0x43])
    }

    /// The signature as `printf` writes it in DER.
    private static func der(_ signature: [UInt8]) -> String {
        let numbers = [signature.prefix(32), signature.suffix(32)].map { part -> [UInt8] in
            var number = Array(part.drop { $0 == 0 })
            if let first = number.first, first >= 0x80 { number.insert(0, at: 0) }
            return [2, UInt8(number.count)] + number
        }
        let all = [0x30, UInt8(numbers[0].count + numbers[1].count)] + numbers[0] + numbers[1]
        return printed(all)
    }

    /// What `script` writes, which reads `input`, in a folder of its own.
    private func said(_ script: String, _ input: [UInt8]) throws -> String {
        let whole = """
            d=$(mktemp -d) && cd $d && trap "rm -r $d" EXIT
            printf '\(Self.printed(input))' | { \(script)
            }
            """
        return String(decoding: try Certificates.said(whole), as: UTF8.self)
    }

    /// `bytes` as `printf` writes them.
    private static func printed(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 8)
            return "\\" + String(repeating: "0", count: 3 - digits.count) + digits
        }.joined()
    }
}
