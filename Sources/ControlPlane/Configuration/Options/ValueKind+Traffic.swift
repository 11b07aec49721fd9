// The kinds of value that say how requests are spread and tried again.

extension ValueKind where Value == RetryCondition {
    /// A condition for another try.
    static var retryCondition: Self {
        let words: [(String, RetryCondition)] = [
            ("connect", .connect), ("reset", .reset), ("silence", .silence), ("timeout", .timeout),
        ]
        return Self(
            "`connect`, `reset`, `silence`, `timeout` or status 400 to 599",
            write: { condition in
                if case .status(let status) = condition { return "\(status)" }
                return words.first { $0.1 == condition }?.0 ?? ""
            },
            parse: { (text) throws(Unexpected) in
                if let word = words.first(where: { $0.0 == text }) { return word.1 }
                guard let status = Units.digits(text), (400...599).contains(status) else {
                    throw Unexpected(
                        expected: "connect, reset, silence, timeout or a status from 400 to 599")
                }
                return .status(status)
            })
    }
}

extension ValueKind where Value == Service.HashBy {
    /// What a hash is made of.
    static var hashBy: Self {
        Self(
            "`client`, `path`, `header NAME` or `cookie NAME`",
            write: { value in
                switch value {
                case .client: "client"
                case .path: "path"
                case .header(let name): "header \(name)"
                case .cookie(let name): "cookie \(name)"
                }
            },
            parse: { (text) throws(Unexpected) in
                let words = text.split(separator: " ").map(String.init)
                switch (words.first, words.count) {
                case ("client", 1): return .client
                case ("path", 1): return .path
                case ("header", 2) where isToken(words[1]): return .header(words[1])
                case ("cookie", 2) where isToken(words[1]): return .cookie(words[1])
                default:
                    throw Unexpected(
                        expected: "client, path, header NAME or cookie NAME, such as "
                            + "`cookie session`")
                }
            })
    }
}

extension ValueKind where Value == String {
    /// The name of a cookie (RFC 6265, section 4.1.1).
    static var cookieName: Self {
        Self("cookie's name", write: { $0 }) { (text) throws(Unexpected) in
            guard isToken(text), text.utf8.count <= 64 else {
                throw Unexpected(expected: "the name of a cookie, such as backend")
            }
            return text
        }
    }

    /// Text that no message shows.
    static var secret: Self {
        var kind = Self("8 to 256 characters", write: { _ in "…" }) { (text) throws(Unexpected) in
            guard (8...256).contains(text.utf8.count) else {
                throw Unexpected(expected: "8 to 256 characters")
            }
            return text
        }
        kind.isSecret = true
        return kind
    }

    /// A key or value of an instance's metadata.
    static var metadataText: Self {
        Self("text", write: { $0 }) { (text) throws(Unexpected) in
            guard (1...256).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x20 }) else {
                throw Unexpected(expected: "1 to 256 characters")
            }
            return text
        }
    }
}
