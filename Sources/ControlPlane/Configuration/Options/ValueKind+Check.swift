// The kinds of value that a check sends and expects.

internal import HTTP1
internal import Traffic

extension ValueKind where Value == HTTP1.Method {
    /// The method of a check.
    static var checkMethod: Self {
        words([
            ("GET", .get), ("HEAD", .head), ("OPTIONS", .options), ("POST", .post), ("PUT", .put),
            ("PATCH", .patch), ("DELETE", .delete),
        ])
    }
}

extension ValueKind where Value == String {
    /// Bytes that a peer gets, or has to send: any text, controls included.
    static var checkText: Self {
        Self("text, 1 to 1024 bytes", write: { $0 }) { (text) throws(Unexpected) in
            let count = text.utf8.count
            guard (1...1024).contains(count) else {
                // Not shown: it may have a password in it.
                throw Unexpected(
                    expected: "", sentence: "found \(count) bytes, expected 1 to 1024")
            }
            return text
        }
    }
}

extension ValueKind where Value == String {
    /// The name of a service of gRPC, as its health service knows it.
    static var grpcService: Self {
        Self("name, such as shop.v1.Cart, or empty", write: { $0 }) {
            (text) throws(Unexpected) in
            guard text.utf8.count <= 255, isVisible(text) || text.isEmpty else {
                throw Unexpected(
                    expected: "the name of a service of gRPC, such as shop.v1.Cart, or an empty "
                        + "one")
            }
            return text
        }
    }

    /// Text that a check sends or expects, and that may have a password in it.
    static var checkSecret: Self {
        var kind = checkText
        kind.isSecret = true
        return kind
    }
}

extension ValueKind where Value == [CheckOptions.HTTP.Field] {
    /// Field lines of a request, which may be a mapping. They may have a token in them.
    static var checkHeaders: Self {
        var kind = list(of: line, countMax: 32)
        kind.isSecret = true
        kind.takesMapping = true
        return kind
    }

    private static var line: ValueKind<CheckOptions.HTTP.Field> {
        ValueKind<CheckOptions.HTTP.Field>("NAME: VALUE", write: { "\($0.name): \($0.value)" }) {
            (text) throws(Unexpected) in
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, isToken(String(parts[0])) else {
                throw Unexpected(expected: "a field line, such as X-Tenant: a")
            }
            let name = String(parts[0])
            let value = String(parts[1]).trimmed
            guard isFieldValue(value) else {
                throw Unexpected(
                    expected: "",
                    sentence: "found a value of \(name) that can't be sent, expected visible ASCII")
            }
            if let reason = reservation(of: name) {
                throw Unexpected(
                    expected: "",
                    sentence: "found the field \(name), expected another: \(reason)")
            }
            return CheckOptions.HTTP.Field(name: name, value: value)
        }
    }

    /// Why a check can't send a field; nil when it can.
    private static func reservation(of name: String) -> String? {
        switch name.lowercased() {
        case "host": "that is the option host"
        case "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te",
            "trailer", "transfer-encoding", "upgrade":
            "the check itself says where its request ends and what becomes of the connection"
        default: nil
        }
    }
}

extension String {
    /// Without spaces and tabs around it.
    fileprivate var trimmed: String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }),
            let last = lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}
