// EngineFilter: how questions to an engine are narrowed: JSON within the query.

/// The `filters` of a question.
package enum EngineFilter {
    /// `filters=…`, percent-encoded: each key with the values of which one must hold.
    ///
    /// - Precondition: Keys and values are of letters, digits and `_`.
    package static func query(_ filters: [(key: String, values: [String])]) -> String {
        let quote = "%22"
        let pairs = filters.map { key, values in
            let list = values.map { value in
                precondition(isPlain(value))
                return quote + value + quote
            }
            precondition(isPlain(key))
            return "\(quote)\(key)\(quote)%3A%5B\(list.joined(separator: "%2C"))%5D"
        }
        return "filters=%7B\(pairs.joined(separator: "%2C"))%7D"
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0)
                || $0 == 0x5F
        }
    }
}
