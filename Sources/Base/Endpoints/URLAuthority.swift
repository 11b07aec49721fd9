// URLAuthority: host and port as a URL has them.

/// The authority of a URL without user (RFC 3986, section 3.2). Value type, any thread.
package struct URLAuthority: Equatable, Sendable {
    /// What stands for the host, without the brackets of an IPv6 address; it is not checked.
    package let host: String
    /// The port that it says, 1 to 65535, else that of the scheme.
    package let port: UInt16

    /// From `HOST`, `HOST:PORT` or `[IPV6]:PORT`; nil for a port that is none.
    ///
    /// - Parameter standardPort: that of the URL's scheme.
    package init?(_ text: Substring, standardPort: UInt16) {
        var host = text
        var tail: Substring = ""
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            tail = text[text.index(after: end)...]
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            tail = text[colon...]
        }
        self.host = String(host)
        guard !tail.isEmpty else {
            port = standardPort
            return
        }
        guard tail.hasPrefix(":"), let port = UInt16(tail.dropFirst()), port > 0 else {
            return nil
        }
        self.port = port
    }
}
