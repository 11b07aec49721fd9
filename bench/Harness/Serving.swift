// Serving: a program that runs on a processor of its own while something is measured.

internal import BenchSupport
internal import Glibc
internal import Subprocess

/// A proxy, or the origin itself, at work.
struct Running: Sendable {
    /// The process id; children of it count as well. 0 when nothing stands before the origin.
    let process: Int32
    /// Where to send the load.
    let port: UInt16
    let setup: Setup
    /// When it was started, by `monotonic`: before the fork.
    var started: UInt64 = 0

    /// Whether its clients speak TLS: not where nothing stands before the origin.
    var isSecure: Bool { setup.certificate != nil && process != 0 }

    /// A connection of a client's; nil when it is refused.
    func connect() -> Connection? {
        Connection(
            to: port, isSecure: isSecure, for: setup.name(0), speaksHTTP2: setup.speaksHTTP2)
    }

    /// The URL of `path`.
    func url(_ path: String = "/") -> String {
        "\(isSecure ? "https" : "http")://127.0.0.1:\(port)\(path)"
    }
}

/// Where the proxy runs, and everything else.
enum Processor {
    static let proxy = 0
    static let load = 1
}

/// Runs `command` on a processor while `body` works with its process id; ends it afterwards. Its
/// standard output goes to the file `output`, or nowhere.
func serving<Result: Sendable>(
    _ command: [String], processor: Int, output: String? = nil,
    _ body: (_ process: Int32, _ started: UInt64) async throws -> Result
) async throws -> Result {
    // `taskset` becomes the program it starts, so that the process id is the program's own.
    // The shell, when there is one, becomes it as well.
    let redirection = output.map { ["sh", "-c", "exec \"$@\" > \"$0\"", $0] } ?? []
    let arguments = Arguments(["--cpu-list", "\(processor)"] + redirection + command)
    let started = monotonic()
    let outcome = try await run(
        .name("taskset"), arguments: arguments, input: .none, output: .discarded,
        error: .discarded
    ) { execution in
        let process = execution.processIdentifier.value
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(process, started))
        } catch {
            result = .failure(error)
        }
        // SIGTERM first: nginx's main process then ends its worker.
        kill(process, SIGTERM)
        for _ in 0..<50 where kill(process, 0) == 0 {
            try? await Task.sleep(for: .milliseconds(10))
        }
        kill(process, SIGKILL)
        return result
    }
    return try outcome.closureResult.get()
}

/// Waits until `process` accepts connections on `port`.
func waitForPort(_ port: UInt16, of program: String, _ process: Int32) async throws {
    for _ in 0..<6_000 {
        // A process that has ended stays until it is waited for (proc(5): state Z).
        guard !text("/proc/\(process)/stat").contains(") Z ") else {
            throw BenchError("\(program) ended at once")
        }
        if let connection = Connection(to: port) {
            connection.close()
            return
        }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw BenchError("\(program) does not listen on 127.0.0.1:\(port) within a minute")
}
