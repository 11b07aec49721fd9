// Target: where an API's server listens. An agent that runs beside us (Consul's, Docker's) often
// listens on a Unix-domain socket, which the file system protects and no port scan finds.

/// Something to connect to: an address and port, or the path of a Unix-domain socket. Value type,
/// any thread.
package enum Target: Hashable, Sendable {
    case endpoint(Endpoint)
    /// An absolute path of at most `unixPathBytesMax` bytes without a NUL, as `init` checks; what
    /// is longer can't be connected to.
    case unix(String)

    /// Bytes that a path may have: `sun_path` of unix(7) has 108, and the last is its NUL.
    package static let unixPathBytesMax = 107

    /// What `text` spells: `127.0.0.1:8500`, `[::1]:8500`, or `unix:/run/agent.sock`, also with
    /// `//` behind the colon.
    ///
    /// - Throws: `TargetError` that says what was found and what was expected.
    package init(_ text: String) throws(TargetError) {
        guard text.hasPrefix("unix:") else {
            guard let endpoint = Endpoint(text), endpoint.port != 0,
                !endpoint.address.isWildcard
            else {
                throw TargetError(
                    "found \"\(text)\", expected ADDRESS:PORT such as 127.0.0.1:8500, "
                        + "or unix:/PATH")
            }
            self = .endpoint(endpoint)
            return
        }
        var path = text.dropFirst("unix:".count)
        // `unix:///run/agent.sock`, as Docker's tools write it.
        if path.hasPrefix("///") { path = path.dropFirst(2) }
        guard path.first == "/" else {
            throw TargetError(
                "found \"\(text)\", expected an absolute path: unix:/run/agent.sock")
        }
        guard !path.utf8.contains(0) else {
            throw TargetError("found a NUL in the path of a socket")
        }
        guard path.utf8.count <= Self.unixPathBytesMax else {
            throw TargetError(
                "found a path of \(path.utf8.count) bytes, expected at most "
                    + "\(Self.unixPathBytesMax): the kernel takes no longer one for a socket")
        }
        self = .unix(String(path))
    }
}

/// Why a text is no target: a sentence without its full stop. Any thread.
package struct TargetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found and what was expected.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension Target: CustomStringConvertible {
    /// `127.0.0.1:8500` or `unix:/run/agent.sock`.
    package var description: String {
        switch self {
        case .endpoint(let endpoint): "\(endpoint)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
