// Goal: a limit counts each client by itself, tells apart what a client can't choose, and goes on
// when the rules are read again. Method: rules of a few requests an hour, so that no clock matters.

import Endpoints
import RateLimits
import Testing

@Suite struct RateLimitTests {
    private static let now: UInt64 = 1_000_000_000_000

    private func admits(_ limit: RateLimit, _ key: RateKey, of count: Int = 9) -> Int {
        (0..<count).count { _ in
            if case .admitted = limit.take(key, at: Self.now).verdict { true } else { false }
        }
    }

    @Test("as many at once as the limit says, unless a burst is given")
    func burst() {
        let plain = RateLimit(RateRule(.address, 5, per: .seconds(3600)))
        let narrow = RateLimit(RateRule(.address, 5, per: .seconds(3600), burst: 2))
        #expect(admits(plain, .address(.loopback)) == 5)
        #expect(admits(narrow, .address(.loopback)) == 2)
    }

    @Test("an IPv4 address is one client, and a /64 of IPv6")
    func addresses() throws {
        let limit = RateLimit(RateRule(.address, 2, per: .seconds(3600)))
        for (text, expected) in [
            ("192.0.2.1", 2), ("192.0.2.2", 2), ("192.0.2.1", 0), ("2001:db8::1", 2),
            ("2001:db8::ffff:1", 0), ("2001:db8:0:1::1", 2),
        ] {
            let address = try #require(IPAddress(text))
            #expect(admits(limit, .address(address)) == expected, "\(text)")
        }
    }

    @Test("values of a field are told apart by all of their bytes, and from addresses")
    func values() {
        let texts = ["", "a", "b", "aaaaaaaa", "aaaaaaab", "baaaaaaaa", "aaaaaaaaa", "\0", "\0\0"]
        let keys = texts.map { RateKey.value(Array($0.utf8).span) }
        for (index, key) in keys.enumerated() {
            #expect(keys.firstIndex(of: key) == index)
            #expect(RateKey.value(Array(texts[index].utf8).span) == key)
        }
        #expect(RateKey.value([0, 0, 0, 1]) != .address(.v4(1)))
    }

    @Test("rules that are the same go on with what they have counted, each once")
    func kept() {
        let rules = [
            RateRule(.address, 2, per: .seconds(3600)), RateRule(.all, 3, per: .seconds(3600)),
        ]
        let old = RateLimit.limits(rules)
        #expect(old.map { admits($0, .all) } == [2, 3])
        let new = RateLimit.limits(
            [rules[1], RateRule(.all, 4, per: .seconds(3600)), rules[1], rules[0]], keeping: old)
        #expect(new.map { admits($0, .all) } == [0, 4, 3, 0])
    }

    @Test("a shared limit is divided by what is known at the time, and others are not")
    func shared() {
        let shares = RateShares()
        func limit(_ isShared: Bool) -> RateLimit {
            RateLimit(RateRule(.all, 8, per: .seconds(3600), isShared: isShared), shares: shares)
        }
        func quota(_ limit: RateLimit) -> String {
            "\(limit.quota.requests) in \(limit.quota.time)"
        }
        let (own, shared) = (limit(false), limit(true))
        #expect(quota(shared) == "8 in 3600.0 seconds")
        shares.set(4)
        #expect(quota(shared) == "2 in 3600.0 seconds")
        #expect(quota(own) == "8 in 3600.0 seconds")
        #expect(admits(shared, .all) == 2 && admits(own, .all) == 8)
        // All of this part is taken, and so is all of the whole.
        shares.set(1)
        #expect(admits(shared, .all) == 0)
        // A part of less than one request is one, in as many hours as that takes.
        shares.set(20)
        #expect(quota(limit(true)) == "1 in 9000.0 seconds")
        #expect(admits(limit(true), .all) == 1)
        shares.set(7)
        let small = RateLimit(RateRule(.all, 3, per: .seconds(1), isShared: true), shares: shares)
        #expect(quota(small) == "1 in 3.0 seconds")
    }

    @Test("the memory is what the clients told apart take, and next to nothing for all together")
    func memory() {
        #expect(RateRule(.address, 1, per: .seconds(1)).bytesMax == 2 << 20)
        #expect(RateRule(.all, 1, per: .seconds(1)).bytesMax == 128)
        #expect(RateRule(.field("x"), 1, per: .seconds(1), clients: 1000).bytesMax <= 40_000)
    }
}

extension RateKey {
    fileprivate static func value(_ bytes: [UInt8]) -> RateKey { .value(bytes.span) }
}
