// The admin page in a browser, and listeners that nobody would want.

internal import Glibc
import Testing

extension Flow {
    // Goal: a person sees what happens while it happens, can do something about it, and no number
    // of people who look slows a request. Method: chromium, driven by Browser/drive.py, which does
    // its steps while the test kills a backend; sockets that listen and do not read.
    @Suite struct AdminPage {
        /// Where drive.py is: beside this file.
        static let driver =
            #filePath.split(separator: "/").dropLast().map { "/\($0)" }.joined()
            + "/Browser/drive.py"

        @Test func `the page shows a killed backend with its cause, and drains another`() throws {
            try withStage { stage in
                let ports = [try FreePort.take(), try FreePort.take(), try FreePort.take()]
                let backends = try ports.map { port in
                    stage.hold(
                        try Fairlead.start([
                            "backend", "--listen", "127.0.0.1:\(port)", "--workers", "1",
                        ]))
                }
                let fairlead = try stage.fairlead(over: ports)
                let admin = try #require(fairlead.admin)
                let keys = try ports.map { try fairlead.key(of: $0) }
                func row(_ index: Int) -> String {
                    "document.querySelector('tr[data-id=\"\(keys[index])\"]')"
                }
                let browser = stage.hold(
                    try RunningProcess([
                        "/usr/bin/python3", Self.driver, "http://127.0.0.1:\(admin)/",
                        "wait:loaded:document.querySelectorAll('tr.up').length === 3",
                        "wait:charts:document.querySelectorAll('svg.chart').length === 2",
                        "wait:checks:\(row(0)).querySelector('svg.strip .passed')",
                        "wait:evicted:/^(down|ejected)$/.test(\(row(0)).className)",
                        "wait:cause:/connection refused|could not connect/"
                            + ".test(\(row(0)).innerText)",
                        "wait:told:/\(ports[0]) has been (down|ejected)/.test("
                            + "document.querySelector('.problems').innerText)",
                        "do:drain:\(row(1)).querySelector('button[data-do=drain]').click()",
                        "wait:drained:\(row(1)).className === 'draining'",
                        "wait:who:/drained by the admin port from 127.0.0.1/.test("
                            + "document.getElementById('journal').innerText)",
                        "do:filter:{const box = document.getElementById('filter-text'); "
                            + "box.value = 'admin port'; "
                            + "box.dispatchEvent(new Event('input', {bubbles: true}))}",
                        "wait:filtered:[...document.querySelectorAll('ol.journal li')].every("
                            + "entry => entry.innerText.includes('admin port'))",
                        "do:enable:\(row(1)).querySelector('button[data-do=enable]').click()",
                        "wait:enabled:\(row(1)).className === 'up'",
                    ]))
                func done(_ step: String) throws {
                    try waitFor("\(step):\n\(browser.transcript)", limit: .seconds(120)) {
                        () -> Void? in
                        if let exit = browser.exit, !browser.output.contains("done: \(step)\n") {
                            throw FlowError("\(exit): \(browser.transcript)")
                        }
                        return browser.output.contains("done: \(step)\n") ? () : nil
                    }
                }
                try done("checks")
                backends[0].signal(SIGKILL)
                let exit = try browser.waitForExit(limit: .seconds(120))
                #expect(exit == .status(0), "\(browser.transcript)")
                #expect(browser.output.contains("console: []"))
            }
        }

        @Test func `a page that needs a token asks for it, and shows nothing before`() throws {
            try withStage { stage in
                let web = try stage.web("one")
                let token = "correct-horse-battery"
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(web[0].port)"],
                    environment: ["FAIRLEAD_ADMIN_TOKEN": token])
                let admin = try #require(fairlead.admin)
                let said = try RunningProcess.run(
                    [
                        // The browser itself notes every 401, which is what is wanted here.
                        "sh", "-c", "\"$@\" || true", "sh",
                        "/usr/bin/python3", Self.driver, "http://127.0.0.1:\(admin)/",
                        "wait:asked:!document.getElementById('login').hidden "
                            + "&& document.getElementById('main').hidden",
                        "do:type:{document.getElementById('token').value = '\(token)'; "
                            + "document.querySelector('#login button').click()}",
                        "wait:shown:document.querySelectorAll('tr.up').length === 1",
                        // The only one: it is asked for twice, and Leave it leaves it.
                        "do:drain:document.querySelector('button[data-do=drain]').click()",
                        "wait:sure:!document.getElementById('sure').hidden && /the last backend of "
                            + "/.test(document.getElementById('sure-text').textContent)",
                        "do:leave:document.getElementById('sure-no').click()",
                        "wait:left:document.getElementById('sure').hidden "
                            + "&& document.querySelectorAll('tr.up').length === 1",
                        "do:again:document.querySelector('button[data-do=drain]').click()",
                        "wait:asked again:!document.getElementById('sure').hidden",
                        "do:yes:document.getElementById('sure-yes').click()",
                        "wait:drained:document.querySelectorAll('tr.draining').length === 1",
                        "wait:forgotten:!JSON.stringify([localStorage, sessionStorage, "
                            + "document.cookie, document.documentElement.outerHTML])"
                            + ".includes('\(token)')",
                    ], limit: .seconds(120))
                #expect(said.contains("done: forgotten\n"), "\(said)")
            }
        }

        @Test func `a hundred listeners that do not read leave the listener alone`() throws {
            try withStage { stage in
                let web = try stage.web("one", "two")
                let fairlead = try stage.fairlead(over: web.map(\.port))
                let admin = try #require(fairlead.admin)
                var ears: [RawSocket] = []
                for _ in 0..<100 {
                    // Beyond 64 connections some are turned away, which may show as a reset.
                    guard let ear = try? RawSocket(port: admin) else { continue }
                    try? ear.send(
                        "GET /events HTTP/1.1\r\nHost: 127.0.0.1:\(admin)\r\n"
                            + "Accept: text/event-stream\r\n\r\n")
                    ears.append(ear)
                }
                #expect(try fairlead.bodies(of: 200).values.reduce(0, +) == 200)
                // The port itself answers others as soon as the crowd has been told that it is one:
                // idle connections make room then.
                for path in ["/health/live", "/stats"] {
                    try waitFor("\(path) to answer") { () -> Void? in
                        (try? fairlead.page(path))?.status == 200 ? () : nil
                    }
                }
                withExtendedLifetime(ears) {}
            }
        }
    }
}
