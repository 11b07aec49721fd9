// What clients see of errors, and while something is closed, before a real client.

internal import TestSupport
internal import Testing

extension Flow {
    // Goal: a page is shown, a new one is taken up by itself and a broken one leaves it in force; a
    // file closes a listener while it is there. Method: curl, and the files of a running program.
    @Suite struct Pages {
        /// What a client gets: the body, and the status behind it.
        private func get(_ port: UInt16, _ arguments: String...) throws -> String {
            let curl = try RunningProcess(
                ["curl", "-sS", "-w", " %{http_code}", "--max-time", "20"] + arguments
                    + ["http://127.0.0.1:\(port)/"])
            _ = try curl.waitForExit()
            return curl.transcript
        }

        @Test func `pages follow their files, and a file closes a listener`() throws {
            try withStage { stage in
                let web = try stage.web("one")[0].port
                let folder = stage.hold(try TemporaryFolder())
                let page = try folder.write("<p>first", to: "503.html")
                let (admin, port) = (try FreePort.take(), try FreePort.take())
                let path = try folder.write(
                    """
                    admin: 127.0.0.1:\(admin)
                    listeners:
                      - listen: 127.0.0.1:\(port)
                        backends: ["127.0.0.1:\(web)"]
                        error-pages: {5xx: \(page)}
                        maintenance: \(folder.path("closed"))
                    """, to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 1)
                #expect(try get(port).hasSuffix(" 200"))
                try folder.write("", to: "closed")
                try waitFor("it is closed") { (try? get(port)) == "<p>first 503" ? () : nil }
                #expect(try get(port, "--http2-prior-knowledge") == "<p>first 503")
                let plain = try get(port, "-H", "Accept: application/json")
                #expect(plain == "This is closed for maintenance: try again later.\n 503")
                try folder.write("<p>second", to: "503.html")
                try waitFor("the new page") { (try? get(port)) == "<p>second 503" ? () : nil }
                try folder.write("", to: "503.html")
                try fairlead.process.waitForErrors(containing: "page.refused")
                #expect(try get(port) == "<p>second 503")
                try folder.remove("closed")
                try waitFor("it is open") { (try? get(port))?.hasSuffix(" 200") == true ? () : nil }
            }
        }
    }
}
