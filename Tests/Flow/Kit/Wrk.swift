// wrk: load, and the count of everything that went wrong under it.

/// A run of `wrk` against a port of 127.0.0.1, in the background until `result` is asked for.
final class Wrk: Sendable {
    /// What wrk counted.
    struct Result: Equatable {
        var requests = 0
        /// Responses outside 200 to 399.
        var refused = 0
        var connectErrors = 0
        var readErrors = 0
        var writeErrors = 0
        var timeouts = 0

        /// Every request that did not get a good response.
        var failures: Int { refused + connectErrors + readErrors + writeErrors + timeouts }
    }

    private let process: RunningProcess
    private let folder: TemporaryFolder
    private let seconds: Int

    /// - Parameter pause: milliseconds between an answer and the next request of its connection,
    ///   for load that lasts and must leave room for other tests; without it, as much as goes.
    init(port: UInt16, seconds: Int, connections: Int = 16, pause: Int = 0) throws {
        self.seconds = seconds
        folder = try TemporaryFolder()
        let script = try folder.write("function delay() return \(pause) end\n", to: "pause.lua")
        process = try RunningProcess(
            ["wrk", "-t1", "-c\(connections)", "-d\(seconds)s"]
                + (pause > 0 ? ["-s", script] : []) + ["http://127.0.0.1:\(port)/"])
    }

    /// Whether the load is still on: a test that did its mischief after it proves nothing.
    var isRunning: Bool { process.exit == nil }

    /// Waits for the end of a long run without holding one of the few threads that tests have.
    func resultInTime() async throws -> Result {
        while isRunning { try await Task.sleep(for: .milliseconds(100)) }
        return try result()
    }

    /// Blocks until the run is over.
    func result() throws -> Result {
        let exit = try process.waitForExit(limit: .seconds(seconds) + safetyLimit)
        guard exit == .status(0), let result = Result(process.output) else {
            throw FlowError("wrk: \(exit):\n\(process.transcript)")
        }
        return result
    }
}

extension Wrk.Result {
    /// Reads wrk's report; nil when it is none. Lines about errors are there only if errors are.
    init?(_ report: String) {
        var sawRequests = false
        for line in report.split(separator: "\n").map({ $0.drop { $0 == " " } }) {
            let words = line.split { " ,:".contains($0) }
            let numbers = words.compactMap { Int($0) }
            if line.contains(" requests in "), let count = numbers.first {
                (requests, sawRequests) = (count, true)
            } else if line.hasPrefix("Non-2xx or 3xx responses:"), let count = numbers.last {
                refused = count
            } else if line.hasPrefix("Socket errors:"), numbers.count == 4 {
                (connectErrors, readErrors) = (numbers[0], numbers[1])
                (writeErrors, timeouts) = (numbers[2], numbers[3])
            }
        }
        if !sawRequests { return nil }
    }
}
