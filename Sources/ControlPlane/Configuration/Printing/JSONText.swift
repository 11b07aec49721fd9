// JSONText: JSON that is written here, keys in the order in which they are given.

internal import Documents
internal import JSON

/// A JSON value.
indirect enum JSONText: Sendable {
    case object([(String, JSONText)])
    case list([JSONText])
    case text(String)
    case number(Int)
    case bool(Bool)

    /// A list of texts.
    static func texts(_ texts: [String]) -> JSONText { .list(texts.map(JSONText.text)) }

    /// On lines of its own, two spaces deeper at each level, without a line end at its end.
    func written(indent: Int = 0) -> String {
        let margin = String(repeating: " ", count: indent + 2)
        let end = "\n" + String(repeating: " ", count: indent)
        switch self {
        case .object(let members):
            guard !members.isEmpty else { return "{}" }
            let lines = members.map { key, value in
                "\(margin)\(JSON.quoted(key)): \(value.written(indent: indent + 2))"
            }
            return "{\n" + lines.joined(separator: ",\n") + end + "}"
        case .list(let items):
            let isShort = items.allSatisfy {
                switch $0 {
                case .text, .number, .bool: true
                case .object, .list: false
                }
            }
            let texts = items.map { $0.written(indent: indent + 2) }
            if isShort { return "[" + texts.joined(separator: ", ") + "]" }
            return "[\n" + texts.map { margin + $0 }.joined(separator: ",\n") + end + "]"
        case .text(let text): return JSON.quoted(text)
        case .number(let number): return "\(number)"
        case .bool(let bool): return "\(bool)"
        }
    }
}
