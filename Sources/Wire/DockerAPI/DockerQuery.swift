// DockerQuery: which containers are wanted, as text and as a value:
//
// | text                          | which containers                                           |
// |-------------------------------|------------------------------------------------------------|
// | web                           | those that offer the service web                           |
// | web?network=front&port=8080   | … reached by that network, and at that port where they do  |
// |                               |  not name one                                              |
// | ?label=tier=front&label=blue  | those that have all of these labels                        |

/// Which containers a service wants. Value type, any thread.
package struct DockerQuery: Hashable, Sendable {
    /// A label that a container must have.
    package struct Label: Hashable, Sendable {
        /// Its name.
        package let key: String
        /// Its value; nil for any.
        package let value: String?
    }

    /// Labels that one query may name.
    package static let labelsMax = 16
    /// Bytes of a name or a value.
    package static let textBytesMax = 255

    /// The service that they offer; nil for containers that are chosen by labels alone.
    package private(set) var service: String?
    /// Labels that they must have, all of them.
    package private(set) var labels: [Label] = []
    /// The network by which they are reached, where they do not name one; nil for any.
    package private(set) var network: String?
    /// The port inside them, 1 to 65535, where they do not name one; nil: to be found out.
    package private(set) var port: UInt16?

    /// A query of those that offer `service`, which has letters, digits, `.`, `-` and `_` alone.
    ///
    /// - Throws: `DockerQueryError` for any other name.
    package init(service: String) throws(DockerQueryError) {
        guard Self.isName(service) else {
            throw DockerQueryError(
                "found the service \"\(service.prefix(60))\", expected a name of letters, digits, "
                    + "dots, - and _")
        }
        self.service = service
    }

    /// Reads a query.
    ///
    /// - Throws: `DockerQueryError`, which says what was found and what was expected.
    package init(_ text: String) throws(DockerQueryError) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        if let name = parts.first, !name.isEmpty {
            try self.init(service: String(name))
        } else {
            self.init()
        }
        let parameters = parts.count > 1 ? parts[1].split(separator: "&") : []
        for parameter in parameters { try read(parameter) }
        guard service != nil || !labels.isEmpty else {
            throw DockerQueryError(
                "found \"\(text.prefix(60))\", expected a service or ?label=NAME=VALUE")
        }
    }

    private init() {}

    private mutating func read(_ parameter: Substring) throws(DockerQueryError) {
        let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let (name, value) = (pair[0], pair.count > 1 ? String(pair[1]) : "")
        guard (1...Self.textBytesMax).contains(value.utf8.count) else {
            throw DockerQueryError(
                "found \"\(parameter.prefix(60))\", expected a value of 1 to "
                    + "\(Self.textBytesMax) bytes")
        }
        switch name {
        case "network" where network == nil:
            guard Self.isName(value) else {
                throw DockerQueryError(
                    "found the network \"\(value.prefix(60))\", expected its name")
            }
            network = value
        case "port" where port == nil:
            guard let number = UInt16(value), number > 0 else {
                throw DockerQueryError(
                    "found the port \"\(value.prefix(20))\", expected 1 to 65535")
            }
            port = number
        case "label" where labels.count < Self.labelsMax:
            let label = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard !label[0].isEmpty else {
                throw DockerQueryError("found a label without a name, expected label=NAME=VALUE")
            }
            labels.append(
                Label(key: String(label[0]), value: label.count > 1 ? String(label[1]) : nil))
        case "network", "port":
            throw DockerQueryError("found \(name) twice")
        case "label":
            throw DockerQueryError("found more than \(Self.labelsMax) labels")
        default:
            throw DockerQueryError(
                "found \"\(name.prefix(60))\", expected network, port or label")
        }
    }

    private static func isName(_ text: String) -> Bool {
        (1...textBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F
            }
    }
}

extension DockerQuery: CustomStringConvertible {
    /// The query as it is written, its parameters in one order.
    package var description: String {
        var parameters = labels.map { label in
            "label=\(label.key)" + (label.value.map { "=\($0)" } ?? "")
        }
        if let network { parameters.append("network=\(network)") }
        if let port { parameters.append("port=\(port)") }
        let tail = parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")
        return (service ?? "") + tail
    }
}

/// Why a text is no query: a sentence without its full stop. Any thread.
package struct DockerQueryError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found and what was expected.
    package let description: String

    /// A sentence about a text that makes no query.
    package init(_ description: String) {
        self.description = description
    }
}
