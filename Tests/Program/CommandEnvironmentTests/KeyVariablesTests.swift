// Goal: keys become the variables that an operator expects, what is odd is told, and no message
// has a value. Method: sets of keys, and what is made of them.

import Testing

@testable import CommandEnvironment
@testable import Consul

@Suite struct KeyVariablesTests {
    private func entries(_ pairs: [String: String]) -> [ConsulKV.Entry] {
        pairs.sorted { $0.key < $1.key }.map {
            ConsulKV.Entry(key: $0.key, value: Array($0.value.utf8), flags: 0, modifyIndex: 1)
        }
    }

    private func read(
        _ places: [(String, [String: String])], keepsCase: Bool = false
    ) throws -> KeyVariables.Reading {
        KeyVariables.read(
            try places.map { (try KeyPlace($0.0), entries($0.1)) }, keepsCase: keepsCase)
    }

    private func values(_ reading: KeyVariables.Reading) -> [String: String] {
        var values: [String: String] = [:]
        reading.variables.forEach { values[$0] = String(decoding: $1, as: UTF8.self) }
        return values
    }

    @Test(
        "nested keys are one name in capitals",
        arguments: [
            ("db/password", "DB_PASSWORD"), ("db/pass-word", "DB_PASS_WORD"),
            ("a.b/C_1", "A_B_C_1"),
            ("_x", "_X"), ("PORT", "PORT"),
        ])
    func names(key: String, name: String) {
        #expect(VariableName.of(key, keepsCase: false) == name)
    }

    @Test(
        "a key that a shell could not name is no variable",
        arguments: [
            "", "1st", "a b", "ü", "a=b", "a\u{0}b", "a\nb", "a:b", "$(x)",
        ])
    func noNames(key: String) {
        #expect(VariableName.of(key, keepsCase: false) == nil)
        #expect(VariableName.of(key, keepsCase: true) == nil)
    }

    @Test("letters stay as they are when asked")
    func keptCase() throws {
        #expect(
            values(try read([("c", ["http_proxy": "x", "No/Proxy": "y"])], keepsCase: true))
                == ["http_proxy": "x", "No_Proxy": "y"])
    }

    @Test("later prefixes win, and that is no problem")
    func laterWins() throws {
        let reading = try read([
            ("all", ["level": "info", "port": "80"]), ("web", ["level": "debug"]),
        ])
        #expect(values(reading) == ["LEVEL": "debug", "PORT": "80"])
        #expect(reading.problems.isEmpty)
        #expect(reading.refusal == nil)
    }

    @Test("two keys of one name are told, and the first by its bytes counts")
    func collision() throws {
        let reading = try read([("web", ["db-host": "one", "db/host": "two", "db.host": "three"])])
        #expect(values(reading) == ["DB_HOST": "one"])
        #expect(
            reading.problems == [
                "web/db.host: found a second key for DB_HOST, which web/db-host is; expected one",
                "web/db/host: found a second key for DB_HOST, which web/db-host is; expected one",
            ])
    }

    @Test("folders of Consul's own page are no variables, and no mistakes")
    func folders() throws {
        let reading = try read([("web", ["": "x", "db/": "", "db/host": "h", "empty": ""])])
        #expect(values(reading) == ["DB_HOST": "h", "EMPTY": ""])
        #expect(reading.problems.isEmpty)
    }

    @Test("a value with a NUL, and one too long for the kernel, are told without their bytes")
    func values() throws {
        let longest = KeyVariables.bytesMax - "FITS".count - 2
        let reading = try read([
            (
                "web",
                [
                    "nul": "hunter2\u{0}", "fits": String(repeating: "s", count: longest),
                    "long": String(repeating: "s", count: longest + 1),
                ]
            )
        ])
        #expect(Set(values(reading).keys) == ["FITS"])
        #expect(
            reading.problems == [
                "web/long: found a variable of 131073 bytes, expected at most 131072",
                "web/nul: found a NUL in the value, which no variable can have",
            ])
        #expect(!reading.problems.joined().contains("hunter2"))
    }

    @Test("more than the kernel takes is refused as a whole")
    func total() throws {
        let big = String(repeating: "x", count: 120 * 1024)
        let eight = Dictionary(uniqueKeysWithValues: (0..<8).map { ("k\($0)", big) })
        #expect(try read([("a", eight)]).refusal == nil)
        #expect(
            try read([("a", eight), ("b", ["l": big])]).refusal?.contains("at most 1048576")
                == true)
    }

    @Test("what differs is named, and nothing shows a value")
    func secrets() throws {
        let before = try read([("w", ["a": "1", "b": "hunter2", "c": "3"])]).variables
        let after = try read([("w", ["a": "1", "b": "hunter3", "d": "4"])]).variables
        #expect(after.names(differingFrom: before) == ["B", "C", "D"])
        #expect(after.missing(of: ["A", "C", "B"]) == ["C"])
        var dumped = ""
        dump(after, to: &dumped)
        let shown = "\(after) \(String(reflecting: after)) \([after]) \(dumped)"
        #expect(!shown.contains("hunter"))
        #expect(shown.contains("[3 variables]"))
    }

    @Test("a place is a folder of keys, perhaps of another datacentre")
    func places() throws {
        #expect(try KeyPlace("config/web").prefix == "config/web/")
        #expect(try KeyPlace("config/web/") == KeyPlace("config/web"))
        #expect(try KeyPlace("web?dc=dc2").datacenter == "dc2")
        #expect("\(try KeyPlace("web?dc=dc2"))" == "web/?dc=dc2")
        for wrong in ["", "/web", "a//b", "web?", "web?dc=", "web?dc=a&b", "web?tag=x", "w?dc=a b"]
        {
            #expect(throws: KeyPlaceError.self, "\(wrong)") { try KeyPlace(wrong) }
        }
    }

    @Test("a prefix that had keys and is empty at once keeps what it had")
    func emptyAtOnce() throws {
        var known = KnownKeys([try KeyPlace("a"), try KeyPlace("b")])
        #expect(known.answered(0, entries(["x": "1"])) == true)
        let isKnown = known.all != nil
        #expect(!isKnown, "the other has not been read")
        #expect(known.answered(1, []) == true, "nothing is there from the beginning")
        #expect(known.all?.map(\.entries.count) == [1, 0])
        #expect(known.answered(0, []) == false)
        #expect(known.all?.map(\.entries.count) == [1, 0])
        #expect(known.answered(0, entries(["y": "1"])) == true)
        #expect(known.all?.first?.entries.map(\.key) == ["y"])
    }
}
