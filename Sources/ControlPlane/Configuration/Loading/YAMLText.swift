// YAMLText: YAML that is written here, with a comment behind each value. Every value is read back
// as it was: all but the plainest texts are quoted.

/// YAML being written.
struct YAMLText {
    private(set) var text = ""
    /// Comments stand in one column, if what is before them leaves room.
    private static let commentColumn = 44
    /// A list that takes more is written a line each.
    private static let lineMax = 72

    /// A line of its own, which is a comment.
    mutating func comment(_ comment: String, indent: Int = 0) {
        text += String(repeating: " ", count: indent) + "# " + Self.oneLine(comment) + "\n"
    }

    /// `key:`, and what belongs to it follows; `lead` stands before it, as in `- key:`.
    mutating func open(_ key: String, indent: Int, lead: String = "", comment: String? = nil) {
        line("\(lead)\(Self.scalar(key)):", indent, comment)
    }

    /// `key: value`.
    mutating func add(
        _ key: String, _ value: String, indent: Int, lead: String = "", comment: String? = nil
    ) {
        line("\(lead)\(Self.scalar(key)): \(Self.scalar(value))", indent, comment)
    }

    /// `key: [value, value]`, or a line for each.
    mutating func add(
        _ key: String, list: [String], indent: Int, lead: String = "", comment: String? = nil
    ) {
        let items = list.map(Self.scalar)
        let flow = "\(lead)\(Self.scalar(key)): [\(items.joined(separator: ", "))]"
        guard flow.utf8.count > Self.lineMax, items.count > 1 else {
            line(flow, indent, comment)
            return
        }
        open(key, indent: indent, lead: lead, comment: comment)
        for item in items { line("- \(item)", indent + lead.count + 2, nil) }
    }

    /// A line that is YAML already.
    mutating func line(_ line: String, _ indent: Int, _ comment: String?) {
        let line = String(repeating: " ", count: indent) + line
        guard let comment else {
            text += line + "\n"
            return
        }
        let gap = max(2, Self.commentColumn - line.count)
        text += line + String(repeating: " ", count: gap) + "# " + Self.oneLine(comment) + "\n"
    }

    /// `text` as a scalar.
    static func scalar(_ text: String) -> String {
        isPlain(text) ? text : inQuotes(text)
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, isWordByte(first) || first == UInt8(ascii: "/"),
            text.utf8.last != UInt8(ascii: ":")
        else { return false }
        let words = ["null", "true", "false", "yes", "no", "y", "n"]
        return text.utf8.allSatisfy { isWordByte($0) || "/.:%+-".utf8.contains($0) }
            && !words.contains(text.lowercased())
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func inQuotes(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0xA0).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                quoted += "\\x" + (digits.count == 1 ? "0" : "") + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Nothing in a comment may end it.
    private static func oneLine(_ comment: String) -> String {
        String(
            String.UnicodeScalarView(
                comment.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }
}
