// ServiceLink: variables that Kubernetes and Docker set for every service beside a container. For a
// service called `fairlead-srv` one of them is FAIRLEAD_SRV_PORT=tcp://10.0.0.1:80, which has the
// name of an option and is none.
//
// | form, after the service's name                             | value                          |
// |------------------------------------------------------------|--------------------------------|
// | `_SERVICE_HOST`, `_SERVICE_PORT`, `_SERVICE_PORT_NAME`     | an address, a port             |
// | `_PORT`, `_PORT_80_TCP`                                    | `tcp://10.0.0.1:80`            |
// | `_PORT_80_TCP_PROTO`, `_PORT_80_TCP_PORT`, `_PORT_80_TCP_ADDR` | `tcp`, a port, an address  |

/// Recognises them. Pure, any thread.
enum ServiceLink {
    private static let protocols = ["TCP", "UDP", "SCTP"]

    /// Whether a variable of this name and value was set for a service, and is no option.
    static func isOne(_ name: String, _ value: String) -> Bool {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.first == "FAIRLEAD" else { return false }
        if name.hasSuffix("_SERVICE_HOST") || name.hasSuffix("_SERVICE_PORT") { return true }
        if name.contains("_SERVICE_PORT_") { return true }
        if parts.last == "PORT", isURL(value) { return true }
        guard let place = parts.indices.last(where: { isPort(parts, at: $0) }) else { return false }
        switch parts[(place + 3)...].joined(separator: "_") {
        case "": return isURL(value)
        case "PROTO", "PORT", "ADDR": return true
        default: return false
        }
    }

    /// Whether `PORT_80_TCP` begins there.
    private static func isPort(_ parts: [Substring], at place: Int) -> Bool {
        parts.count >= place + 3 && parts[place] == "PORT" && UInt16(parts[place + 1]) != nil
            && protocols.contains(String(parts[place + 2]))
    }

    private static func isURL(_ value: String) -> Bool {
        protocols.contains { value.hasPrefix("\($0.lowercased())://") }
    }
}
