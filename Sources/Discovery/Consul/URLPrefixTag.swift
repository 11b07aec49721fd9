// URLPrefixTag: fabio's way of asking for traffic by a tag, `urlprefix-HOST/PATH OPTIONS`, read as
// far as Fairlead can do what it says. Pure.
//
// | tag                                              | what it asks for                        |
// |--------------------------------------------------|-----------------------------------------|
// | urlprefix-/path                                  | the path on any host                    |
// | urlprefix-example.com/, urlprefix-*.example.com/ | a host, or those below it               |
// | urlprefix-/path strip=/path                      | … with that taken off the path          |
// | urlprefix-example.com/ redirect=301,https://…    | no backend: a redirect ($host, $path)   |
// | urlprefix-:3306 proto=tcp, proto=https, host=dst | refused: the error names it             |
//
// A tag that asks for something unsupported is refused as a whole: a route without the access list
// that its tag demands would be worse than none.

/// What a `urlprefix-` tag asks for. Value type, any thread.
package struct URLPrefixTag: Hashable, Sendable {
    /// How such a tag begins, unless fabio was told otherwise (`registry.consul.tagprefix`).
    package static let prefix = "urlprefix-"
    /// Bytes that a tag may have.
    package static let bytesMax = 4096

    /// The host in lower case; `*.example.com` for those below it. Nil for any.
    package let host: String?
    /// The prefix of the path; begins with `/`.
    package let path: String
    /// What is taken off the beginning of the path before a backend sees it; nil for nothing.
    package private(set) var strip: String?
    /// Where requests are sent in place of a backend; nil for to a backend.
    package private(set) var redirect: Redirection?

    /// A redirect.
    package struct Redirection: Hashable, Sendable {
        /// 301, 302, 303, 307 or 308.
        package let status: Int
        /// The target, with `{host}`, `{path}` and `{query}` for the request's, as a route of
        /// Fairlead's has it. fabio adds the query where the target has none, and so does this.
        package let target: String
    }

    /// Reads `tag`; nil when it does not begin with the prefix, and so asks for nothing.
    ///
    /// - Throws: `URLPrefixTagError` when it asks for something that can't be had, or for nonsense.
    package init?(_ tag: String) throws(URLPrefixTagError) {
        guard tag.hasPrefix(Self.prefix) else { return nil }
        guard tag.utf8.count <= Self.bytesMax else {
            throw .malformed("it has \(tag.utf8.count) bytes, at most \(Self.bytesMax) are read")
        }
        let words = tag.dropFirst(Self.prefix.count).split(separator: " ")
        let place = tag.dropFirst(Self.prefix.count).first == " " ? "" : words.first ?? ""
        (host, path) = try Self.hostAndPath(place)
        for word in words.dropFirst() {
            let pair = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            try read(option: String(pair[0]), value: pair.count > 1 ? String(pair[1]) : "")
        }
        if strip != nil, redirect != nil {
            throw .malformed("it has both strip and redirect, of which one has no effect")
        }
    }

    private static func hostAndPath(
        _ place: Substring
    ) throws(URLPrefixTagError) -> (host: String?, path: String) {
        guard let slash = place.firstIndex(of: "/") else {
            // `:3306` and `db.example.com:3306` are fabio's TCP routes.
            if place.contains(":") { throw .unsupported("a port, which proto=tcp goes with") }
            throw .malformed("there is no / behind the host; HOST/ takes every path")
        }
        let path = String(place[slash...])
        guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x3F && $0 != 0x23 })
        else { throw .malformed("the path has a ?, a # or a byte outside ASCII") }
        var host = place[..<slash].lowercased()
        if host.count > 1, host.hasSuffix(".") { host.removeLast() }
        guard !host.isEmpty else { return (nil, path) }
        guard !host.contains(":") else { throw .unsupported("a port within the host") }
        guard isHost(host) else {
            throw .malformed(
                "the host is no name: letters, digits, - and dots, with *. before it for those "
                    + "below"
            )
        }
        return (host, path)
    }

    private static func isHost(_ host: String) -> Bool {
        let name = host.hasPrefix("*.") ? host.dropFirst(2) : host[...]
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return name.utf8.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count)
                    && label.utf8.allSatisfy {
                        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
                            || $0 == 0x5F
                    }
            }
    }

    private mutating func read(option: String, value: String) throws(URLPrefixTagError) {
        switch option {
        case "strip":
            guard strip == nil else { throw .malformed("strip is there twice") }
            guard value.hasPrefix("/"),
                value.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x3F && $0 != 0x23 })
            else {
                throw .malformed("strip is not a path: strip=/PATH")
            }
            strip = value
        case "redirect":
            guard redirect == nil else { throw .malformed("redirect is there twice") }
            redirect = try Redirection(value)
        case "proto":
            // Every backend speaks it unless told otherwise.
            guard value == "http" else { throw .unsupported("proto=\(Self.short(value))") }
        default: throw .unsupported(Self.short(option) + (value.isEmpty ? "" : "="))
        }
    }

    /// Text of a registry, cut for a message.
    private static func short(_ text: String) -> String { String(text.prefix(40)) }
}

extension URLPrefixTag.Redirection {
    /// `301,https://www.example.com$path`; a code alone has nowhere to go.
    fileprivate init(_ text: String) throws(URLPrefixTagError) {
        let parts = text.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let status = Int(parts[0]),
            [301, 302, 303, 307, 308].contains(status), !parts[1].isEmpty
        else {
            throw .malformed("redirect is not CODE,URL with 301, 302, 303, 307 or 308")
        }
        let url = parts[1]
        guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x7B && $0 != 0x7D }) else {
            throw .malformed("the target of redirect has a brace or a byte outside ASCII")
        }
        guard url.hasPrefix("http://") || url.hasPrefix("https://") || url.hasPrefix("/") else {
            throw .malformed("the target of redirect is no URL: https://HOST/PATH")
        }
        var target = url.replacing("$path", by: "{path}").replacing("$host", by: "{host}")
        guard !target.contains("$") else {
            throw .unsupported("a variable in redirect other than $path and $host")
        }
        // `https://www.example.com/$path` means the path once, slash and all.
        target = target.replacing("/{path}", by: "{path}")
        if !target.contains("?") { target += "{query}" }
        self.init(status: status, target: target)
    }
}

/// Why a `urlprefix-` tag is refused. Any thread.
package enum URLPrefixTagError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The tag is not what fabio's convention says, and why.
    case malformed(String)
    /// The tag asks for something that Fairlead does not do.
    case unsupported(String)

    /// A phrase for a log line.
    package var description: String {
        switch self {
        case .malformed(let reason): reason
        case .unsupported(let what): "it asks for \(what), which is not supported"
        }
    }
}
