// Goal: random case hides bits in a name and changes nothing else of it. Method: a seeded
// generator; names with every kind of octet.

import DNSWire
import Random
import TestSupport
import Testing

@Suite struct LetterCaseTests {
    @Test("random case changes letters alone, and each of them now and then")
    func randomCase() throws {
        var random = SplitMix64(seed: 1)
        // A label of 63 octets, one of 1, digits, a hyphen, and octets that are no letters.
        let long = String(repeating: "a", count: 63)
        let name = try DomainName("_w-9.\(long).Z.\\000\\200\\255.example")
        var changed: Set<Int> = []
        for _ in 0..<200 {
            let mixed = name.withRandomCase(using: &random)
            #expect(mixed == name && mixed.hashValue == name.hashValue)
            for (index, octet) in mixed.wireOctets.enumerated()
            where octet != name.wireOctets[index] {
                changed.insert(index)
            }
        }
        let letters = name.wireOctets.indices.filter {
            (0x61...0x7a).contains(name.wireOctets[$0] | 0x20)
        }
        #expect(changed == Set(letters))
        #expect(letters.count == 1 + 63 + 1 + 7)
    }

    @Test("lower case is what it says, and the same name")
    func lowerCase() throws {
        let name = try DomainName("_WeB.\\193.Example")
        #expect(name.lowercased == name)
        #expect("\(name.lowercased)" == "_web.\\193.example.")
        #expect(DomainName.root.lowercased.isRoot)
    }
}
