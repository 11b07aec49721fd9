// schemathesis, which `conf/install-packages test` installs from PyPI into a folder of its own.

internal import FoundationEssentials
internal import Glibc

/// The program that asks an API everything that its OpenAPI document allows, and what it does not.
enum Schemathesis {
    /// Where it is: as conf/install-packages has it.
    static func program() throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? "/root"
        let tools = environment["FAIRLEAD_TOOLS"] ?? "\(home)/.cache/fairlead"
        let program = "\(tools)/schemathesis-4.32.5/bin/schemathesis"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw FlowError("\(program) is not there: run conf/install-packages test")
        }
        return program
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
