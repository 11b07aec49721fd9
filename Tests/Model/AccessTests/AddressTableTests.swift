// Goal: of the networks that an address is in, the most specific one decides, in whatever order
// they were written. Method: lists with exceptions of exceptions, and random ones beside a plain
// search.

import Access
import Endpoints
import Testing

@Suite struct AddressTableTests {
    private func networks(_ texts: [String]) throws -> [IPNetwork] {
        try texts.map { text in
            let parts = text.split(separator: "/")
            let address = try #require(IPAddress(parts[0]))
            let prefix = try #require(parts.count == 2 ? Int(parts[1]) : address.bitWidth)
            return try #require(IPNetwork(containing: address, prefix: prefix))
        }
    }

    private func rules(allow: [String] = [], deny: [String] = []) throws -> AddressRules {
        var rules = AddressRules()
        rules.allowed = try networks(allow)
        rules.denied = try networks(deny)
        return rules
    }

    private func admits(_ rules: AddressRules, _ address: String) throws -> Bool {
        let address = try #require(IPAddress(address))
        return try #require(AddressTable(rules)).admits(address)
    }

    @Test("without a list there is nothing to ask")
    func none() {
        #expect(AddressTable(AddressRules()) == nil)
    }

    @Test(
        "the longest prefix decides",
        arguments: [
            ("10.9.9.9", true), ("10.1.9.9", false), ("10.1.2.3", true), ("10.1.2.4", false),
            ("11.0.0.1", false), ("2001:db8::1", true), ("2001:db8:bad::1", false), ("::1", false),
            ("::ffff:10.1.9.9", false), ("::ffff:10.9.9.9", true),
        ])
    func mostSpecific(address: String, isAdmitted: Bool) throws {
        let rules = try rules(
            allow: ["10.1.2.3", "10.0.0.0/8", "2001:db8::/32"],
            deny: ["10.1.0.0/16", "2001:db8:bad::/48", "0.0.0.0/0"])
        #expect(try admits(rules, address) == isAdmitted)
    }

    @Test("with denied networks alone, others may come")
    func deniedAlone() throws {
        let rules = try rules(deny: ["192.0.2.0/24"])
        #expect(try !admits(rules, "192.0.2.255"))
        #expect(try admits(rules, "192.0.3.0"))
        #expect(try admits(rules, "2001:db8::1"))
    }

    @Test("a network of one family says nothing of the other, but that there is a list")
    func families() throws {
        #expect(try !admits(try rules(allow: ["0.0.0.0/0"]), "2001:db8::1"))
        #expect(try admits(try rules(deny: ["::/0"]), "192.0.2.1"))
    }

    @Test("a network in both lists is a contradiction")
    func contradictions() throws {
        let rules = try rules(allow: ["10.0.0.0/8", "::1"], deny: ["10.0.0.0/8"])
        #expect(rules.contradictions == (try networks(["10.0.0.0/8"])))
    }

    @Test("it says what a plain search says")
    func search() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var rules = AddressRules()
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                let address = IPAddress.v4(UInt32.random(in: 0...0xFF, using: &random) << 24)
                let prefix = Int.random(in: 0...12, using: &random)
                guard let network = IPNetwork(containing: address, prefix: prefix) else { continue }
                if Bool.random(using: &random) {
                    rules.allowed.append(network)
                } else {
                    rules.denied.append(network)
                }
            }
            let table = try #require(AddressTable(rules))
            for _ in 0..<100 {
                let address = IPAddress.v4(UInt32.random(in: 0...0xFFF, using: &random) << 20)
                let allowed = rules.allowed.filter { $0.contains(address) }.map(\.prefix).max()
                let denied = rules.denied.filter { $0.contains(address) }.map(\.prefix).max()
                let expected =
                    switch (allowed, denied) {
                    case (nil, nil): rules.allowed.isEmpty
                    case (let allowed?, nil): allowed >= 0
                    case (nil, _?): false
                    case (let allowed?, let denied?): allowed > denied
                    }
                #expect(table.admits(address) == expected, "\(address) \(rules)")
            }
        }
    }
}
