// Goal: an operator who breaks a configuration reads where, what was found, what was expected and
// what to do, and nothing beside the point. Method: one table of texts and whole messages.

import Configuration
import Testing

@Suite struct BrokenConfigurationTests {
    /// A row of the table.
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        var messages: [String] = []

        var testDescription: String { text }

        /// The file that it stands for.
        var file: String {
            var file = text.map { $0 == "↵" ? "\n" : $0 == "⇥" ? "\t" : String($0) }.joined()
            if !text.hasPrefix("services") {
                file += "\nservices: {web: {srv: _web._tcp.example}}"
            }
            if !text.hasPrefix("listeners") {
                file += "\nlisteners: [{listen: \":8080\", service: web}]\n"
            }
            return file
        }
    }

    static let rows: [Row] = brokenConfigurations.split(separator: "\n").reduce(into: []) {
        rows, line in
        if line.hasPrefix("    ") {
            rows[rows.count - 1].messages.append("f.yaml:" + line.dropFirst(4))
        } else {
            rows.append(Row(text: String(line)))
        }
    }

    @Test(
        "a broken configuration is told with its place, what was expected and what to do",
        arguments: rows)
    func message(row: Row) {
        #expect(errors(row.file) == row.messages)
    }

    @Test("the table is as long as it should be, and no message fills a screen")
    func table() {
        #expect(Self.rows.count >= 120)
        #expect(Set(Self.rows.map(\.text)).count == Self.rows.count)
        for row in Self.rows {
            #expect((1...2).contains(row.messages.count), "\(row.text)")
            #expect(row.messages.allSatisfy { $0.count < 600 }, "\(row.text)")
        }
    }
}
