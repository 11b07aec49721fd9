// PyPITools: what `conf/install-packages test` installs from PyPI.

internal import FoundationEssentials

/// A set of packages in a folder of its own, named after the first of them.
package enum PyPITools: String {
    /// schemathesis, hypothesis and prometheus_client.
    case schemathesis = "schemathesis-4.32.5"
    /// grpcio, and its health service.
    case grpcio = "grpcio-1.85.3"
    /// The definitions of OpenTelemetry's protocol, and what reads JSON by them.
    case openTelemetry = "opentelemetry-proto-1.45.2"

    /// Where `program` of the set is, such as its Python.
    /// - Throws: `TestSupportError` when it is not installed; that says how to install it.
    package func path(of program: String) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? "/root"
        let tools = environment["FAIRLEAD_TOOLS"] ?? "\(home)/.cache/fairlead"
        let path = "\(tools)/\(rawValue)/bin/\(program)"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw TestSupportError("\(path) is not there: run conf/install-packages test")
        }
        return path
    }
}
