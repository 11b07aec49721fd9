// Goal: an operator finds every key that the loader accepts in the reference. Method: the loader
// itself says which keys there are, where it finds one that it does not know; each of them is
// looked for in the table of its place, group by group.

import Configuration
import Documents
import Testing

@Suite struct ReferenceCompletenessTests {
    /// A key that is no other's neighbour, so that all that could stand there are named.
    private static let unknown = "qqqqqqqqqqqq"

    /// A mapping that the loader reads, and where its keys stand in the reference.
    struct Place: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// A document with `{}` where the mapping is.
        let document: String
        /// The tables of the reference that have its keys, by how their titles begin.
        let tables: [String]
        /// What keys begin with in the last of these: `defaults.` for what has its defaults there.
        let prefix: String
        /// What the mapping must have for its keys to be read.
        let required: String
        /// The key in Consul's K/V store whose value the document is; nil for the file.
        let key: String?

        init(
            _ name: String, _ document: String, in tables: String..., prefix: String = "",
            required: String = "", key: String? = nil
        ) {
            testDescription = name
            self.document = document
            self.tables = tables
            self.prefix = prefix
            self.required = required
            self.key = key
        }
    }

    static let places = [
        Place("the file", "{}", in: "Top level"),
        Place(
            "a service", "services: {a: {}}", in: "`services.NAME`", "Top level",
            prefix: "defaults."),
        Place(
            "a listener", "listeners: [{}]", in: "`listeners`", "Top level", prefix: "defaults."),
        Place(
            "a backend", "services: {a: {backends: [{}]}}", in: "`backends`: each",
            required: "address: '127.0.0.1:80', "),
        Place("a route", "listeners: [{routes: [{}]}]", in: "`routes`"),
        Place("a route by itself", "{}", in: "`routes`", key: "routes/a"),
        Place("an override", "{}", in: "`backends/SERVICE", key: "backends/a/127.0.0.1:80"),
    ]

    @Test("every key that the loader knows has its row", arguments: places)
    func everyKey(place: Place) throws {
        let keys = try Self.keys(at: place, below: [])
        #expect(keys.count > 1)
        for key in keys { try check([key], at: place) }
    }

    @Test("the changes of a head are named in the rows of theirs")
    func headerEdits() throws {
        let document = "listeners: [{routes: [{request-headers: {}}]}]"
        let keys = try Self.keys(at: Place("edits", document), below: [])
        #expect(Set(keys) == ["remove", "set", "add"])
        let rows = ConfigurationReference.markdown.split(separator: "\n").filter {
            $0.hasPrefix("| `request-headers`") || $0.hasPrefix("| `response-headers`")
        }
        #expect(rows.count == 2)
        for key in keys { #expect(rows.allSatisfy { $0.contains("`\(key)`") }, "\(key)") }
    }

    /// The key is in the reference, or all that may stand below it is.
    private func check(_ path: [String], at place: Place) throws {
        let key = path.joined(separator: ".")
        let rows = Self.keys(of: place)
        // What has a table of its own needs no row.
        let titles = ConfigurationReference.markdown.split(separator: "\n").filter {
            $0.hasPrefix("## `\(key)`") || $0.hasPrefix("## `\(key).")
        }
        guard !rows.contains(key), titles.isEmpty else { return }
        guard rows.contains(where: { $0.hasPrefix("\(key).") }) else {
            Issue.record("\(key), which \(place.testDescription) may have, is not in the reference")
            return
        }
        for inner in try Self.keys(at: place, below: path) { try check(path + [inner], at: place) }
    }

    /// The keys that the reference has for such a mapping.
    private static func keys(of place: Place) -> Set<String> {
        var keys: Set<String> = []
        for table in ConfigurationReference.markdown.split(separator: "## ") {
            guard let number = place.tables.firstIndex(where: { table.hasPrefix($0) }) else {
                continue
            }
            let prefix = number == place.tables.count - 1 ? place.prefix : ""
            for row in table.split(separator: "\n") where row.hasPrefix("| `\(prefix)") {
                keys.insert(String(row.dropFirst(3 + prefix.count).prefix { $0 != "`" }))
            }
        }
        return keys
    }

    /// The keys that the loader says may stand there.
    private static func keys(at place: Place, below path: [String]) throws -> [String] {
        var mapping = "\(unknown): 1"
        for key in path.reversed() { mapping = "\(key): {\(mapping)}" }
        let text = place.document.replacing("{}", with: "{\(place.required)\(mapping)}")
        let said = try complaints(text, key: place.key)
        let line = try #require(
            said.first { $0.contains(unknown) }, "\(said) does not name \(unknown)")
        let list = try #require(
            line.split(separator: "unknown key, expected one of: ").dropFirst().first, "\(line)")
        return list.split(separator: ", ").map(String.init)
    }

    /// What the loader says of `text`, as the file or as the value of `key` in Consul's K/V store.
    private static func complaints(_ text: String, key: String?) throws -> [String] {
        guard let key else { return errors(text) }
        let fragment = try ConfigurationFragment(key: key, NamedText(name: key, text: text))
        do throws(ConfigurationErrors) {
            _ = try ConfigurationLoader.load(fragments: [fragment], processorCount: 1)
            return []
        } catch {
            return error.description.split(separator: "\n").map(String.init)
        }
    }
}
