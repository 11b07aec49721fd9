// The access log of the program as operators run it: rotated, shared with the program's own log,
// complete at the end.

internal import FoundationEssentials
internal import Glibc
import Testing

extension Flow {
    // Goal: the log has a line for every request that was answered, and only whole lines, whatever
    // else happens. Method: keep-alive load while the file is rotated and until the program ends.
    @Suite struct AccessLog {
        /// What a program that reads the lines relies on.
        struct Line: Decodable {
            var time: String
            var service: String
            var backend: String
            var method: String
            var target: String
            var status: Int
            var cause: String
            var tries: Int
            var total_us: Int
        }

        private func parse(_ text: String) throws -> [Line] {
            try text.split(separator: "\n").map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
        }

        private func text(of path: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        }

        @Test func `a rotated file loses no line`() throws {
            try withStage { stage in
                let folder = stage.hold(try TemporaryFolder())
                let path = folder.path("access.log")
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(
                    over: [web[0].port], flags: ["--access-log", path])
                let count = 3000
                let connection = try HTTPConnection(port: fairlead.port)
                for number in 0..<count {
                    #expect(try connection.request("GET", "/\(number)").body == "one")
                    if number == count / 2 {
                        #expect(unsafe rename(path, path + ".1") == 0)
                        fairlead.process.signal(SIGUSR1)
                    }
                }
                fairlead.process.signal(SIGTERM)
                #expect(try fairlead.process.waitForExit() == .status(0))
                let old = try parse(text(of: path + ".1"))
                let new = try parse(text(of: path))
                #expect(!new.isEmpty)
                let lines = old + new
                #expect(lines.map(\.target) == (0..<count).map { "/\($0)" })
                #expect(lines.allSatisfy { $0.status == 200 && $0.cause == "--" && $0.tries == 1 })
                #expect(lines.allSatisfy { $0.backend == "127.0.0.1:\(web[0].port)" })
                try fairlead.process.waitForErrors(containing: "access_log.reopened")
            }
        }

        @Test
        func `the access log has standard output to itself, and the other log standard error`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one")
                let fairlead = try stage.fairlead(
                    over: [web[0].port],
                    flags: ["--access-log", "stdout"])
                let connection = try HTTPConnection(port: fairlead.port)
                for number in 0..<500 {
                    #expect(try connection.request("GET", "/\(number)").body == "one")
                }
                fairlead.process.signal(SIGTERM)
                #expect(try fairlead.process.waitForExit() == .status(0))
                let access = fairlead.process.output.split(separator: "\n")
                let own = fairlead.process.errors.split(separator: "\n")
                let lines = try parse(access.joined(separator: "\n"))
                #expect(lines.count == 500)
                #expect(own.allSatisfy { $0.hasPrefix("20") })
                #expect(own.contains { $0.contains(" process.stopped") })
                #expect(own.contains { $0.contains(" process.draining") })
            }
        }

        @Test func `a file that can't be written is said at the start`() throws {
            let process = try Fairlead.start([
                "run", "--listen", "127.0.0.1:0", "--backend", "127.0.0.1:1", "--admin", "off",
                "--access-log", "/nonexistent/access.log",
            ])
            #expect(try process.waitForExit() == .status(1))
            #expect(
                process.transcript.contains("cannot open the access log /nonexistent/access.log"))
            #expect(process.transcript.contains("name a file that this user may write"))
        }
    }
}
