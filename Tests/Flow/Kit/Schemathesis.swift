// schemathesis, which `conf/install-packages test` installs from PyPI into a folder of its own.

internal import TestSupport

/// The program that asks an API everything that its OpenAPI document allows, and what it does not.
enum Schemathesis {
    /// Where it is.
    static func program() throws -> String {
        try PyPITools.schemathesis.path(of: "schemathesis")
    }
}

extension Fairlead {
    /// The name, for paths of the admin port, of the backend at this port.
    func key(of port: UInt16) throws -> String {
        let body = try page("/backends").body
        let mark = "\"key\":\""
        for part in body.split(separator: mark).dropFirst() {
            let key = part.prefix { $0 != "\"" }
            if key.hasSuffix(":\(port)") { return String(key) }
        }
        throw FlowError("no backend at port \(port): \(body)")
    }
}
