// Goal: what is written is JSON that compares as text, what is read is what was meant, and what
// can't be is told by its place. Method: values of each kind, there and back.

import JSON
import Testing

@Suite struct JSONTests {
    private struct Tree: Codable, Equatable {
        var name: String?
        var count: Int?
        var small: UInt8?
        var share: Double?
        var flags: [String: Bool]?
        var branches: [Tree]?
        var side: Side?
    }

    private enum Side: String, Codable { case left, right }

    private func text(_ value: some Encodable, _ layout: JSON.Layout = .line) throws -> String {
        String(decoding: try #require(JSON.encode(value, layout: layout)), as: UTF8.self)
    }

    @Test("keys are sorted, slashes stay, and there is no line end")
    func written() throws {
        let tree = Tree(
            name: "a/b", count: 3, flags: ["z": true, "a": false], branches: [Tree(share: 0.25)])
        #expect(
            try text(tree)
                == #"{"branches":[{"share":0.25}],"count":3,"flags":{"a":false,"z":true},"name":"a/b"}"#
        )
        #expect(
            try text(["b": 1, "a": 2], .indented) == "{\n  \"a\" : 2,\n  \"b\" : 1\n}")
    }

    @Test("a number that JSON can't say is not written", arguments: [Double.infinity, .nan])
    func unspeakable(number: Double) {
        #expect(JSON.encode([number]) == nil)
    }

    @Test("what was written is read as it was")
    func thereAndBack() throws {
        let tree = Tree(
            name: "grüße \u{0}\n\u{1F980}", count: .min, small: 255, share: 0.1,
            flags: ["": true], branches: [Tree(), Tree(name: "")])
        #expect(try JSON.decode(Tree.self, from: #require(JSON.encode(tree))) == tree)
    }

    @Test(
        "what can't be read is told by its place",
        arguments: [
            ("", "it is no JSON, or a number in it is out of range"),
            ("{\"name\":}", "it is no JSON, or a number in it is out of range"),
            ("[1]", "the document is no object"),
            ("{\"name\":1}", "name is no text"),
            ("{\"count\":\"1\"}", "count is no whole number"),
            ("{\"small\":256}", "it is no JSON, or a number in it is out of range"),
            ("{\"count\":1.5}", "it is no JSON, or a number in it is out of range"),
            ("{\"branches\":[{\"side\":\"up\"}]}", "branches.[0].side is not among the expected"),
            ("{\"branches\":{}}", "branches is no list"),
            ("{\"branches\":[{},{\"flags\":{\"on\":1}}]}", "branches.[1].flags.on is no value"),
            ("{\"branches\":[null]}", "branches.[0] is null"),
        ])
    func malformed(text: String, says: String) {
        do throws(JSON.Malformed) {
            let tree = try JSON.decode(Tree.self, from: Array(text.utf8))
            Issue.record("it was read as \(tree)")
        } catch {
            #expect(error.reason.hasPrefix(says), "\(error.reason)")
        }
    }

    @Test("what is missing is named")
    func missing() {
        struct Named: Decodable { let name: String }
        let malformed = JSON.Malformed("[1] has no name")
        #expect(throws: malformed) {
            try JSON.decode([Named].self, from: Array("[{\"name\":\"a\"},{}]".utf8))
        }
    }

    @Test("nesting without end, and every cut of a document, are refused without harm")
    func hostile() throws {
        let whole = try #require(JSON.encode(Tree(name: "\"", branches: [Tree(share: 1e9)])))
        for length in 0..<whole.count {
            #expect(throws: JSON.Malformed.self) {
                try JSON.decode(Tree.self, from: Array(whole.prefix(length)))
            }
        }
        let nested = "{\"branches\":[".utf8
        #expect(throws: JSON.Malformed.self) {
            try JSON.decode(
                Tree.self, from: (0..<10_000).flatMap { _ in Array(nested) })
        }
    }

    @Test("a quoted string is on one line, and reads as what it was")
    func quoted() throws {
        let texts = [
            "", "plain", "\"\\/", "a\nb\r\u{0}\u{1f}\u{7f}", "\u{2028}\u{1F980}e\u{301}",
            "\u{feff}",
        ]
        for text in texts {
            let quoted = JSON.quoted(text)
            #expect(!quoted.utf8.contains { $0 < 0x20 })
            #expect(try JSON.decode([String].self, from: Array("[\(quoted)]".utf8)) == [text])
        }
    }
}
