// The floor as a program of its own, because it speaks to libevent and the harness does not:
// `fairlead-bench-servers floor PORT ORIGIN-PORT`.

internal import Glibc

@main
struct Servers {
    static func main() throws {
        let words = CommandLine.arguments.dropFirst()
        let ports = words.dropFirst().compactMap { UInt16($0) }
        switch (words.first, ports.count) {
        case ("floor", 2): try Floor(backendPort: ports[1]).run(port: ports[0])
        default:
            throw ServerError("usage: fairlead-bench-servers floor PORT ORIGIN-PORT")
        }
    }
}
