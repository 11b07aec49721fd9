// The two servers of the bench, a program of their own because they speak to libevent and the harness
// does not: `fairlead-bench-servers origin PORT` and `fairlead-bench-servers floor PORT ORIGIN-PORT`.

internal import Glibc

@main
struct Servers {
    static func main() throws {
        let words = CommandLine.arguments.dropFirst()
        let ports = words.dropFirst().compactMap { UInt16($0) }
        switch (words.first, ports.count) {
        case ("origin", 1): try runOrigin(port: ports[0])
        case ("floor", 2): try Floor(backendPort: ports[1]).run(port: ports[0])
        default:
            throw ServerError("usage: fairlead-bench-servers origin PORT | floor PORT ORIGIN-PORT")
        }
    }
}
