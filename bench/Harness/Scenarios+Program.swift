// Scenarios of the program itself: how soon it is there, and how much room it takes.

internal import BenchSupport
internal import FoundationEssentials
internal import Glibc
internal import Subprocess

extension Scenario {
    static let program = [
        Scenario(
            name: "start", title: "From the start to the first proxied response", unit: "ms",
            startsProxy: true
        ) { running, _ in
            let start = running.started
            while monotonic() - start < 60_000_000_000 {
                if let connection = Connection(to: running.port) {
                    defer { connection.close() }
                    let request = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
                    if connection.send(request),
                        connection.receiveToEnd().hasPrefix("HTTP/1.1 200")
                    {
                        return Sample(value: Double(monotonic() - start) / 1_000_000)
                    }
                }
                usleep(200)
            }
            throw BenchError("no response within a minute")
        },
        Scenario(
            name: "resident", title: "Resident when idle, after one request", unit: "MiB"
        ) { running, _ in
            try await Task.sleep(for: .seconds(1))
            let bytes = Double(residentBytes(ofTreeAt: running.process))
            return Sample(
                value: bytes / 1_048_576,
                details: ["program, stripped, MB": try await strippedMegabytes(running)])
        },
    ]

    /// The size of the program that runs, without its symbols.
    private static func strippedMegabytes(_ running: Running) async throws -> Double {
        let copy = "\(running.setup.folder)/stripped"
        _ = try await run(
            .name("strip"), arguments: ["-o", copy, "/proc/\(running.process)/exe"],
            output: .discarded, error: .discarded)
        var status = stat()
        guard unsafe stat(copy, &status) == 0 else { throw BenchError("strip left no program") }
        unsafe _ = unlink(copy)
        return Double(status.st_size) / 1_000_000
    }
}
