// Goal: a client's certificate is found as fast among ten thousand names as among a few, and of
// several for one name the right one is shown. Method: certificates with many names, made here.

import TLS
import Testing

@Suite struct ServerNamesTests {
    /// A certificate for these names that ends in so many days.
    private static func certificate(_ names: [String], days: Int = 30) throws -> TLSCertificate {
        let key = SigningKey()
        return try TLSCertificate(chain: key.selfSigned(for: names, days: days), key: key.pem)
    }

    /// An index of so many names, a hundred in each certificate.
    private func index(of count: Int) throws -> NameIndex {
        try OpenSSL.load()
        let certificates = try stride(from: 0, to: count, by: 100).map { first in
            try Self.certificate((first..<min(first + 100, count)).map { "host\($0).test" })
        }
        return NameIndex(TLSServerOptions(certificates: certificates, isHTTP: true))
    }

    /// How long a look-up takes, in nanoseconds: the best of several rounds.
    private func cost(_ index: NameIndex, of count: Int) -> Double {
        let names = (0..<1000).map { "host\($0 * 7919 % count).test" }
        let rounds = (0..<20).map { _ in
            ContinuousClock().measure {
                for name in names { #expect(index.certificates(for: name) != nil) }
            }
        }
        return (rounds.min() ?? .zero) / .nanoseconds(1000)
    }

    @Test func `a look-up costs as much among ten thousand names as among a few`() throws {
        let counts = [1, 1000, 10_000]
        let costs = try counts.map { cost(try index(of: $0), of: $0) }
        // Nothing but the caches' misses: a search through all would cost thousands of times more.
        #expect(costs[2] < 5 * costs[0] + 200, "\(costs) ns for \(counts) names")
        #expect(costs[1] < 5 * costs[0] + 200, "\(costs) ns for \(counts) names")
    }

    @Test func `each name leads to its certificate, and strangers to none or the first`() throws {
        try OpenSSL.load()
        let certificates = try [["a.test", "*.a.test"], ["b.test"], ["x.a.test"]].map {
            try Self.certificate($0)
        }
        var options = TLSServerOptions(certificates: certificates, isHTTP: true)
        func subject(_ name: String?) -> [String]? {
            let index = NameIndex(options)
            return index.certificates(for: name)?.first?.names
        }
        #expect(subject("a.test") == ["a.test", "*.a.test"])
        #expect(subject("y.a.test") == ["a.test", "*.a.test"])
        #expect(subject("x.a.test") == ["x.a.test"])
        #expect(subject("b.test") == ["b.test"])
        #expect(subject("z.y.a.test") == ["a.test", "*.a.test"])
        #expect(subject(nil) == ["a.test", "*.a.test"])
        options.isStrict = true
        for stranger in ["z.y.a.test", "c.test", ".a.test", "", nil] {
            #expect(subject(stranger) == nil)
        }
        // Nothing has come yet, as before a certificate is first fetched.
        options = TLSServerOptions(certificates: [], isHTTP: true)
        #expect(subject("a.test") == nil)
        #expect(subject(nil) == nil)
    }

    @Test func `of certificates for one name and kind of key the one that ends last is shown`()
        throws
    {
        try OpenSSL.load()
        let certificates = try [10, 30, 20].map { try Self.certificate(["a.test"], days: $0) }
        let index = NameIndex(TLSServerOptions(certificates: certificates, isHTTP: true))
        for name in ["a.test", nil] {
            #expect(index.certificates(for: name) == [certificates[1]])
        }
    }
}
