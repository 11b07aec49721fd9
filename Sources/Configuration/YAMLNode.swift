// A YAML document as a tree of values with places: what the fenced parser hands to the rest.

/// Where something begins, counted from 1; columns in characters.
struct YAMLMark: Hashable, Sendable {
    var line: Int
    var column: Int
}

/// A value and where it begins.
struct YAMLNode: Sendable {
    var content: Content
    var mark: YAMLMark

    enum Content: Sendable {
        /// `isPlain` when it is written without quotes.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        /// In the order of the file; no key twice.
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var keyMark: YAMLMark
        var value: YAMLNode
    }

    /// Whether nothing was written, as in `check:` with everything below it commented out.
    var isNothing: Bool {
        if case .scalar(let text, isPlain: true) = content {
            return text.isEmpty || text == "~" || text == "null"
        }
        return false
    }

    /// What an error message says was found here.
    var found: String {
        switch content {
        case .scalar(let text, _): isNothing ? "nothing" : quoted(text)
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// Why a text is not a document that a configuration may be.
struct YAMLError: Error {
    var text: String
    var mark: YAMLMark
}
