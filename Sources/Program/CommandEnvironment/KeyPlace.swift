// KeyPlace: a prefix of Consul's key/value store, as it is written on a command line:
// `config/web`, `config/web?dc=dc2`.

internal import ConsulQuery

/// Below which key variables stand, and in which datacentre. Value type, any thread.
package struct KeyPlace: Hashable, Sendable, CustomStringConvertible {
    /// Ends in a slash, so that `config/web` has nothing of `config/web2`.
    package let prefix: String
    /// Nil is the agent's own.
    package let datacenter: String?

    /// Reads `text`; a slash at its end may be left out.
    ///
    /// - Throws: `KeyPlaceError` for what is no prefix, and for another parameter than `dc`.
    package init(_ text: String) throws(KeyPlaceError) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts[0])
        do throws(ConsulQueryError) {
            prefix = try ConsulKeyPrefix(
                path.isEmpty || path.hasSuffix("/") ? path : path + "/"
            ).text
        } catch {
            throw KeyPlaceError(description: error.description)
        }
        guard parts.count > 1 else {
            datacenter = nil
            return
        }
        let name = parts[1].hasPrefix("dc=") ? parts[1].dropFirst(3) : ""
        let isName = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard !name.isEmpty, isName else {
            throw KeyPlaceError(
                description: "found \"?\(parts[1])\", expected nothing or a datacentre, such as "
                    + "?dc=dc2")
        }
        datacenter = String(name)
    }

    /// `config/web/`, `config/web/?dc=dc2`.
    package var description: String { prefix + (datacenter.map { "?dc=\($0)" } ?? "") }
}

/// Why a text names no place of keys. Any thread.
package struct KeyPlaceError: Error, Equatable, CustomStringConvertible {
    /// What was found and what was expected.
    package let description: String
}
