// Goal: names compare as DNS compares them, and text and name are each other's inverse.
// Method: tables, each with malformed twins.

import DNSWire
import Testing

@Suite struct DomainNameTests {
    @Test(
        "text and name are each other's inverse",
        arguments: [
            ".", "consul.", "_web._tcp.service.consul.", #"a\.b.c."#, #"a\\b."#, #"\000\255."#,
            #"sp\032ace."#, "WeB.Consul.",
        ])
    func roundTrip(text: String) throws {
        #expect(try DomainName(text).description == text)
    }

    @Test("the final dot is optional, and escapes have one meaning")
    func sameName() throws {
        #expect(try DomainName("web.consul") == DomainName("web.consul."))
        #expect(try DomainName(#"\119eb"#) == DomainName("web"))
        #expect(try DomainName(#"a\.b"#).labels == [ArraySlice("a.b".utf8)])
        #expect(try DomainName("a.b").labels.count == 2)
    }

    @Test("case of ASCII letters does not matter, nothing else is folded")
    func caseFolding() throws {
        let lower = try DomainName("web-1.consul")
        let mixed = try DomainName("wEb-1.CONSUL.")
        #expect(lower == mixed)
        #expect(Set([lower, mixed]).count == 1)
        #expect(!lower.isSpelled(like: mixed))
        // 0x40 and 0x60, 0x5b and 0x7b differ by the same bit as letters do.
        #expect(try DomainName(#"\064"#) != DomainName("`"))
        #expect(try DomainName("[") != DomainName("{"))
        #expect(try DomainName(#"\192"#) != DomainName(#"\224"#))
    }

    @Test("a name is within its ancestors, label by label")
    func ancestors() throws {
        let name = try DomainName("a.dc1.Consul")
        #expect(name.isWithin(name))
        #expect(name.isWithin(try DomainName("DC1.consul")))
        #expect(name.isWithin(.root))
        #expect(!name.isWithin(try DomainName("c1.consul")))
        #expect(!(try DomainName("consul")).isWithin(name))
        #expect(name.parent == (try DomainName("dc1.consul")))
        #expect(DomainName.root.parent == nil)
    }

    @Test("what is not a name is refused, saying what and where", arguments: refused)
    func malformed(twin: (text: String, error: DomainNameError)) {
        #expect(throws: twin.error) { try DomainName(twin.text) }
    }

    @Test("63 octets fit into a label, 255 into a name")
    func limits() throws {
        let label = String(repeating: "a", count: 63)
        let name = "\(label).\(label).\(label).\(label.dropLast(2))"
        #expect(try DomainName(name).wireOctets.count == 255)
        #expect(throws: DomainNameError.nameTooLong(octets: 256)) { try DomainName(name + "a.") }
        #expect(throws: DomainNameError.labelTooLong(label: label + "a", octets: 64)) {
            try DomainName(label + "a.b")
        }
    }
}

private let refused: [(text: String, error: DomainNameError)] = [
    ("", .empty), ("..", .emptyLabel(offset: 0)), (".a", .emptyLabel(offset: 0)),
    ("a..b", .emptyLabel(offset: 2)), ("a..", .emptyLabel(offset: 2)),
    (#"a\"#, .badEscape(offset: 1)), (#"\25"#, .badEscape(offset: 0)),
    (#"\256"#, .badEscape(offset: 0)), (#"\2x5"#, .badEscape(offset: 0)),
    ("a b", .illegalByte(0x20, offset: 1)), ("a\t", .illegalByte(9, offset: 1)),
    ("bücher", .illegalByte(0xc3, offset: 1)),
]
