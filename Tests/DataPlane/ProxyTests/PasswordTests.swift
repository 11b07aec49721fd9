// Goal: who may come by a password is decided before a backend hears of the request, by HTTP/1 and
// HTTP/2; what is known does not wait, and what is not waits beside the workers, in bounds, and
// leaves nothing behind. Method: a check that says what the test wants, when the test wants it; and
// the system's library once.

import AccessLog
import Backends
import FoundationEssentials
import HTTP1
import Locking
import Passwords
import Proxy
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct PasswordTests {
    private static let web = ServiceID(index: 0)
    /// Longer than any test takes.
    private static let long = Duration.seconds(600)
    /// Of `secret`.
    private static let hash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"

    /// Checks passwords in place of the library: `sesame` is right for everybody, and `broken`
    /// can't be checked.
    private final class Checker: Sendable {
        /// Closed while no check ends.
        let gate = Gate()
        private let seen = Locked<[String]>([])
        /// The passwords that were checked, or are.
        var passwords: [String] { seen.withLock { $0 } }

        init(isOpen: Bool = true) { if isOpen { gate.open() } }

        func check(_ password: [UInt8], _ hash: PasswordHash) -> PasswordVerdict {
            let text = String(decoding: password, as: UTF8.self)
            seen.withLock { $0.append(text) }
            gate.wait()
            return text == "sesame" ? .right : text == "broken" ? .unchecked : .wrong
        }
    }

    /// Routes of which all but `/open` need the password of one of `users`.
    private func table(
        _ users: String = "ann:\(PasswordTests.hash)",
        _ edit: (inout PasswordRule) -> Void = { _ in }
    ) throws -> RouteTable {
        var rule = PasswordRule(try UserList(users), realm: "Staff \"only\"", timeout: Self.long)
        rule.userField = "X-User"
        edit(&rule)
        var all = RouteRule(.forward(Self.web, prefix: nil))
        all.passwords = rule
        all.requestEdits.set("X-Route", "a")
        all.responseEdits.set("X-Frame-Options", "DENY")
        var open = RouteRule(.forward(Self.web, prefix: nil))
        open.path = .exact("/open")
        return RouteTable([all, open])
    }

    /// Runs `body` with a proxy all of whose requests need a password, but for those of `/open`.
    private func withPasswords(
        _ checker: Checker?, _ backend: Backend, log: AccessLog? = nil,
        rule edit: (inout PasswordRule) -> Void = { _ in },
        options configure: (inout ProxyOptions) -> Void = { _ in },
        _ body: (RunningProxy) throws -> Void
    ) throws {
        let table = try table("ann:\(Self.hash)", edit)
        try withProxy([backend.port], accessLog: log) { options in
            options.listeners[0].routes = table
            if let checker { options.passwordCheck = { checker.check($0, $1) } }
            configure(&options)
        } _: { proxy in
            try body(proxy)
        }
    }

    private static func basic(_ name: String, _ password: String) -> String {
        "Basic " + Data("\(name):\(password)".utf8).base64EncodedString()
    }

    /// The field line of these credentials.
    private func line(_ name: String, _ password: String) -> String {
        "Authorization: \(Self.basic(name, password))\r\n"
    }

    private static let challenge = "Basic realm=\"Staff \\\"only\\\"\", charset=\"UTF-8\""

    // MARK: - Let in

    @Test("a password is checked once, and its user is told to the backend and to the log")
    func right() throws {
        let checker = Checker()
        let backend = try Backend.echoing()
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withPasswords(checker, backend, log: log) { proxy in
            let client = try proxy.connect()
            for _ in 0..<3 {
                try client.send(
                    "POST /a HTTP/1.1\r\nHost: a.test\r\nX-User: root\r\nx_user: root\r\n"
                        + line("ann", "sesame") + "Content-Length: 4\r\n\r\nbody")
                let answer = try client.receiveResponse()
                #expect(answer.status == 200 && answer.text == "body")
            }
            let two = try HTTP2Client(proxy.connect())
            let answer = try two.get(
                "GET / HTTP/1.1\nHost: a.test\nAuthorization: " + Self.basic("ann", "sesame"))
            #expect(answer.status == 200)
            #expect(checker.passwords == ["sesame"])
            #expect(backend.requests.count == 4)
            for request in backend.requests {
                #expect(request.value("x-user") == "ann" && request.values("x_user").isEmpty)
                #expect(request.values("authorization").isEmpty)
                #expect(request.value("x-route") == "a")
            }
            #expect(proxy.service[.authAllowed] == 4 && proxy.service[.authRefused] == 0)

            let open = try proxy.connect().get("/open", "X-User: own\r\n" + line("eve", "x"))
            #expect(open.status == 200 && checker.passwords.count == 1)
            #expect(backend.requests[4].value("x-user") == "own")
            #expect(backend.requests[4].value("authorization") == Self.basic("eve", "x"))
        }
        log.stop(within: .seconds(30))
        let text = String(decoding: try file.bytes(), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines.prefix(4).allSatisfy { $0.contains(",\"user\":\"ann\",") })
        #expect(lines[0].contains(",\"auth_us\":") && !lines[1].contains("auth_us"))
        #expect(!lines[4].contains("\"user\""))
        #expect(!text.contains("sesame"))
        #expect(!text.contains(Self.basic("ann", "sesame").dropFirst(6)))
    }

    @Test("a backend that wants it gets the password as it came, and no field that nobody wants")
    func passedOn() throws {
        let backend = try Backend.replying(response("x"))
        try withPasswords(
            Checker(), backend,
            rule: {
                $0.passesAuthorization = true
                $0.userField = nil
            }
        ) { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/", line("ann", "sesame")).status == 200)
            #expect(backend.requests[0].value("authorization") == Self.basic("ann", "sesame"))
            #expect(backend.requests[0].values("x-user").isEmpty)
        }
    }

    @Test("the system's library says the same")
    func library() throws {
        try PasswordHashing.load()
        let backend = try Backend.replying(response("x"))
        try withPasswords(nil, backend) { proxy in
            let client = try proxy.connect()
            for (password, status) in [("secret", 200), ("Secret", 401), ("secret", 200)] {
                #expect(try client.get("/", line("ann", password)).status == status)
            }
        }
    }

    // MARK: - Refused

    @Test(
        "without credentials that can be read there is nothing to check",
        arguments: [
            "", "Authorization: Basic YW5u\r\n", "Authorization: Basic YW5uOnNlc2FtZQ\r\n",
            "Authorization: Bearer abc\r\n", "Authorization:\r\n", "Authorization: Basic OnB3\r\n",
            "Authorization: Basic YW5uOg0K\r\n",
            "Authorization: Basic \(String(repeating: "YWFh", count: 300))\r\n",
            "Authorization: Basic YW5uOnNlc2FtZQ==\r\nAuthorization: Basic YW5uOnNlc2FtZQ==\r\n",
        ])
    func unreadable(fields: String) throws {
        let checker = Checker()
        let backend = try Backend.replying(response("x"))
        try withPasswords(checker, backend) { proxy in
            let client = try proxy.connect()
            for count in 1...2 {
                let answer = try client.get("/", fields)
                #expect(answer.lines[0] == "HTTP/1.1 401 Unauthorized")
                #expect(answer.value("www-authenticate") == Self.challenge)
                #expect(answer.text == "A user name and a password are needed here.\n")
                #expect(answer.value("x-frame-options") == "DENY")
                #expect(answer.values("connection").isEmpty)
                #expect(proxy.service[.authRefused] == count)
            }
            #expect(proxy.service[.responses4xx] == 2 && proxy.service[.failed] == 0)
            #expect(checker.passwords.isEmpty && backend.connections == 0)
        }
    }

    @Test("a wrong password is checked once; a stranger's takes a check, and is never right")
    func wrong() throws {
        let checker = Checker()
        let backend = try Backend.replying(response("x"))
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .combined, workers: 1)
        try withPasswords(checker, backend, log: log) { proxy in
            let client = try proxy.connect()
            for _ in 0..<3 {
                let answer = try client.get("/", line("ann", "guess"))
                #expect(answer.status == 401 && answer.value("www-authenticate") == Self.challenge)
                #expect(try client.get("/", line("b b", "sesame")).status == 401)
            }
            #expect(checker.passwords == ["guess", "sesame"])
            try client.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "guess"))\r\n")
            #expect(try client.receiveResponse(to: "HEAD").status == 401)
            let two = try HTTP2Client(proxy.connect())
            let fields = "\nHost: a.test\nAuthorization: " + Self.basic("ann", "other")
            let answer = try two.get("GET / HTTP/1.1" + fields)
            #expect(answer.status == 401 && answer.value("www-authenticate") == Self.challenge)
            let call = try two.get(
                "POST /a.b/C HTTP/1.1" + fields + "\nContent-Type: application/grpc")
            #expect(call.status == 200 && call.value("grpc-status") == "16")
            // The right one is none the worse for it.
            #expect(try client.get("/", line("ann", "sesame")).status == 200)
            #expect(proxy.service[.authRefused] == 9 && proxy.service[.authAllowed] == 1)
            #expect(backend.requests.count == 1)
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 10 && lines[0].hasPrefix("127.0.0.1 - ann ["))
        #expect(lines[1].hasPrefix("127.0.0.1 - b\\x20b ["))
        #expect(lines[0].contains(" CA ") && lines.last?.contains(" -- ") == true)
        #expect(lines.allSatisfy { !$0.contains("guess") && !$0.contains("sesame") })
    }

    @Test("a refusal shows the operator's page, to those who take it")
    func page() throws {
        let backend = try Backend.replying(response("x"))
        try withPasswords(
            Checker(), backend,
            options: {
                $0.listeners[0].policy.errorPages = [
                    PageRule(.one(401), "401.html", Page(.html, Array("<p>who?".utf8)))
                ]
            }
        ) { proxy in
            let answer = try proxy.connect().get()
            #expect(answer.status == 401 && answer.text == "<p>who?")
            #expect(answer.value("www-authenticate") == Self.challenge)
            let plain = try proxy.connect().get("/", "Accept: application/json\r\n")
            #expect(plain.text == "A user name and a password are needed here.\n")
        }
    }

    // MARK: - Waiting

    @Test("requests with the same password wait for one check, with their bodies")
    func together() throws {
        let checker = Checker(isOpen: false)
        let backend = try Backend.echoing()
        try withPasswords(checker, backend) { proxy in
            let clients = try (0..<6).map { _ in try proxy.connect() }
            for client in clients {
                try client.send(
                    "POST / HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "sesame"))"
                        + "Content-Length: 9\r\n\r\npart")
            }
            let two = try HTTP2Client(proxy.connect())
            let slots = try (0..<3).map { _ in
                try two.send(
                    "GET / HTTP/1.1\nHost: a.test\nAuthorization: " + Self.basic("ann", "sesame"))
            }
            try waitUntil("all wait") { proxy.service[.inFlight] == 9 }
            try waitUntil("the check is there") { !checker.passwords.isEmpty }
            // Requests that need none go on meanwhile, on the same connection.
            let open = try two.send("GET /open HTTP/1.1\nHost: a.test")
            #expect(try two.answer(open).status == 200)
            #expect(backend.requests.count == 1)
            checker.gate.open()
            for slot in slots { #expect(try two.answer(slot).status == 200) }
            for client in clients {
                try client.send(" rest")
                #expect(try client.receiveResponse().text == "part rest")
            }
            #expect(checker.passwords == ["sesame"] && proxy.service[.authAllowed] == 9)
        }
    }

    @Test("a body waits with its client, at most a buffer of it here")
    func body() throws {
        let checker = Checker(isOpen: false)
        let backend = try Backend { wire, _ in
            _ = try wire.receive(through: "\r\n\r\n")
            #expect(try wire.receivePattern(to: 8 << 20) == 8 << 20)
            try wire.send(response("done"))
        }
        try withPasswords(checker, backend) { proxy in
            let client = try proxy.connect()
            try client.send(
                "PUT /b HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "sesame"))"
                    + "Content-Length: \(8 << 20)\r\n\r\n")
            let sender = client.sender()
            try startThread { try? sender.sendPattern(to: 8 << 20) }
            try waitUntil("the check is there") { !checker.passwords.isEmpty }
            #expect(proxy.service[.bytesFromClients] < 1 << 20 && backend.connections == 0)
            checker.gate.open()
            #expect(try client.receiveResponse().text == "done")
        }
    }

    @Test("a client that leaves leaves nothing behind", arguments: ["1.1", "2"])
    func clientLeaves(version: String) throws {
        let checker = Checker(isOpen: false)
        let backend = try Backend.replying(response("x"))
        try withPasswords(checker, backend) { proxy in
            // The one thread is busy with it.
            let first = try proxy.connect()
            try first.send("GET / HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "first"))\r\n")
            try waitUntil("the check is there") { !checker.passwords.isEmpty }
            let wire = try proxy.connect()
            let same = try proxy.connect()
            if version == "2" {
                let client = try HTTP2Client(wire)
                for password in ["second", "first"] {
                    _ = try client.send(
                        "GET / HTTP/1.1\nHost: a.test\nAuthorization: "
                            + Self.basic("ann", password))
                }
            } else {
                try wire.send("GET / HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "second"))\r\n")
                try same.send("GET / HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "first"))\r\n")
            }
            try waitUntil("all wait") { proxy.service[.inFlight] == 3 }
            wire.close()
            same.close()
            try waitUntil("they are gone") { proxy.service[.clientAborts] == 2 }
            checker.gate.open()
            #expect(try first.receiveResponse().status == 401)
            #expect(try proxy.connect().get("/", line("ann", "sesame")).status == 200)
            // Nobody waited for the second one any more.
            #expect(checker.passwords == ["first", "sesame"])
        }
    }

    @Test("what waits too long is refused for a moment; a late verdict does no harm")
    func late() throws {
        let checker = Checker(isOpen: false)
        let backend = try Backend.replying(response("x"))
        try withPasswords(
            checker, backend, rule: { $0.timeout = .milliseconds(100) }
        ) { proxy in
            let client = try proxy.connect()
            let answer = try client.get("/", line("ann", "sesame"))
            #expect(answer.status == 503 && answer.value("retry-after") == "1")
            #expect(
                answer.text
                    == "Your password could not be checked in time: try again in a moment.\n")
            #expect(proxy.service[.authFailed] == 1 && proxy.service[.failed] == 1)
            #expect(backend.connections == 0)
            checker.gate.open()
            try waitUntil("it goes on") {
                (try? client.get("/", line("ann", "sesame")).status) == 200
            }
        }
    }

    @Test("more than may wait are refused at once")
    func crowd() throws {
        let checker = Checker(isOpen: false)
        let backend = try Backend.replying(response("x"))
        try withPasswords(checker, backend) { proxy in
            // 128 wait, and one is at the thread by now, or soon.
            let clients = try (0..<140).map { number in
                let client = try proxy.connect()
                try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "\(number)"))\r\n")
                return client
            }
            try waitUntil("some are refused") { proxy.service[.authFailed] >= 11 }
            checker.gate.open()
            let statuses = try clients.map { try $0.receiveResponse().status }
            #expect((11...12).contains(statuses.count { $0 == 503 }))
            #expect(statuses.allSatisfy { $0 == 503 || $0 == 401 })
            #expect(checker.passwords.count == statuses.count { $0 == 401 })
            #expect(proxy.service[.authFailed] == statuses.count { $0 == 503 })
            #expect(try proxy.connect().get("/", line("ann", "sesame")).status == 200)
        }
    }

    @Test("what can't be checked is refused for a moment, and not remembered")
    func unchecked() throws {
        let checker = Checker()
        let backend = try Backend.replying(response("x"))
        try withPasswords(checker, backend) { proxy in
            let client = try proxy.connect()
            for _ in 0..<2 {
                #expect(try client.get("/", line("ann", "broken")).status == 503)
            }
            #expect(checker.passwords == ["broken", "broken"])
        }
    }

    // MARK: - Changes

    @Test("a file that changes has everybody checked again; who waits is judged by the old one")
    func changes() throws {
        let checker = Checker(isOpen: false)
        let backend = try Backend.replying(response("x"))
        var options: ListenerOptions?
        try withPasswords(checker, backend, options: { options = $0.listeners[0] }) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "sesame"))\r\n")
            try waitUntil("the check is there") { !checker.passwords.isEmpty }
            func change(to users: String) throws {
                var listener = try #require(options)
                listener.routes = try table(users)
                var change = ProxyChange()
                change.listeners = [listener]
                proxy.workers.publish(change)
            }
            try change(to: "bob:\(Self.hash)")
            #expect(proxy.service[.inFlight] == 1)
            checker.gate.open()
            #expect(try client.receiveResponse().status == 200)
            // She is a user no more, whatever is known of the list before.
            #expect(try client.get("/", line("ann", "sesame")).status == 401)
            #expect(checker.passwords == ["sesame", "sesame"])
            #expect(try client.get("/", line("bob", "sesame")).status == 200)
            // What is as it was is known as it was.
            try change(to: "# the same\nann:\(Self.hash)")
            #expect(try client.get("/", line("ann", "sesame")).status == 200)
            #expect(checker.passwords.count == 3)
        }
    }

    @Test("a stop does not wait for a check that hangs")
    func stop() throws {
        let checker = Checker(isOpen: false)
        let backend = try Backend.replying(response("x"))
        try withPasswords(checker, backend) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\(line("ann", "sesame"))\r\n")
            try waitUntil("the check is there") { !checker.passwords.isEmpty }
            proxy.workers.drain(limit: .milliseconds(100))
            #expect(try client.receiveToEnd().bytes.isEmpty)
            // The thread ends with what it is at.
            checker.gate.open()
            try proxy.awaitFinish()
        }
    }
}
