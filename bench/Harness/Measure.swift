// One figure: a proxy pinned to one processor, the load and the origin on another, and the proxy's own
// processor time divided by the requests that wrk counted. A figure is refused when anything went wrong.

internal import FoundationEssentials
internal import Glibc
internal import Subprocess

/// The load that every proxy gets.
struct Load: Codable, Sendable {
    var seconds: Int
    var connections: Int
}

/// What one proxy did in one round.
struct Sample: Codable, Sendable {
    var requests: Int
    var seconds: Double
    var processorNanoseconds: UInt64

    /// Processor time of the proxy per request.
    var microsecondsPerRequest: Double { Double(processorNanoseconds) / Double(requests) / 1_000 }
    var requestsPerSecond: Double { Double(requests) / seconds }
}

private let originPort: UInt16 = 19_080
private let proxyPort: UInt16 = 19_081

/// Measures the contestants of these names, in turn, `rounds` times.
func compare(_ names: [String], rounds: Int, load: Load) async throws -> Report {
    guard sysconf(Int32(_SC_NPROCESSORS_ONLN)) >= 2 else {
        throw BenchError("two processors are needed: one for the proxy, one for the load")
    }
    let folder = "/tmp/fairlead-bench-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let contestants = try Contestant.all(origin: originPort, port: proxyPort, folder: folder)
        .filter { names.contains($0.name) }
    guard !contestants.isEmpty else { throw BenchError("nobody to measure among \(names)") }

    let samples = try await serving(
        [try builtProgram("fairlead-bench-servers"), "origin", "\(originPort)"], port: originPort,
        processor: 1
    ) { _ in
        var samples: [String: [Sample]] = [:]
        for round in 1...rounds {
            for contestant in contestants {
                let sample = try await serving(contestant.command, port: proxyPort, processor: 0) {
                    try check(contestant)
                    return try await measure($0, load)
                }
                samples[contestant.name, default: []].append(sample)
                print("round \(round): \(contestant.name) \(sample.microsecondsPerRequest) µs")
            }
        }
        return samples
    }
    return try await Report(contestants, samples, load)
}

/// Runs `command` on one processor while `body` works with its process id; ends it afterwards.
private func serving<Result: Sendable>(
    _ command: [String], port: UInt16, processor: Int,
    _ body: (_ process: Int32) async throws -> Result
) async throws -> Result {
    // `taskset` becomes the program it starts, so that the process id is the program's own.
    let arguments = Arguments(["--cpu-list", "\(processor)"] + command)
    let outcome = try await run(
        .name("taskset"), arguments: arguments, input: .none, output: .discarded, error: .discarded
    ) { execution in
        let process = execution.processIdentifier.value
        let result: Swift.Result<Result, any Error>
        do {
            try waitForPort(port, of: command[0])
            result = .success(try await body(process))
        } catch {
            result = .failure(error)
        }
        // SIGTERM first: nginx's main process then ends its worker.
        kill(process, SIGTERM)
        try? await Task.sleep(for: .milliseconds(300))
        kill(process, SIGKILL)
        return result
    }
    return try outcome.closureResult.get()
}

private func waitForPort(_ port: UInt16, of program: String) throws {
    for _ in 0..<200 {
        if let connected = connection(to: port) {
            close(connected)
            return
        }
        usleep(10_000)
    }
    throw BenchError("\(program) does not listen on 127.0.0.1:\(port)")
}

/// A connected socket, which the caller closes; nil when refused.
private func connection(to port: UInt16) -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr = in_addr(s_addr: UInt32(0x7f00_0001).bigEndian)
    let connected = unsafe withUnsafePointer(to: &address) { pointer in
        // Every socket address begins with the members of `sockaddr`; the length says which it is.
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
    if connected { return descriptor }
    close(descriptor)
    return nil
}

/// One round of load on the proxy that is `process`.
private func measure(_ process: Int32, _ load: Load) async throws -> Sample {
    _ = try await wrk(Load(seconds: 1, connections: load.connections))
    let before = processorNanoseconds(ofTreeAt: process)
    let (requests, seconds) = try await wrk(load)
    let after = processorNanoseconds(ofTreeAt: process)
    guard after > before, requests > 0 else { throw BenchError("no request, or no processor time") }
    return Sample(requests: requests, seconds: seconds, processorNanoseconds: after - before)
}

private func wrk(_ load: Load) async throws -> (requests: Int, seconds: Double) {
    let arguments: Arguments = [
        "--cpu-list", "1", "wrk", "-t1", "-c\(load.connections)", "-d\(load.seconds)s",
        "http://127.0.0.1:\(proxyPort)/",
    ]
    let result = try await run(
        .name("taskset"), arguments: arguments, output: .string(limit: 65_536))
    let report = result.standardOutput
    guard !report.contains("Non-2xx"), !report.contains("Socket errors") else {
        throw BenchError("requests failed, so there is no figure:\n\(report)")
    }
    // "  36040 requests in 3.00s, 2.34MB read"
    for line in report.split(separator: "\n") where line.contains(" requests in ") {
        let words = line.split(separator: " ")
        if let requests = Int(words[0]), let seconds = Double(words[3].dropLast(2)) {
            return (requests, seconds)
        }
    }
    throw BenchError("not a report of wrk:\n\(report)")
}

/// Refuses a proxy that does less than is asked for: without `X-Forwarded-For` it has less to do.
private func check(_ contestant: Contestant) throws {
    let request = "GET /head HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    guard contestant.addsForwardedFor else { return }
    let head = try ask(request)
    guard head.hasPrefix("HTTP/1.1 200"),
        head.lowercased().contains("\r\nx-forwarded-for: 127.0.0.1")
    else {
        throw BenchError(
            "\(contestant.name) does not add X-Forwarded-For; the origin got:\n\(head)")
    }
}

private func ask(_ request: String) throws -> String {
    guard let socket = connection(to: proxyPort) else {
        throw BenchError("the proxy does not accept")
    }
    defer { close(socket) }
    let bytes = Array(request.utf8)
    unsafe _ = write(socket, bytes, bytes.count)
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4_096)
    while true {
        let count = unsafe recv(socket, &chunk, chunk.count, 0)
        guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
        answer += chunk[..<count]
    }
}
