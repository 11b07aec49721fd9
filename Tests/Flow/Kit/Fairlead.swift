// The program under test, as a user starts it: flags, environment, signals, and the admin port.

internal import FoundationEssentials
internal import Glibc
internal import Testing

/// A running `fairlead` whose listeners are on 127.0.0.1.
final class Fairlead: Sendable {
    /// Where clients connect, in the order of the configuration; never empty.
    let ports: [UInt16]
    /// The first of them.
    let port: UInt16
    /// Nil when the admin port is off.
    let admin: UInt16?
    let process: RunningProcess

    /// `fairlead run` with one worker, one listener and an admin port; returns when it is alive.
    /// - Parameter flags: besides `--listen`, `--admin` and `--workers`, which are always given.
    convenience init(_ flags: [String], environment: [String: String] = [:]) throws {
        let places = [
            "--listen", "127.0.0.1:\(try FreePort.take())",
            "--admin", "127.0.0.1:\(try FreePort.take())",
        ]
        try self.init(
            arguments: ["run", "--workers", "1"] + places + flags, environment: environment)
    }

    /// Starts it in any way, and returns when `/health/live` answers. Where it listens is read in
    /// its log, which is also what a user has to go by.
    /// - Parameter listeners: how many it is to open.
    convenience init(
        arguments: [String], environment: [String: String] = [:], listeners: Int = 1,
        hasAdmin: Bool = true
    ) throws {
        try self.init(
            command: [Fairlead.program()] + arguments, environment: environment,
            listeners: listeners, hasAdmin: hasAdmin)
    }

    /// Starts a command that becomes the program in the end.
    init(
        command: [String], environment: [String: String] = [:], listeners: Int = 1,
        hasAdmin: Bool = true
    ) throws {
        let process = try RunningProcess(command, environment: environment)
        self.process = process
        func opened(_ event: String) -> [UInt16] {
            process.errors.split(separator: "\n").compactMap { line in
                let text = " \(event).open listen=127.0.0.1:"
                let json = "\"event\":\"\(event).open\",\"listen\":\"127.0.0.1:"
                guard let place = line.firstRange(of: text) ?? line.firstRange(of: json) else {
                    return nil
                }
                return UInt16(line[place.upperBound...].prefix { $0.isNumber })
            }
        }
        let what = "the listeners; fairlead said"
        let places = try waitFor("\(what):\n\(process.transcript)") { () -> [[UInt16]]? in
            if let exit = process.exit {
                throw FlowError("fairlead: \(exit):\n\(process.transcript)")
            }
            let found = [opened("listener"), opened("admin")]
            return found.map(\.count) == [listeners, hasAdmin ? 1 : 0] ? found : nil
        }
        guard let port = places[0].first else { throw FlowError("no listener was asked for") }
        (ports, self.port, admin) = (places[0], port, places[1].first)
        guard let admin else { return }
        try waitFor("the admin port; fairlead said:\n\(process.transcript)") { () -> Void? in
            (try? getAdmin("/health/live", port: admin))?.status == 200 ? () : nil
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

    /// A page of the admin port.
    func page(_ path: String) throws -> HTTPResponse {
        guard let admin else { throw FlowError("this fairlead has no admin port") }
        return try getAdmin(path, port: admin)
    }

    /// Has the admin port do something.
    func post(_ path: String, headers: [String] = []) throws -> HTTPResponse {
        guard let admin else { throw FlowError("this fairlead has no admin port") }
        return try HTTPConnection(port: admin, host: "127.0.0.1:\(admin)")
            .request("POST", path, headers: headers + ["Connection: close", "Content-Length: 0"])
    }

    /// The sum of a metric's series whose labels contain `label`.
    func metric(_ name: String, _ label: String = "") throws -> Double {
        try page("/metrics").body.split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix(name + "{") || line.hasPrefix(name + " "), line.contains(label),
                let value = line.split(separator: " ").last.flatMap({ Double($0) })
            else { return sum }
            return sum + value
        }
    }

    /// Waits until that sum is `value`: an answer may reach its client before it is counted.
    func expectMetric(
        _ name: String, _ label: String = "", is value: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectSoon(value, "\(name){\(label)}", sourceLocation: sourceLocation) {
            try metric(name, label)
        }
    }

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
        let body = try page("/backends").body
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
        try page("/health/ready").status
    }

    // MARK: traffic

    /// Sends so many requests to each of these instances by their shares, round after round, until
    /// a round is shared out so: a worker may hear of a change after the admin port has told it.
    func expectBodies(
        _ expected: [String: Int], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expectSoon(expected, sourceLocation: sourceLocation) {
            try bodies(of: expected.values.reduce(0, +))
        }
    }

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
