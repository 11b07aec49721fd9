// The kinds of value that say how requests are spread and tried again.

internal import Balancing
internal import Routing
internal import Wording

extension ValueKind where Value == RetryRule.Failures {
    /// After which failures there may be another try: words and statuses, in any order.
    static var retryFailures: Self {
        let list = ValueKind<[RetryRule.Failures]>.list(of: retryFailure, countMax: 32)
        return list.mapped(to: RetryRule.Failures.init(joining:), from: \.each)
    }

    /// One of them.
    private static var retryFailure: Self {
        let words = RetryRule.Failures.words
        return Self(
            "`connect`, `reset`, `silence`, `timeout`, `grpc-unavailable` or status 400 to 599",
            write: { failure in
                failure.statuses.first.map { "\($0)" }
                    ?? words.first { $0.1 == failure.conditions }?.0 ?? ""
            },
            parse: { (text) throws(Unexpected) in
                if let word = words.first(where: { $0.0 == text }) {
                    return RetryRule.Failures(word.1, [])
                }
                guard let status = Units.digits(text), (400...599).contains(status) else {
                    throw Unexpected(
                        expected: "connect, reset, silence, timeout, grpc-unavailable or a status "
                            + "from 400 to 599")
                }
                return RetryRule.Failures([], [status])
            })
    }
}

extension RetryRule.Failures {
    fileprivate static let words: [(String, RetryRule.Conditions)] = [
        ("connect", .connect), ("reset", .reset), ("silence", .silence), ("timeout", .timeout),
        ("grpc-unavailable", .grpcUnavailable),
    ]

    /// All of `parts`, each once.
    fileprivate init(joining parts: [Self]) {
        self.init([], [])
        for part in parts {
            conditions.formUnion(part.conditions)
            for status in part.statuses where !statuses.contains(status) { statuses.append(status) }
        }
    }

    /// Each by itself: conditions in the order of their bits, then statuses as they were given.
    fileprivate var each: [Self] {
        Self.words.filter { conditions.contains($0.1) }.map { Self($0.1, []) }
            + statuses.map { Self([], [$0]) }
    }
}

extension ValueKind where Value == RetryRule.Hedging {
    /// After what time a second backend is asked as well; `off` for never.
    static var hedging: Self {
        let delay = ValueKind<Duration?>.optional(
            .duration(.milliseconds(1) ... .seconds(60)), "off")
        return delay.mapped(to: { $0.map { .after($0) } ?? .never }, from: \.delay)
    }
}

extension ValueKind where Value == BalancerOptions.HashBy {
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
