// The kinds of value that end up in heads. Everything is checked byte by byte: nothing written in a
// file can split a head.

internal import Routing
internal import Wording

extension ValueKind where Value == Int {
    /// The most bytes of a body; `off`, which is `Int.max`, for any number.
    static var bodySize: Self {
        ValueKind<Int?>.optional(.size(0...1 << 50), "off")
            .mapped(to: { $0 ?? .max }, from: { $0 == .max ? nil : $0 })
    }
}

extension ValueKind where Value == String {
    /// A host of a route: a name, or `*.` and a name.
    static var hostPattern: Self {
        Self("host or `*.` and a host", write: { $0 }) { (text) throws(Unexpected) in
            // A complete name may end with a dot (RFC 1034, section 3.1): hosts are compared
            // without.
            let text = text.hasSuffix(".") ? String(text.dropLast()) : text
            let name = text.hasPrefix("*.") ? String(text.dropFirst(2)) : text
            guard isHostName(name) else {
                throw Unexpected(
                    expected: "a host without a port, such as a.example.com or *.example.com")
            }
            return text
        }
    }

    /// The name of a protocol in TLS (RFC 7301, section 6): one that can be written as text.
    static var alpnName: Self {
        Self("protocol", write: { $0 }) { (text) throws(Unexpected) in
            guard (1...255).contains(text.utf8.count),
                text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else {
                throw Unexpected(expected: "a protocol's name in TLS, such as h2 or http/1.1")
            }
            return text
        }
    }

    /// A path of a route (RFC 3986, section 3.3), without query: as it has to be in a request.
    static var routePath: Self {
        Self("path", write: { $0 }) { (text) throws(Unexpected) in
            guard text.first == "/", text.utf8.count <= 1024,
                text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 })
            else {
                throw Unexpected(expected: "a path that starts with /, without query, such as /api")
            }
            let segments = text.split(separator: "/")
            guard !text.contains("\\"), !segments.contains("."), !segments.contains("..") else {
                throw Unexpected(
                    expected: "a path without dot segments and backslashes, since requests with "
                        + "those are refused")
            }
            return text
        }
    }

    /// The target of a question: a path, perhaps with a query (RFC 3986, sections 3.3 and 3.4).
    static var questionPath: Self {
        Self("path", write: { $0 }) { (text) throws(Unexpected) in
            guard text.first == "/", text.utf8.count <= 1024,
                text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 })
            else {
                throw Unexpected(expected: "a path that starts with /, such as /check?from=edge")
            }
            return text
        }
    }

    /// A host that a question is for, perhaps with a port.
    static var questionHost: Self {
        Self("host", write: { $0 }) { (text) throws(Unexpected) in
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, isHostName(String(parts[0])),
                parts.count == 1 || UInt16(parts[1]) != nil
            else { throw Unexpected(expected: "a host, such as auth.example.com") }
            return text
        }
    }

    /// A method (RFC 9110, section 9.1).
    static var method: Self {
        Self("method", write: { $0 }) { (text) throws(Unexpected) in
            guard isToken(text), text.utf8.count <= 32 else {
                throw Unexpected(expected: "a method, such as GET or POST")
            }
            return text
        }
    }

    /// The target of a redirect.
    static var redirectTarget: Self {
        Self("URI", write: { $0 }) { (text) throws(Unexpected) in
            if RouteSettings.Redirect.httpsPort(text) != nil { return text }
            var rest = text[...]
            while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
                let close = rest[open...].firstIndex(of: "}")
                let word = close.map { rest[rest.index(after: open)..<$0] }
                guard rest[open] == "{", let close, let word,
                    ["scheme", "host", "port", "path", "query"].contains(String(word))
                else {
                    throw Unexpected(
                        expected: "no braces but {scheme}, {host}, {port}, {path} and {query}")
                }
                rest = rest[rest.index(after: close)...]
            }
            guard !text.isEmpty, text.utf8.count <= 1024,
                text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else {
                throw Unexpected(
                    expected: "a URI, such as https://{host}{path}{query}, or a path")
            }
            guard Redirect(status: 302, to: text) != nil else {
                throw Unexpected(
                    expected: "a host behind the scheme, such as https://{host}{path}: a request's "
                        + "path in its place would let it choose where the client is sent")
            }
            return text
        }
    }

    /// A media type, as far as it can't split a head.
    static var mediaType: Self {
        Self("media type", write: { $0 }) { (text) throws(Unexpected) in
            guard isFieldValue(text), text.contains("/") else {
                throw Unexpected(expected: "a media type, such as text/html; charset=utf-8")
            }
            return text
        }
    }

    /// What a password is for.
    static var realm: Self {
        Self("text", write: { $0 }) { (text) throws(Unexpected) in
            guard !text.isEmpty, text.utf8.count <= 128, isFieldValue(text) else {
                throw Unexpected(expected: "up to 128 characters of ASCII, such as Staff only")
            }
            return text
        }
    }

    /// A body of a fixed response.
    static var body: Self {
        Self("text", write: { $0 }) { (text) throws(Unexpected) in
            guard text.utf8.count <= 65_536 else { throw Unexpected(expected: "at most 64KiB") }
            return text
        }
    }

    /// The name of a field that may be changed.
    static var editableField: Self {
        Self("field name", write: { $0 }) { (text) throws(Unexpected) in
            guard isToken(text) else {
                throw Unexpected(expected: "the name of a field, such as X-Frame-Options")
            }
            return text
        }
    }
}

extension ValueKind where Value == Int {
    /// A status out of a few.
    static func status(_ range: ClosedRange<Int>, of few: [Int]? = nil) -> Self {
        let list = few.map { $0.map(String.init).joined(separator: ", ") }
        let bounds = list ?? "\(range.lowerBound) to \(range.upperBound)"
        return Self("status, \(bounds)", write: { "\($0)" }) { (text) throws(Unexpected) in
            guard let status = Units.digits(text), range.contains(status),
                few?.contains(status) ?? true
            else { throw Unexpected(expected: bounds) }
            return status
        }
    }
}

/// RFC 9110, section 5.6.2.
func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 256
        && text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
        }
}

/// RFC 9110, section 5.5, within ASCII.
func isFieldValue(_ text: String) -> Bool {
    text.utf8.count <= 4096 && text.utf8.first != 0x20 && text.utf8.last != 0x20
        && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
}
