// Who may come, as another service says: `auth` before real clients, with a login of its own.

internal import Glibc
internal import TestSupport
import Testing

extension Flow {
    // Goal: a browser is sent to the login of a service that is asked, comes back with its cookie
    // and reaches the backend under its name, which nobody can forge; without that service nobody
    // does, or everybody where that is wanted. Method: a login in Python whose sessions are signed,
    // curl with a jar of cookies by both versions of HTTP, a backend that writes down what came.
    @Suite struct Auth {
        /// Answers `/check` by a signed cookie, and sets one at `/login`.
        private static let login = """
            import hashlib, hmac, http.cookies, http.server, secrets, sys, urllib.parse
            key = secrets.token_bytes(32)
            def sign(user): return hmac.new(key, user.encode(), hashlib.sha256).hexdigest()
            class Login(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                def answer(self, status, fields, text):
                    self.send_response(status)
                    for name, value in fields: self.send_header(name, value)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text.encode())
                def do_GET(self):
                    if self.path != "/check": return self.answer(200, [], "who are you?")
                    cookies = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
                    user, _, signed = (cookies["session"].value if "session" in cookies
                                       else "").partition(".")
                    if user and hmac.compare_digest(signed, sign(user)):
                        return self.answer(200, [("X-User", user)], "welcome")
                    back = urllib.parse.quote(self.headers["X-Forwarded-Uri"], safe="")
                    self.answer(302, [("Location", "/login?to=" + back)], "log in first")
                def do_POST(self):
                    text = self.rfile.read(int(self.headers["Content-Length"])).decode()
                    user = urllib.parse.parse_qs(text)["user"][0]
                    self.answer(303, [("Set-Cookie", f"session={user}.{sign(user)}; Path=/"),
                                      ("Location", "/")], "")
                def log_message(self, *rest): pass
            http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Login).serve_forever()
            """

        private func text(_ ports: [UInt16], web: UInt16, log: String, fail: String) -> String {
            """
            admin: 127.0.0.1:\(ports[0])
            access-log: {to: \(log)}
            services:
              web: {backends: ["127.0.0.1:\(web)"], check: {type: off}}
              login: {backends: ["127.0.0.1:\(ports[2])"], check: {type: off}}
            listeners:
              - listen: 127.0.0.1:\(ports[1])
                service: web
                auth: {service: login, path: /check, take: [X-User], fail: \(fail)}
                routes:
                  - {path: /login, service: login, auth: off}
            """
        }

        /// Logs in and comes back by `version` of HTTP, with cookies in `jar`.
        private func visit(
            _ site: String, _ version: String, _ jar: String, _ web: RecordingBackend
        ) throws {
            let first = try curl(version, "-i", "\(site)/a?b")
            #expect(first.said.contains(" 302"))
            #expect(first.said.lowercased().contains("location: /login?to=%2fa%3fb\r\n"))
            #expect(first.said.hasSuffix("log in first"))
            #expect(try curl(version, "\(site)/login").said == "who are you?")
            _ = try curl(version, "-c", jar, "-d", "user=ann", "\(site)/login")
            #expect(web.take().isEmpty)
            let forged = ["-H", "X-User: root", "-H", "x_user: root"]
            let body = "\(version) says hello"
            for _ in 0..<2 {
                let answer = try RunningProcess(
                    ["curl", "-sS", "--max-time", "20", version, "-b", jar, "-d", body]
                        + forged + ["\(site)/a"])
                _ = try answer.waitForExit()
                #expect(answer.transcript == "ok")
            }
            let requests = web.take()
            #expect(requests.count == 2)
            for request in requests {
                #expect(request.hasPrefix("POST /a HTTP/1.1, "), "\(request)")
                #expect(request.contains(", x-user: ann"), "\(request)")
                #expect(!request.contains("root"), "\(request)")
                #expect(request.hasSuffix(", body \(body)"), "\(request)")
            }
            // Of a forged session only the name is right.
            let wrong = try curl(version, "-i", "-b", "session=ann.00", "\(site)/")
            #expect(wrong.said.contains(" 302") && web.take().isEmpty)
        }

        @Test func `a client logs in elsewhere, and comes by the name that it has there`() throws {
            try withStage { stage in
                let web = stage.hold(try RecordingBackend())
                let folder = stage.hold(try TemporaryFolder())
                let log = folder.path("access.log")
                let jar = folder.path("jar--http1.1")
                let ports = try (0..<3).map { _ in try FreePort.take() }
                let login = stage.hold(
                    try RunningProcess(["python3", "-c", Self.login, "\(ports[2])"]))
                try waitFor("the login; it said:\n\(login.transcript)") { () -> Void? in
                    (try? get("/", port: ports[2])).map { _ in () }
                }
                let path = try folder.write(
                    text(ports, web: web.port, log: log, fail: "closed"), to: "fairlead.yaml")
                let fairlead = stage.hold(try Fairlead(arguments: ["run", "--config", path]))
                try fairlead.waitForBackends(up: 2)
                let site = "http://127.0.0.1:\(ports[1])"

                for version in ["--http1.1", "--http2-prior-knowledge"] {
                    try visit(site, version, folder.path("jar\(version)"), web)
                }

                login.signal(SIGKILL)
                _ = try login.waitForExit()
                let closed = try curl("-i", "-b", jar, "\(site)/")
                #expect(closed.said.contains("HTTP/1.1 503 Service Unavailable\r\n"))
                #expect(closed.said.contains("Service login, which says who may come here, gave"))
                _ = try folder.write(
                    text(ports, web: web.port, log: log, fail: "open"), to: "fairlead.yaml")
                fairlead.process.signal(SIGHUP)
                try waitFor("the other way to fail") {
                    try curl("-b", jar, "-H", "X-User: root", "\(site)/").said == "ok" ? () : nil
                }
                #expect(web.take().allSatisfy { !$0.contains("root") && !$0.contains("x-user") })
                for (result, least) in [
                    ("allowed", 4.0), ("refused", 4), ("failed", 1), ("skipped", 1),
                ] {
                    #expect(
                        try fairlead.metric(
                            "fairlead_auth_requests_total",
                            "service=\"web\",result=\"\(result)\"") >= least, "\(result)")
                }
                try waitFor("the log") { () -> Void? in
                    let lines = readFile(log) ?? ""
                    return lines.contains(#""status":302,"cause":"CA""#)
                        && lines.contains(#""status":503,"cause":"BA""#)
                        && lines.contains(#""status":200,"cause":"--""#) ? () : nil
                }
            }
        }
    }
}
