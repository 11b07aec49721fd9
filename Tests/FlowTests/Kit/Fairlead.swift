// The program under test, as a user starts it: flags, environment, signals, and the admin port.

internal import FoundationEssentials
internal import Glibc

/// `fairlead run` with a listener and an admin port on 127.0.0.1.
final class Fairlead: Sendable {
    /// Where clients connect.
    let port: UInt16
    let adminPort: UInt16
    let process: RunningProcess

    /// Returns when `/health/live` answers.
    /// - Parameter flags: besides `--listen`, `--admin` and `--workers 1`, which are always given.
    init(_ flags: [String], environment: [String: String] = [:]) throws {
        port = try FreePort.take()
        adminPort = try FreePort.take()
        let places = ["--listen", "127.0.0.1:\(port)", "--admin", "127.0.0.1:\(adminPort)"]
        process = try Fairlead.start(
            ["run", "--workers", "1"] + places + flags, environment: environment)
        try waitFor("the admin port; fairlead said:\n\(process.transcript)") { () -> Void? in
            if let exit = process.exit {
                throw FlowError("fairlead: \(exit), admin port unanswered:\n\(process.transcript)")
            }
            return (try? getAdmin("/health/live", port: adminPort))?.status == 200 ? () : nil
        }
    }

    /// The built program with any arguments, for tests of what does not start.
    static func start(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> RunningProcess {
        try RunningProcess([program()] + arguments, environment: environment)
    }

    /// Where the build put the program: beside the test bundle, which is what runs now. Another one
    /// (a release build) is tested by setting FAIRLEAD_PROGRAM to its path.
    static func program() throws -> String {
        if let chosen = unsafe getenv("FAIRLEAD_PROGRAM") { return unsafe String(cString: chosen) }
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlink("/proc/self/exe", &path, path.count)
        guard length > 0 else { throw FlowError.system("readlink /proc/self/exe") }
        let bundle = String(decoding: path[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
        let folder = bundle[..<(bundle.lastIndex(of: "/") ?? bundle.endIndex)]
        return "\(folder)/fairlead"
    }

    // MARK: the admin port

    /// A service as `/backends` shows it; only what the tests look at.
    struct Service: Decodable {
        struct Backend: Decodable {
            var address: String
            var state: String
            var cause: String
            var priority: Int
            var weight: Int
        }

        var name: String
        var backends: [Backend]
    }

    /// Every backend of every service.
    func backends() throws -> [Service.Backend] {
        struct Answer: Decodable { var services: [Service] }
        let body = try getAdmin("/backends", port: adminPort).body
        return try JSONDecoder().decode(Answer.self, from: Data(body.utf8)).services
            .flatMap(\.backends)
    }

    /// Blocks until exactly `count` backends are up.
    func waitForBackends(up count: Int) throws {
        var last: [Service.Backend] = []
        try waitFor("\(count) backends up; /backends shows \(last)") { () -> Void? in
            last = try backends()
            return last.count { $0.state == "up" } == count ? () : nil
        }
    }

    /// The status of `/health/ready`.
    func readiness() throws -> Int {
        try getAdmin("/health/ready", port: adminPort).status
    }

    // MARK: traffic

    /// Sends GET requests one after another on one connection and counts the bodies.
    /// - Throws: on any status but 200.
    func bodies(of requests: Int) throws -> [String: Int] {
        let connection = try HTTPConnection(port: port)
        var counts: [String: Int] = [:]
        for _ in 0..<requests {
            let response = try connection.request()
            guard response.status == 200 else {
                throw FlowError("status \(response.status): \(response.body)")
            }
            counts[response.body, default: 0] += 1
        }
        return counts
    }

    /// Sends rounds of requests until `isSettled` accepts the bodies of one; returns that round's.
    @discardableResult
    func waitForTraffic(
        _ what: String, _ isSettled: ([String: Int]) -> Bool
    ) throws -> [String: Int] {
        try waitFor(what) {
            let counts = try bodies(of: 12)
            return isSettled(counts) ? counts : nil
        }
    }
}
