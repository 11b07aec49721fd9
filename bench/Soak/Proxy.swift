// Proxy: the Fairlead under test, and what it says of itself.

internal import BenchSupport
internal import FoundationEssentials
internal import Glibc

/// A running Fairlead. Main thread only.
final class Proxy {
    /// What has to be at the end as it was at the start.
    struct Figures: Equatable, CustomStringConvertible {
        var sockets: Int
        var open: Int
        var inFlight: Int
        var description: String {
            "\(sockets) sockets, \(open) connections open, \(inFlight) in flight"
        }
    }

    /// The part of `/stats` that is compared.
    struct Stats: Decodable {
        struct Listener: Decodable {
            let name: String
            let connections: Int
            let openConnections: Int
        }
        struct Service: Decodable {
            let name: String
            let requests: Int
            let inFlight: Int
            let upgrades: Int
            let backends: [Backend]
        }
        struct Backend: Decodable {
            let openConnections: Int
            let inFlight: Int
        }
        let listeners: [Listener]
        let services: [Service]
    }

    let httpPort: UInt16
    let tcpPort: UInt16
    private let adminPort: UInt16
    private let child: ChildProcess
    private let folder: String

    /// Starts `program` before the two backends and waits until it serves.
    init(_ program: String, workers: Int, web: UInt16, raw: UInt16) throws {
        // Free until a moment ago: Fairlead opens them itself.
        let ports = try (0..<3).map { _ in try Listener() }
        (httpPort, tcpPort, adminPort) = (ports[0].port, ports[1].port, ports[2].port)
        for port in ports { close(port.descriptor) }
        folder = "/tmp/fairlead-soak-\(getpid())-\(workers)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = """
            workers: \(workers)
            admin: 127.0.0.1:\(adminPort)
            defaults:
              check: {type: off}
              eject: {failures: off, silence: off, error-rate: off}
              half-close: answer
            services:
              web: {backends: [{address: "127.0.0.1:\(web)"}]}
              raw: {backends: [{address: "127.0.0.1:\(raw)"}]}
            listeners:
              - {name: http, listen: "127.0.0.1:\(httpPort)", mode: http, service: web}
              - {name: tcp, listen: "127.0.0.1:\(tcpPort)", mode: tcp, service: raw}
            """
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/soak.yaml"))
        child = try ChildProcess(
            [program, "run", "--config", "\(folder)/soak.yaml"], outputPath: "\(folder)/output")
        for _ in 0..<500 where (try? stats()) == nil {
            guard child.exit == nil else { throw BenchError(child.output) }
            usleep(20_000)
        }
        _ = try stats()
    }

    /// What `/stats` says now.
    func stats() throws -> Stats {
        guard let connection = Connection(port: adminPort, receiveBuffer: nil) else {
            throw BenchError("no admin port: \(child.exit.map { "\($0)" } ?? "it runs")")
        }
        var body: [UInt8] = []
        let reader = MessageReader()
        var isWhole = false
        reader.onHead = { head throws(Fault) in try head.body(otherwise: .untilClose) }
        reader.onBody = { bytes, _ in body += bytes }
        reader.onEnd = { _, _ in isWhole = true }
        let request = "GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        let ending = try connection.exchange(
            Array(request.utf8), Pace(), isDone: { isWhole }, onBytes: reader.feed)
        guard ending == .done else { throw BenchError("no answer of /stats: \(ending)") }
        return try JSONDecoder().decode(Stats.self, from: Data(body))
    }

    /// The figures now; the connection that asks is not counted.
    func figures() throws -> Figures {
        let stats = try stats()
        let folder = "/proc/\(child.id)/fd"
        // Not pipes: the ones that splice are kept for the next.
        let sockets = try FileManager.default.contentsOfDirectory(atPath: folder).count {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)"))?
                .hasPrefix("socket:") ?? false
        }
        let open =
            stats.listeners.map(\.openConnections)
            + stats.services
            .flatMap(\.backends).map(\.openConnections)
        let inFlight =
            stats.services.map(\.inFlight)
            + stats.services
            .flatMap(\.backends).map(\.inFlight)
        return Figures(
            sockets: sockets, open: open.reduce(0, +), inFlight: inFlight.reduce(0, +))
    }

    /// Resident memory in MiB: `VmRSS` or, the most there was, `VmHWM`.
    func mebibytes(_ key: String) -> Int {
        let line = text("/proc/\(child.id)/status").split(separator: "\n").first {
            $0.hasPrefix(key)
        }
        return (line?.split { !$0.isNumber }.first.flatMap { Int($0) } ?? 0) / 1024
    }

    /// Nil while it runs; what it said where it ended by itself.
    var death: String? { child.exit.map { "\($0)\n\(child.output.suffix(4_000))" } }

    /// Ends it and removes its files.
    func stop() {
        child.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
