// JSONTree: a JSON document of any shape, to which something is added before it is sent.

/// A value of JSON. Value type, any thread.
enum JSONTree: Codable, Sendable {
    case null
    case flag(Bool)
    case whole(Int)
    case number(Double)
    case text(String)
    indirect case list([JSONTree])
    indirect case object([String: JSONTree])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let whole = try? value.decode(Int.self) {
            self = .whole(whole)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSONTree].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSONTree].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .flag(let flag): try value.encode(flag)
        case .whole(let whole): try value.encode(whole)
        case .number(let number): try value.encode(number)
        case .text(let text): try value.encode(text)
        case .list(let list): try value.encode(list)
        case .object(let members): try value.encode(members)
        }
    }

    /// The member of that name. An object is made where there is none; null where it has no member
    /// of that name.
    subscript(_ name: String) -> JSONTree {
        get {
            guard case .object(let members) = self else { return .null }
            return members[name] ?? .null
        }
        set {
            var members: [String: JSONTree] = [:]
            if case .object(let old) = self { members = old }
            members[name] = newValue
            self = .object(members)
        }
    }

    /// What is at the end of `path`, member by member.
    subscript(_ path: [String]) -> JSONTree {
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
    mutating func append(_ values: [JSONTree]) {
        guard case .list(let old) = self else {
            self = .list(values)
            return
        }
        self = .list(old + values)
    }
}

extension JSONTree: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByDictionaryLiteral
{
    init(stringLiteral text: String) { self = .text(text) }
    init(integerLiteral whole: Int) { self = .whole(whole) }
    init(dictionaryLiteral members: (String, JSONTree)...) {
        self = .object(Dictionary(members, uniquingKeysWith: { $1 }))
    }
}
