// A YAML document as a tree of values with places: what the fenced parser hands to the rest.

/// Where something begins, counted from 1; columns in characters. Any thread.
package struct YAMLMark: Hashable, Sendable {
    /// From 1.
    package var line: Int
    /// From 1.
    package var column: Int

    /// A place.
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// A value and where it begins. Any thread.
package struct YAMLNode: Sendable {
    /// What it is.
    package var content: Content
    /// Where it begins.
    package var mark: YAMLMark

    /// The kinds of value.
    package enum Content: Sendable {
        /// `isPlain` when it is written without quotes.
        case scalar(String, isPlain: Bool)
        /// In the order of the file.
        case sequence([YAMLNode])
        /// In the order of the file; no key twice.
        case mapping([Entry])
    }

    /// A key and its value.
    package struct Entry: Sendable {
        /// The key as written, without its quotes.
        package var key: String
        /// Where it begins.
        package var keyMark: YAMLMark
        /// What it stands for.
        package var value: YAMLNode
    }

    /// A value that begins at `mark`.
    init(content: Content, mark: YAMLMark) {
        self.content = content
        self.mark = mark
    }

    /// A mapping of one key, which begins where its value does.
    package init(_ key: String, _ value: YAMLNode) {
        content = .mapping([Entry(key: key, keyMark: value.mark, value: value)])
        mark = value.mark
    }

    /// Whether nothing was written, as in `check:` with everything below it commented out.
    package var isNothing: Bool {
        if case .scalar(let text, isPlain: true) = content {
            return text.isEmpty || text == "~" || text == "null"
        }
        return false
    }

    /// What an error message says was found here.
    package var found: String {
        switch content {
        case .scalar(let text, _): isNothing ? "nothing" : quoted(text)
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// Why a text is not a document of the plain kind that is taken here. Any thread.
package struct YAMLError: Error {
    /// What was found, and what was expected.
    package var text: String
    /// Where.
    package var mark: YAMLMark

    /// What is wrong at a place.
    package init(text: String, mark: YAMLMark) {
        self.text = text
        self.mark = mark
    }
}
