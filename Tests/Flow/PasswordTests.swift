// Who may come by a password: `auth: {users: FILE}` before real clients.

import Glibc
import TestSupport
import Testing

extension Flow {
    // Goal: users of a file come by their passwords, by both versions of HTTP; a file that changes
    // counts at once, and a broken one leaves in force what was; nothing shows a password. Method:
    // hashes by Python's crypt, which is libcrypt's, curl, a backend that writes down what came.
    @Suite struct Passwords {
        /// Lines of a file of users, each NAME:HASH.
        private func lines(
            _ users: [(name: String, password: String, setting: String)]
        ) throws -> String {
            let script = """
                import sys, warnings
                warnings.simplefilter("ignore")
                import crypt
                for user in sys.argv[1:]:
                    name, password, setting = user.split("|")
                    print(name + ":" + crypt.crypt(password, setting))
                """
            let process = try RunningProcess(
                ["python3", "-c", script]
                    + users.map { "\($0.name)|\($0.password)|\($0.setting)" })
            _ = try process.waitForExit()
            return process.transcript
        }

        private static let ann = (
            name: "ann", password: "correct horse", setting: "$2b$05$abcdefghijklmnopqrstuu"
        )
        private static let bob = (
            name: "bob", password: "s\u{e4}same", setting: "$y$j9T$abcdefgh"
        )

        @Test func `users come by their passwords, and a changed file counts at once`() throws {
            try withStage { stage in
                let web = stage.hold(try RecordingBackend())
                let folder = stage.hold(try TemporaryFolder())
                let log = folder.path("access.log")
                let users = try folder.write(try lines([Self.ann, Self.bob]), to: "users")
                let ports = try (0..<2).map { _ in try FreePort.take() }
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(ports[0])
                    access-log: {to: \(log)}
                    services: {web: {backends: ["127.0.0.1:\(web.port)"], check: {type: off}}}
                    listeners:
                      - listen: 127.0.0.1:\(ports[1])
                        service: web
                        auth: {users: \(users), realm: Staff only, user-field: X-User}
                        routes:
                          - {path: /health, service: web, auth: off}
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 1)
                let site = "http://127.0.0.1:\(ports[1])"

                for version in ["--http1.1", "--http2-prior-knowledge"] {
                    #expect(try curl(version, "-u", "ann:correct horse", "\(site)/").said == "ok")
                    #expect(try curl(version, "-u", "bob:s\u{e4}same", "\(site)/").said == "ok")
                    #expect(try curl(version, "\(site)/health").said == "ok")
                    let wrong = try curl(version, "-i", "-u", "ann:correct", "\(site)/")
                    #expect(wrong.said.contains(" 401"))
                    #expect(
                        wrong.said.lowercased().contains(
                            "www-authenticate: basic realm=\"staff only\", charset=\"utf-8\"\r\n"))
                    let requests = web.take()
                    #expect(requests.count == 3)
                    #expect(requests[0].contains(", x-user: ann"))
                    #expect(requests[1].contains(", x-user: bob"))
                    #expect(requests.allSatisfy { !$0.contains("authorization") })
                }

                // A broken file changes nothing; a whole one counts.
                _ = try folder.write("ann:correct horse", to: "users")
                try fairlead.process.waitForErrors(containing: "users.refused")
                #expect(try curl("-u", "ann:correct horse", "\(site)/").said == "ok")
                _ = try folder.write(
                    try lines([(Self.ann.name, "another one", Self.ann.setting)]), to: "users")
                try waitFor("the new password") {
                    try curl("-u", "ann:another one", "\(site)/").said == "ok" ? () : nil
                }
                for gone in ["ann:correct horse", "bob:s\u{e4}same"] {
                    #expect(try curl("-i", "-u", gone, "\(site)/").said.contains(" 401"))
                }
                try fairlead.process.waitForErrors(containing: "users.new")
                #expect(
                    try fairlead.metric(
                        "fairlead_auth_requests_total", "service=\"web\",result=\"refused\"") >= 4)
                try waitFor("the log") { () -> Void? in
                    let lines = readFile(log) ?? ""
                    #expect(!lines.contains("correct"))
                    return lines.contains(#""user":"ann","status":401,"cause":"CA""#)
                        && lines.contains(#""user":"bob","status":200,"cause":"--""#) ? () : nil
                }
                #expect(!fairlead.process.transcript.contains("correct horse"))
                #expect(try !fairlead.page("/config").body.contains("$2b$"))
            }
        }
    }
}
