// JSONValue: a JSON document of any shape: one that is put together here, or one to which something
// is added before it is sent.

/// A value of JSON. Value type, any thread.
package enum JSONValue: Codable, Sendable {
    case null
    case bool(Bool)
    case number(Int)
    case fraction(Double)
    case text(String)
    indirect case list([JSONValue])
    /// Members in the order in which they are written; no name is there twice.
    indirect case object([(String, JSONValue)])

    /// Reads a value; the members of an object come in no particular order.
    package init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Name.self) {
            self = .object(
                try object.allKeys.map {
                    ($0.stringValue, try object.decode(JSONValue.self, forKey: $0))
                })
            return
        }
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Int.self) {
            self = .number(number)
        } else if let fraction = try? value.decode(Double.self) {
            self = .fraction(fraction)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else {
            self = .list(try value.decode([JSONValue].self))
        }
    }

    /// Writes the value; `JSON.encode` sorts the members of objects.
    package func encode(to encoder: any Encoder) throws {
        if case .object(let members) = self {
            var object = encoder.container(keyedBy: Name.self)
            for (name, value) in members { try object.encode(value, forKey: Name(name)) }
            return
        }
        var value = encoder.singleValueContainer()
        switch self {
        case .null, .object: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .number(let number): try value.encode(number)
        case .fraction(let fraction): try value.encode(fraction)
        case .text(let text): try value.encode(text)
        case .list(let list): try value.encode(list)
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init?(stringValue name: String) { stringValue = name }
        init?(intValue: Int) { nil }
    }

    // MARK: - Members

    /// The member of that name: null where there is none. One that is set stands last, unless it
    /// was there before; what is no object becomes one.
    package subscript(_ name: String) -> JSONValue {
        get {
            guard case .object(let members) = self else { return .null }
            return members.first { $0.0 == name }?.1 ?? .null
        }
        set {
            var members: [(String, JSONValue)] = []
            if case .object(let old) = self { members = old }
            if let place = members.firstIndex(where: { $0.0 == name }) {
                members[place].1 = newValue
            } else {
                members.append((name, newValue))
            }
            self = .object(members)
        }
    }

    /// What is at the end of `path`, member by member.
    package subscript(_ path: [String]) -> JSONValue {
        get { path.reduce(self) { $0[$1] } }
        set {
            guard let first = path.first else {
                self = newValue
                return
            }
            self[first][Array(path.dropFirst())] = newValue
        }
    }

    /// Adds values at the end of a list, which null becomes.
    package mutating func append(_ values: [JSONValue]) {
        guard case .list(let old) = self else {
            self = .list(values)
            return
        }
        self = .list(old + values)
    }

    // MARK: - Text

    /// A list of texts.
    package static func texts(_ texts: [String]) -> JSONValue { .list(texts.map(JSONValue.text)) }

    /// The value as text for people, with the members of objects in their order: on lines of its
    /// own, two spaces deeper at each level, without a line end at its end.
    package func written(indent: Int = 0) -> String {
        let margin = String(repeating: " ", count: indent + 2)
        let end = "\n" + String(repeating: " ", count: indent)
        switch self {
        case .null: return "null"
        case .bool(let bool): return "\(bool)"
        case .number(let number): return "\(number)"
        case .fraction(let fraction): return "\(fraction)"
        case .text(let text): return JSON.quoted(text)
        case .list(let items):
            let texts = items.map { $0.written(indent: indent + 2) }
            if !items.contains(where: \.hasParts) {
                return "[" + texts.joined(separator: ", ") + "]"
            }
            return "[\n" + texts.map { margin + $0 }.joined(separator: ",\n") + end + "]"
        case .object(let members):
            guard !members.isEmpty else { return "{}" }
            let lines = members.map { name, value in
                "\(margin)\(JSON.quoted(name)): \(value.written(indent: indent + 2))"
            }
            return "{\n" + lines.joined(separator: ",\n") + end + "}"
        }
    }

    private var hasParts: Bool {
        switch self {
        case .null, .bool, .number, .fraction, .text: false
        case .list, .object: true
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByDictionaryLiteral
{
    /// A text.
    package init(stringLiteral text: String) { self = .text(text) }
    /// A number.
    package init(integerLiteral number: Int) { self = .number(number) }
    /// An object with these members, each of another name.
    package init(dictionaryLiteral members: (String, JSONValue)...) { self = .object(members) }
}
