// wrk: load, and the count of everything that went wrong under it.

internal import Glibc

/// A run of `wrk` against a port of 127.0.0.1, in the background until `result` is asked for: a
/// test ends it when it has done what it does under load, however long that takes.
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

    /// - Parameter pause: milliseconds between an answer and the next request of its connection,
    ///   for load that lasts and must leave room for other tests; without it, as much as goes.
    init(port: UInt16, connections: Int = 16, pause: Int = 0) throws {
        folder = try TemporaryFolder()
        let script = try folder.write("function delay() return \(pause) end\n", to: "pause.lua")
        process = try RunningProcess(
            ["wrk", "-t1", "-c\(connections)", "-d10m"]
                + (pause > 0 ? ["-s", script] : []) + ["http://127.0.0.1:\(port)/"])
    }

    /// Whether the load is still on: a test that did its mischief after it proves nothing.
    var isRunning: Bool { process.exit == nil }

    /// Ends the run, and blocks until it is over.
    func result() throws -> Result {
        process.signal(SIGINT)
        let exit = try process.waitForExit()
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
