// Generators: wrk and h2load, and their reports. A report of any failure is no figure.

internal import BenchSupport
internal import Subprocess

/// What a load generator did.
struct Load: Equatable, Sendable {
    var requests: Int
    var seconds: Double
}

/// Runs wrk on the load's processor: one thread, `connections` of them.
func wrk(
    _ running: Running, _ path: String = "/", connections: Int = 64, seconds: Int,
    arguments: [String] = []
) async throws -> Load {
    let command =
        ["--cpu-list", "\(Processor.load)", "wrk", "-t1", "-c\(connections)", "-d\(seconds)s"]
        + arguments + [running.url(path)]
    let result = try await run(
        .name("taskset"), arguments: Arguments(command), output: .string(limit: 65_536),
        error: .string(limit: 65_536))
    return try parseWrk(result.standardOutput)
}

/// Reads wrk's report.
func parseWrk(_ report: String) throws -> Load {
    guard !report.contains("Non-2xx"), !report.contains("Socket errors") else {
        throw BenchError("requests failed, so there is no figure: \(report)")
    }
    // "  36040 requests in 3.00s, 2.34MB read"
    for line in report.split(separator: "\n") where line.contains(" requests in ") {
        let words = line.split(separator: " ")
        if let requests = Int(words[0]), requests > 0, let seconds = Double(words[3].dropLast(2)) {
            return Load(requests: requests, seconds: seconds)
        }
    }
    throw BenchError("not a report of wrk: \(report)")
}

/// Runs h2load on the load's processor over HTTP/1.1, each request with the file `body`.
func h2load(
    _ port: UInt16, body: String, connections: Int, requests: Int
) async throws -> Load {
    let command = [
        "--cpu-list", "\(Processor.load)", "h2load", "--h1", "-t1", "-c\(connections)",
        "-n\(requests)", "-d", body, "http://127.0.0.1:\(port)/",
    ]
    let result = try await run(
        .name("taskset"), arguments: Arguments(command), output: .string(limit: 65_536),
        error: .string(limit: 65_536))
    return try parseH2load(result.standardOutput, expected: requests)
}

/// Runs h2load on the load's processor over HTTP/2, with `streams` requests at a time on each
/// connection.
func h2load(
    _ running: Running, _ path: String = "/", connections: Int, streams: Int, seconds: Int,
    arguments: [String] = []
) async throws -> Load {
    var command = [
        "--cpu-list", "\(Processor.load)", "h2load", "-t1", "-c\(connections)", "-m\(streams)",
        // What is under way at the end counts nowhere.
        "-D\(seconds)",
    ]
    command += arguments + [running.url(path)]
    let result = try await run(
        .name("taskset"), arguments: Arguments(command), output: .string(limit: 65_536),
        error: .string(limit: 65_536))
    let report = result.standardOutput
    guard report.contains(" 0 failed, 0 errored, 0 timeout"), report.contains("protocol: h2")
    else {
        throw BenchError("requests failed, so there is no figure: \(report)")
    }
    return try parseH2load(report)
}

/// Reads h2load's report; all of `expected` requests have to have succeeded, or nil for any number.
func parseH2load(_ report: String, expected: Int? = nil) throws -> Load {
    // "requests: 300 total, 300 started, 300 done, 300 succeeded, 0 failed, 0 errored, 0 timeout"
    // "finished in 1.23s, 243.90 req/s, 243.92MB/s"
    var seconds: Double?
    var succeeded: Int?
    for line in report.split(separator: "\n") {
        let words = line.split(separator: " ")
        if line.hasPrefix("finished in "), words.count > 2 {
            let time = words[2].dropLast()
            seconds =
                time.hasSuffix("ms")
                ? Double(time.dropLast(2)).map { $0 / 1000 } : Double(time.dropLast(1))
        }
        if line.hasPrefix("status codes: "), words.count > 2 { succeeded = Int(words[2]) }
    }
    guard let succeeded, let seconds else { throw BenchError("not a report of h2load: \(report)") }
    guard succeeded == expected ?? succeeded, succeeded > 0 else {
        throw BenchError("requests failed, so there is no figure: \(report)")
    }
    return Load(requests: succeeded, seconds: seconds)
}
