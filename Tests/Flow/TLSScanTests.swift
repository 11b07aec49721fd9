// A listener that speaks TLS, as a scanner and a browser see it.

internal import TestSupport
import Testing

extension Flow {
    // Goal: what TLS is spoken is what the manual says and nothing else, and a browser likes it,
    // and HTTP/2 within it.
    // Method: sslscan, which tries all that there is, and chromium.
    @Suite struct TLSScans {
        @Test func `a scanner finds the versions, ciphers and groups that are meant, and no more`()
            throws
        {
            try withStage { stage in
                let port = try listener(stage)
                let scan = stage.hold(
                    try RunningProcess([
                        "sslscan", "--no-colour", "--no-check-certificate", "127.0.0.1:\(port)",
                    ]))
                #expect(try scan.waitForExit() == .status(0), "\(scan.transcript)")
                let found = scan.output.split(separator: "\n").map { line in
                    line.split(separator: " ").joined(separator: " ")
                }
                func lines(with part: String) -> [String] { found.filter { $0.contains(part) } }
                #expect(
                    lines(with: "abled") == [
                        "SSLv2 disabled", "SSLv3 disabled", "TLSv1.0 disabled", "TLSv1.1 disabled",
                        "TLSv1.2 enabled", "TLSv1.3 enabled",
                    ])
                #expect(lines(with: "renegotiation not") == ["Session renegotiation not supported"])
                #expect(lines(with: "vulnerable").allSatisfy { $0.contains("not vulnerable") })
                #expect(
                    lines(with: " bits ").map { line in
                        let words = line.split(separator: " ")
                        return words[0] == "Preferred" || words[0] == "Accepted"
                            ? "\(words[0]) \(words[1]) \(words[4])" : "\(words[0]) \(words[3])"
                    } == [
                        "Preferred TLSv1.3 TLS_AES_128_GCM_SHA256",
                        "Accepted TLSv1.3 TLS_AES_256_GCM_SHA384",
                        "Accepted TLSv1.3 TLS_CHACHA20_POLY1305_SHA256",
                        "Preferred TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256",
                        "Accepted TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256",
                        "Accepted TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384",
                        "Accepted TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384",
                        "Accepted TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305",
                        "Accepted TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305",
                        "TLSv1.3 secp256r1", "TLSv1.3 secp384r1", "TLSv1.3 x25519",
                        "TLSv1.2 secp256r1", "TLSv1.2 secp384r1", "TLSv1.2 x25519",
                    ])
            }
        }

        @Test func `a browser works a page by HTTP/2`() throws {
            try withStage { stage in
                let port = try listener(stage, over: try Self.page())
                let said = "h2 62, echo 200000, parts 60, events 3."
                let browser = stage.hold(
                    try RunningProcess([
                        "python3", AdminPage.driver, "https://127.0.0.1:\(port)/",
                        "wait:said:document.body.textContent === '\(said)'",
                    ]))
                #expect(try browser.waitForExit() == .status(0), "\(browser.transcript)")
            }
        }

        /// A backend of HTTP/1.1 whose page asks for sixty parts at once, sends a body beyond every
        /// window, listens to events, and then says by which protocol all of it came.
        private static func page() throws -> ScriptedBackend {
            let text = """
                <!doctype html><title>a page</title><body><script type="module">
                const parts = await Promise.all([...Array(60).keys()].map(
                    (n) => fetch('/part/' + n).then((answer) => answer.text())));
                const whole = parts.filter((text) => text.length === 10000).length;
                const body = 'x'.repeat(200000);
                const echo = await (await fetch('/echo', {method: 'POST', body})).text();
                let events = 0;
                await new Promise((done) => {
                    const source = new EventSource('/events');
                    source.onmessage = () => { if (++events === 3) { source.close(); done(); } };
                });
                const byHTTP2 = performance.getEntriesByType('resource')
                    .filter((entry) => entry.nextHopProtocol === 'h2').length;
                document.body.textContent = `h2 ${byHTTP2}, echo ${echo.length}, `
                    + `parts ${whole}, events ${events}.`;
                </script></body>
                """
            return try ScriptedBackend { socket, _ in
                while let head = try socket.receive(through: "\r\n\r\n") {
                    let body = try socket.receiveBody(
                        headers: splitHead(head).headers, untilEnd: false)
                    let path = head.split(separator: " ")[1]
                    if path == "/events" {
                        return try socket.send(
                            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                + "Connection: close\r\n\r\ndata: 1\n\ndata: 2\n\ndata: 3\n\n")
                    }
                    let answer =
                        path == "/echo"
                        ? body : path == "/" ? text : String(repeating: "x", count: 10_000)
                    try socket.send(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                            + "Content-Length: \(answer.utf8.count)\r\n\r\n\(answer)")
                }
            }
        }

        /// The port of a listener with a certificate of each kind; without `backend` over one that
        /// shows what it was asked.
        private func listener(
            _ stage: Stage, over backend: ScriptedBackend? = nil
        ) throws -> UInt16 {
            let folder = stage.hold(try TemporaryFolder())
            let files = stage.hold(try CertificateFiles())
            try files.make("ecdsa", for: ["web.test"])
            try files.make("rsa", for: ["web.test"], rsa: true)
            let backend = stage.hold(try backend ?? ScriptedBackend.echoingHeads())
            let path = try folder.write(
                """
                admin: 127.0.0.1:\(try FreePort.take())
                listeners:
                  - listen: "127.0.0.1:\(try FreePort.take())"
                    backends: ["127.0.0.1:\(backend.port)"]
                    tls: {certificates: [\(files.entry("ecdsa")), \(files.entry("rsa"))]}
                """, to: "fairlead.yaml")
            let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
            try fairlead.waitForBackends(up: 1)
            return fairlead.port
        }
    }
}
