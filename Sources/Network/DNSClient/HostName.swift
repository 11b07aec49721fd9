// HostName: the name of a host as people write it. Unlike a name of DNS it may be short: /etc/hosts
// and the search list say which one is meant (HostResolver).

package import DNSWire

/// A host's name as it is written in a configuration. Value type, any thread.
package struct HostName: Hashable, Sendable {
    /// The name as written.
    package let name: DomainName
    /// Whether it is written with a final dot, and so is complete.
    package let isAbsolute: Bool

    /// The host that `text` spells.
    /// - Throws: what is wrong with the text, and where.
    package init(_ text: some StringProtocol) throws(DomainNameError) {
        name = try DomainName(text)
        isAbsolute = text.last == "."
    }

    /// Whether it is `localhost` or below it: this machine, whatever hosts files and nameservers
    /// say (RFC 6761, section 6.3).
    package var isLocalhost: Bool { name.isLocalhost }
}

extension HostName: CustomStringConvertible {
    /// The name as it is written: `web`, or `web.example.` when it is absolute.
    package var description: String {
        let text = "\(name)"
        return isAbsolute || name.isRoot ? text : String(text.dropLast())
    }
}

extension DomainName {
    /// Whether this is `localhost` or below it, which is never asked for (RFC 6761, section 6.3).
    var isLocalhost: Bool {
        guard let last = labels.last else { return false }
        return String(decoding: last, as: UTF8.self).lowercased() == "localhost"
    }
}
