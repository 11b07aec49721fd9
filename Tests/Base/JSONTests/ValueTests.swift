// Goal: a document of any shape keeps what it has when something is added to it. Method: values of
// each kind, written by hand, changed, and read back.

import JSON
import Testing

@Suite struct JSONValueTests {
    private let document: JSONValue = [
        "z": 1, "a": ["deep": ["text": "a\"b"]], "half": .fraction(0.5), "on": .bool(true),
        "nothing": .null, "list": .list([1, "two", ["three": 3]]), "empty": [:],
    ]

    @Test("a value of each kind is read as it was written")
    func thereAndBack() throws {
        let text = try #require(JSON.encode(document))
        let read = try JSON.decode(JSONValue.self, from: text)
        #expect(JSON.encode(read) == text)
        guard case .number(1) = read["z"], case .fraction(0.5) = read["half"],
            case .bool(true) = read["on"], case .null = read["nothing"],
            case .text("a\"b") = read[["a", "deep", "text"]], case .object(let none) = read["empty"]
        else {
            Issue.record("read \(read)")
            return
        }
        #expect(none.isEmpty)
    }

    @Test("people get the members in their order; parts have lines of their own")
    func written() {
        #expect(
            document.written() == """
                {
                  "z": 1,
                  "a": {
                    "deep": {
                      "text": "a\\"b"
                    }
                  },
                  "half": 0.5,
                  "on": true,
                  "nothing": null,
                  "list": [
                    1,
                    "two",
                    {
                      "three": 3
                    }
                  ],
                  "empty": {}
                }
                """)
        #expect(JSONValue.texts(["a", "b"]).written() == "[\"a\", \"b\"]")
    }

    @Test("a member is changed where it stands, and made with all that leads to it")
    func changed() {
        var value: JSONValue = ["first": 1, "second": 2]
        value["first"] = 3
        value[["made", "on", "the way"]] = 4
        value[["second", "inner"]] = 5
        value["list"].append([1])
        value["list"].append([2, 3])
        #expect(
            value.written() == """
                {
                  "first": 3,
                  "second": {
                    "inner": 5
                  },
                  "made": {
                    "on": {
                      "the way": 4
                    }
                  },
                  "list": [1, 2, 3]
                }
                """)
    }
}
