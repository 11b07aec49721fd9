// The configuration is changed while it runs, as an operator does it: the file is edited, and
// SIGHUP sent.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: two hundred changes of services, routes and listeners cost no request, and leave
    // nothing behind. Method: one file after the other under load; each is told to be taken up by
    // the metrics.
    @Suite struct Reload {
        /// What stands in the file by turns: another check, routes, a listener more, none of them.
        private func variants(_ admin: UInt16, _ ports: [UInt16], _ backends: [UInt16]) -> [String]
        {
            func text(_ service: String, _ web: String, _ more: String = "") -> String {
                """
                workers: 2
                admin: 127.0.0.1:\(admin)
                services:
                  a: {backends: ["127.0.0.1:\(backends[0])"]\(service)}
                  b: {backends: ["127.0.0.1:\(backends[1])"]}
                listeners:
                  - {name: web, listen: "127.0.0.1:\(ports[0])", service: a\(web)}
                \(more)
                """
            }
            let routes = ", routes: [{path-prefix: /b, service: b}]"
            let listen = "listen: \"127.0.0.1:\(ports[1])\""
            return [
                text("", routes),
                text(", check: {rise: 5}, retry: {attempts: 2}", routes),
                text("", "", "  - {name: more, \(listen), service: b}"),
                text("", "", "  - {name: raw, \(listen), mode: tcp, service: b}"),
                text("", ", limits: {connections: 500}"),
            ]
        }

        @Test func `a pipe in the place of the file is refused at once, and all goes on`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let folder = stage.hold(try TemporaryFolder())
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(try FreePort.take())
                    services: {web: {backends: ["127.0.0.1:\(web[0].port)"]}}
                    listeners: [{listen: "127.0.0.1:\(try FreePort.take())", service: web}]
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 1)
                try folder.remove("fairlead.yaml")
                #expect(unsafe mkfifo(path, 0o600) == 0)
                fairlead.process.signal(SIGHUP)
                try fairlead.process.waitForOutput(
                    containing: "\(path): found a pipe, expected a regular file")
                #expect(try fairlead.page("/health/ready").status == 200)
                #expect(try get(port: fairlead.port).body == "one")
                // Neither does a start wait for somebody who writes.
                let second = try Fairlead.start(["run", "--config", path])
                #expect(try second.waitForExit() == .status(2))
                #expect(second.errors.contains("found a pipe, expected a regular file"))
            }
        }

        @Test func `200 reloads under load fail no request, and descriptors stay as they were`()
            throws
        {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let ports = [try FreePort.take(), try FreePort.take()]
                let folder = try TemporaryFolder()
                let texts = variants(try FreePort.take(), ports, web.map(\.port))
                let path = try folder.write(texts[0], to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 2)
                let load = Load { [port = fairlead.port] _ in
                    let connection = try HTTPConnection(port: port)
                    return {
                        let response = try connection.request()
                        return response.status == 200 ? nil : "\(response)"
                    }
                }
                try load.start(clients: 4)
                try load.awaitMore(20)
                func reload(_ text: String, _ number: Int) throws {
                    try folder.write(text, to: "new.yaml")
                    guard unsafe rename(folder.path("new.yaml"), path) == 0 else {
                        throw FlowError.system("rename")
                    }
                    fairlead.process.signal(SIGHUP)
                    try waitFor("reload \(number)") { () -> Void? in
                        let count = try fairlead.metric("fairlead_reloads_total", "applied")
                        return count == Double(number) ? () : nil
                    }
                }
                let before = try fairlead.metric("process_open_fds")
                for number in 1...200 {
                    try reload(texts[number % texts.count], number)
                    try load.awaitMore(2)
                }
                try load.stop()
                #expect(load.failures == [])
                // The 200th is the first text again.
                try waitFor("descriptors as at the start") { () -> Void? in
                    try fairlead.metric("process_open_fds") <= before ? () : nil
                }
                #expect(try fairlead.metric("fairlead_reloads_total", "refused") == 0)
                #expect(try fairlead.page("/health/ready").status == 200)
                fairlead.process.signal(SIGTERM)
                #expect(try fairlead.process.waitForExit() == .status(0))
            }
        }

        @Test func `a file that is not valid changes nothing, and the page says why`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let ports = [try FreePort.take(), try FreePort.take()]
                let folder = try TemporaryFolder()
                let text = variants(try FreePort.take(), ports, web.map(\.port))[0]
                let path = try folder.write(text, to: "fairlead.yaml")
                let fairlead = stage.hold(
                    try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 2)
                try folder.write(
                    text + "  - {name: x, listen: \":1\", service: a, upgrad: off}\n",
                    to: "fairlead.yaml")
                fairlead.process.signal(SIGHUP)
                try waitFor("the refusal") { () -> Void? in
                    try fairlead.metric("fairlead_reload_refused") == 1 ? () : nil
                }
                #expect(try fairlead.page("/stats").body.contains("unknown key, expected upgrade?"))
                #expect(try fairlead.bodies(of: 2) == ["one": 2])
            }
        }
    }
}
