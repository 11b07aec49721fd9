// `fairlead check` beside `fairlead run`: what one believes, the other does not refuse.

internal import Testing

extension Flow {
    // Goal: an operator who asks first is told what a start would say. Method: configurations that
    // are valid and name what this machine does not have; each is checked and started.
    @Suite struct Check {
        private static let rest = """

            admin: off
            services: {web: {backends: ["127.0.0.1:1"]}}
            listeners: [{listen: "127.0.0.1:0", service: web}]
            """

        @Test(arguments: [
            ("access-log: {to: /nonexistent/access.log}", "access log", "/nonexistent"),
            ("access-log: {to: /tmp}", "access log", "Is a directory"),
            (
                "consul: {tags: on, token-file: /nonexistent/token}", "consul.token-file",
                "/nonexistent/token cannot be read: No such file or directory"
            ),
            ("user: nobody-of-this-name", "user", "found no user nobody-of-this-name"),
        ])
        func `what a start refuses is told by check, which makes nothing`(
            text: String, word: String, why: String
        ) throws {
            let folder = try TemporaryFolder()
            let path = try folder.write(text + Self.rest, to: "f.yaml")
            let check = try Fairlead.start(["check", "--config", path])
            #expect(try check.waitForExit() == .status(2), "\(check.transcript)")
            #expect(check.errors.contains(why), "\(check.transcript)")
            let run = try Fairlead.start(["run", "--config", path])
            #expect(try run.waitForExit() == .status(1), "\(run.transcript)")
            #expect(run.errors.contains(word), "\(run.transcript)")
        }

        @Test
        func `a file that can be made is not made, and what a start goes without is a warning`()
            throws
        {
            let folder = try TemporaryFolder()
            let log = folder.path("access.log")
            let token = try folder.write("a-token-of-many-letters\n", to: "token")
            let text = """
                admin: {listen: "192.0.2.1:9090", token-file: \(token)}
                access-log: {to: \(log)}
                state-file: /nonexistent/state
                services: {web: {file: /nonexistent/web.json}}
                listeners: [{listen: "127.0.0.1:0", service: web}]
                """
            let path = try folder.write(text, to: "f.yaml")
            let check = try Fairlead.start(["check", "--config", path])
            #expect(try check.waitForExit() == .status(0), "\(check.transcript)")
            #expect(check.output == "valid: 1 listener, 1 service\n")
            for part in [
                "warning: state-file: /nonexistent/state can't be made: /nonexistent: ",
                "warning: services.web.file: /nonexistent/web.json cannot be read: ",
                "warning: admin: cannot listen on 192.0.2.1:9090: ",
            ] { #expect(check.errors.contains(part), "\(check.transcript)") }
            #expect(readFile(log) == nil)
        }

        @Test(arguments: ["run", "check"])
        func `a file without its flag is told how to give it`(command: String) throws {
            let process = try Fairlead.start([command, "/etc/fairlead.yaml"])
            #expect(try process.waitForExit() == .status(2))
            try process.waitForErrors(containing: "--config /etc/fairlead.yaml")
        }
    }
}
