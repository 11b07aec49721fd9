// ContainerPort: which port of a container requests go to. Never one that was only guessed from
// several: requests at a debugger's port are worse than none.
//
// | what is known                                   | the port                               |
// |-------------------------------------------------|----------------------------------------|
// | a label or variable of the container names one  | that one                               |
// | its service names one                           | that one                               |
// | it exposes one port of TCP                      | that one                               |
// | it exposes several, one of 80, 8080, 8000, 3000 | the first of these that it exposes     |
// |  or 5000 among them                             |                                        |
// | anything else                                   | none: the reason says what to do       |

internal import DockerAPI

/// Chooses ports. Pure.
package enum ContainerPort {
    /// Ports that web servers in containers listen on by default.
    private static let usual: [UInt16] = [80, 8080, 8000, 3000, 5000]

    /// A port, or why there is none: a clause.
    package enum Choice: Hashable, Sendable {
        case port(UInt16)
        case none(reason: String)
    }

    /// The port of a container that exposes `exposed`, of TCP and in the order of their numbers.
    /// `offered` is what its labels or variables say, `wanted` what its service says.
    package static func choose(
        offered: UInt16?, wanted: UInt16?, exposed: [UInt16]
    ) -> Choice {
        if let port = offered ?? wanted { return .port(port) }
        if exposed.count == 1 { return .port(exposed[0]) }
        if let port = usual.first(where: exposed.contains) { return .port(port) }
        if exposed.isEmpty {
            return .none(
                reason: "it exposes no port of TCP: name one with the label fairlead.port")
        }
        let list = exposed.prefix(8).map { "\($0)" }.joined(separator: ", ")
        return .none(
            reason: "it exposes the ports \(list)\(exposed.count > 8 ? " …" : ""): name one with "
                + "the label fairlead.port")
    }
}

extension ContainerSummary {
    /// The ports of TCP that it exposes or publishes, each once, in the order of their numbers.
    package var exposedPorts: [UInt16] {
        var exposed: [UInt16] = []
        for port in ports where port.isTCP && exposed.last != port.inside {
            exposed.append(port.inside)
        }
        return exposed
    }
}
