// Goal: a service gets copies of requests as their backend gets them, whole or not at all; whatever
// it does with them, clients see nothing of it, and nothing of it is left behind. Method: a
// backend, and a service that gets copies, each of which does what the test says.

import AccessLog
import Backends
import Endpoints
import HTTP1
import Locking
import Proxy
import ProxyProtocol
import RateLimits
import Routing
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct MirrorTests {
    private static let web = ServiceID(index: 0)
    private static let shadow = ServiceID(index: 1)
    private static let mark = "X-Fairlead-Mirror: 1"

    /// Runs `body` with a proxy whose service 1 gets copies of the requests for service 0.
    private func withMirror(
        _ shadows: [UInt16], _ backend: Backend, log: AccessLog? = nil,
        rule edit: (inout MirrorRule, inout RouteRule) -> Void = { _, _ in },
        options configure: (inout ProxyOptions) -> Void = { _ in },
        _ body: (RunningProxy) throws -> Void
    ) throws {
        var route = RouteRule(.forward(Self.web, prefix: nil))
        var rule = MirrorRule(Self.shadow)
        route.requestEdits.set("X-Route", "a")
        edit(&rule, &route)
        route.mirror = rule
        try withProxy([backend.port], accessLog: log) { options in
            options.services.append(.plain(Self.shadow, "shadow"))
            options.listeners[0].routes = RouteTable([route])
            configure(&options)
        } _: { proxy in
            proxy.publish(shadows, service: 1)
            try body(proxy)
        }
    }

    /// What was counted for the service that gets copies.
    private func shadow(_ proxy: RunningProxy, _ counter: ServiceCounter) -> Int {
        _ = proxy.service
        return proxy.registry.serviceTotals(1)[counter]
    }

    /// Waits until no copy is under way.
    private func awaitCopies(_ proxy: RunningProxy) throws {
        try waitUntil("no copy is under way") { shadow(proxy, .inFlight) == 0 }
    }

    // MARK: - What is copied

    @Test("a copy is what the backend gets, with a mark that no client can set")
    func copies() throws {
        let copies = try Backend.replying(response("ignored", "500 No", "Set-Cookie: s=1\r\n"))
        let backend = try Backend.echoing()
        let file = try TemporaryLog()
        let log = try AccessLog(.file(file.path), .json, workers: 1)
        try withMirror([copies.port], backend, log: log) { proxy in
            let client = try proxy.connect()
            for path in ["/a?b", "/c", "/d"] {
                let answer = try client.get(
                    path, "\(Self.mark)\r\nx_fairlead_mirror: 2\r\nCookie: c=1\r\n")
                #expect(answer.status == 200 && answer.values("set-cookie").isEmpty)
            }
            try waitUntil("the copies are there") { copies.requests.count == 3 }
            for request in backend.requests {
                #expect(request.value("x-route") == "a" && request.value("cookie") == "c=1")
                #expect(!request.head.lowercased().contains("mirror"), "\(request.head)")
                let copy = copies.requests.first { $0.target == request.target }
                #expect(copy?.lines == request.lines + [Self.mark[...]])
            }
            try awaitCopies(proxy)
            #expect(proxy.service[.requests] == 3 && proxy.service[.responses2xx] == 3)
            #expect(proxy.service[.failed] == 0 && proxy.service[.mirrored] == 0)
            #expect(shadow(proxy, .mirrored) == 3 && shadow(proxy, .requests) == 3)
            #expect(shadow(proxy, .responses5xx) == 3 && shadow(proxy, .failed) == 3)
            #expect(shadow(proxy, .bytesFromClients) == 0)
        }
        log.stop(within: .seconds(30))
        let lines = String(decoding: try file.bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3 && lines.allSatisfy { $0.contains("\"service\":\"web\"") })
    }

    @Test("bodies are copied up to the limit, whether their length is told or not")
    func bodies() throws {
        let copies = try Backend.replying(response())
        let backend = try Backend.echoing()
        try withMirror([copies.port], backend, rule: { rule, _ in rule.bodyMax = 1000 }) { proxy in
            let client = try proxy.connect()
            let most = String(repeating: "m", count: 1000)
            for body in ["", "small", most, most + "x"] {
                try client.send(
                    "POST /length/\(body.utf8.count) HTTP/1.1\r\nHost: a\r\n"
                        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
                #expect(try client.receiveResponse().text == body)
            }
            // In parts, so that it is not known at first how much comes.
            for (path, parts) in [("/chunks", ["one", "two"]), ("/large", [most, "more"])] {
                try client.send(
                    "POST \(path) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                for part in parts {
                    let received = proxy.service[.bytesFromClients]
                    try client.send("\(String(part.utf8.count, radix: 16))\r\n\(part)\r\n")
                    try waitUntil("the part is there") {
                        proxy.service[.bytesFromClients] > received
                    }
                }
                try client.send("0\r\n\r\n")
                #expect(try client.receiveResponse().text == parts.joined())
            }
            try waitUntil("the copies are there") { copies.requests.count == 4 }
            try awaitCopies(proxy)
            #expect(shadow(proxy, .mirrored) == 4 && shadow(proxy, .mirrorsLeftOut) == 2)
            let bodies = Dictionary(
                uniqueKeysWithValues: copies.requests.map { ($0.target, $0.text) })
            #expect(
                bodies == [
                    "/length/0": "", "/length/5": "small", "/length/1000": most,
                    "/chunks": "onetwo",
                ])
            #expect(copies.requests.allSatisfy { $0.value("x-fairlead-mirror") == "1" })
        }
    }

    @Test("a body that would go through the kernel unseen is copied all the same")
    func bulk() throws {
        let size = 300_000
        let copies = try Backend.replying(response())
        let backend = try Backend.replying(response("got it"))
        try withMirror([copies.port], backend, rule: { rule, _ in rule.bodyMax = 1 << 20 }) {
            proxy in
            let client = try proxy.connect()
            try client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
            try client.sendPattern(to: size)
            #expect(try client.receiveResponse().text == "got it")
            try waitUntil("the copy is there") { copies.requests.count == 1 }
            for request in [backend.requests[0], copies.requests[0]] {
                #expect(request.body.count == size)
                #expect(Pattern.matches(request.body, from: 0, count: size))
            }
        }
    }

    @Test("requests of HTTP/2 are copied, to backends of HTTP/2 as to others; calls are not")
    func http2() throws {
        let shared = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot, "HTTP/1.1 200 OK", "ignored")
        }
        let plain = try Backend.replying(response("ignored"))
        for (copies, speaksHTTP2) in [(shared, true), (plain, false)] {
            let backend = try Backend.echoing()
            try withMirror(
                [copies.port], backend,
                options: { if speaksHTTP2 { $0.services[1].policy.speaks = .http2 } }
            ) { proxy in
                let client = try HTTP2Client(proxy.connect())
                let head = "POST /two HTTP/1.1\nHost: a.test"
                for length in ["", "\nContent-Length: 4"] {
                    let slot = try client.send(head + length, "body")
                    #expect(try client.answer(slot).text == "body")
                }
                #expect(try client.get().status == 200)
                try waitUntil("the copies are there") { copies.requests.count == 3 }
                #expect(copies.requests.count { $0.text == "body" } == 2)
                #expect(copies.requests.allSatisfy { $0.value("x-fairlead-mirror") == "1" })

                _ = try client.get(
                    "POST /a.b/C HTTP/1.1\nHost: a.test\nContent-Type: application/grpc")
                try awaitCopies(proxy)
                #expect(shadow(proxy, .mirrored) == 3 && shadow(proxy, .mirrorsLeftOut) == 0)
            }
        }
    }

    @Test("a backend of copies is told by a PROXY header who the client is")
    func header() throws {
        let first = Locked("")
        let copies = try Backend { wire, backend in
            let line = try wire.receive(through: "\r\n") ?? ""
            first.withLock { $0 = line }
            while try backend.next(wire) != nil { try wire.send(response()) }
        }
        let backend = try Backend.replying(response("x"))
        try withMirror(
            [copies.port], backend, options: { $0.services[1].policy.sendsHeader = .v1 }
        ) { proxy in
            #expect(try proxy.connect().get().status == 200)
            try waitUntil("the copy is there") { copies.requests.count == 1 }
            #expect(first.withLock { $0 }.hasPrefix("PROXY TCP4 127.0.0.1 127.0.0.1 "))
            try awaitCopies(proxy)
        }
    }

    @Test("what is refused is not copied, and what is let through has the fields that it got")
    func refusals() throws {
        let copies = try Backend.replying(response())
        let backend = try Backend.replying(response("x"))
        let gate = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                let isKnown = request.value("cookie") == "known"
                try wire.send(
                    response("", isKnown ? "200 OK" : "401 Unauthorized", "X-User: ann\r\n"))
            }
        }
        let hourly = RateRule(.all, 3, per: .seconds(3600))
        try withMirror(
            [copies.port], backend,
            rule: { _, route in
                var auth = AuthRule(ServiceID(index: 2), timeout: .seconds(600))
                auth.sent = ["cookie"]
                auth.taken = ["X-User"]
                route.auth = auth
                route.rates = [hourly]
            }, options: { $0.services.append(.plain(ServiceID(index: 2), "gate")) }
        ) { proxy in
            proxy.publish([gate.port], service: 2)
            let client = try proxy.connect()
            let known = "Cookie: known\r\n"
            #expect(try client.get("/refused").status == 401)
            #expect(try client.get("/known", known).status == 200)
            try client.send("POST /body HTTP/1.1\r\nHost: a\r\n\(known)Content-Length: 4\r\n\r\nbo")
            try waitUntil("the question is there") { gate.requests.count == 3 }
            try client.send("dy")
            #expect(try client.receiveResponse().status == 200)
            #expect(try client.get("/limited", known).status == 429)
            try waitUntil("the copies are there") { copies.requests.count == 2 }
            try awaitCopies(proxy)
            #expect(Set(copies.requests.map(\.target)) == ["/known", "/body"])
            #expect(copies.requests.allSatisfy { $0.value("x-user") == "ann" })
            #expect(copies.requests.contains { $0.text == "body" })
            #expect(shadow(proxy, .mirrored) == 2 && shadow(proxy, .mirrorsLeftOut) == 0)
        }
    }

    @Test("a switch of protocols is not copied, and neither is a share of none")
    func never() throws {
        let copies = try Backend.replying(response())
        let upgrade = "Connection: upgrade\r\nUpgrade: chat\r\n\r\n"
        let switching = try Backend.echoing(
            behind: "HTTP/1.1 101 Switching Protocols\r\n\(upgrade)")
        try withMirror([copies.port], switching) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\(upgrade)")
            #expect(try client.receiveResponse().status == 101)
            try client.send("ping")
            #expect(try client.receive(exactly: 4) == Array("ping".utf8))
            #expect(shadow(proxy, .mirrored) == 0 && shadow(proxy, .mirrorsLeftOut) == 0)
        }
        let backend = try Backend.replying(response("x"))
        try withMirror([copies.port], backend, rule: { rule, _ in rule.share = 0 }) { proxy in
            let client = try proxy.connect()
            for _ in 0..<50 { #expect(try client.get().status == 200) }
            #expect(shadow(proxy, .mirrored) == 0 && shadow(proxy, .mirrorsLeftOut) == 0)
        }
        #expect(copies.connections == 0)
    }

    // MARK: - What becomes of copies

    enum Trouble: CaseIterable { case nobody, refuses, dials, closes, noHTTP, hangs, cuts }

    @Test("whatever is wrong with copies, clients get their answers", arguments: Trouble.allCases)
    func trouble(_ trouble: Trouble) throws {
        let refusing = try RefusingPort()
        let silent = try SilentPort()
        // Two of them, so that there is another one to try.
        let copies = try (0..<2).map { _ in
            try Backend { wire, backend in
                _ = try backend.next(wire)
                switch trouble {
                case .closes: return
                case .noHTTP: try wire.send("SSH-2.0\r\n\r\n")
                case .cuts: try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                default: _ = try wire.receiveToEnd()
                }
            }
        }
        let ports: [UInt16] =
            switch trouble {
            case .nobody: []
            case .refuses: [refusing.port]
            case .dials: [silent.port]
            default: copies.map(\.port)
            }
        let backend = try Backend.replying(response("x"))
        try withMirror(
            ports, backend,
            options: { $0.services[1].policy.timeouts.connect = .seconds(600) }
        ) { proxy in
            let client = try proxy.connect()
            for count in 1...5 {
                #expect(try client.get().text == "x")
                #expect(shadow(proxy, .mirrored) == count)
            }
            #expect(proxy.service[.responses2xx] == 5 && proxy.service[.failed] == 0)
            #expect(proxy.service[.retries] == 0 && shadow(proxy, .retries) == 0)
            switch trouble {
            case .dials, .hangs: #expect(shadow(proxy, .inFlight) == 5)
            case .nobody, .refuses: #expect(shadow(proxy, .noBackend) == 5)
            case .closes, .noHTTP, .cuts:
                try awaitCopies(proxy)
                #expect(shadow(proxy, .failed) == 5)
                #expect(copies.reduce(0) { $0 + $1.requests.count } == 5)
            }
            // Nothing of this holds up the end, which is behind this.
            client.close()
        }
    }

    /// A backend that answers once `gate` is open.
    private func answering(behind gate: Gate) throws -> Backend {
        try Backend { wire, backend in
            while try backend.next(wire) != nil {
                gate.wait()
                try wire.send(response())
            }
        }
    }

    @Test("copies wait for nothing: not for room, and for no backend")
    func noQueue() throws {
        let gate = Gate()
        let copies = try answering(behind: gate)
        let backend = try Backend.replying(response("x"))
        try withMirror(
            [copies.port], backend,
            options: {
                $0.services[1].policy.limits.requestsMax = 1
                $0.services[1].policy.limits.emptyWait = .seconds(600)
            }
        ) { proxy in
            let client = try proxy.connect()
            for _ in 0..<3 { #expect(try client.get().status == 200) }
            #expect(shadow(proxy, .overLimit) == 2 && shadow(proxy, .queued) == 0)
            gate.open()
            try awaitCopies(proxy)
            proxy.publish([], service: 1)
            #expect(try client.get().status == 200)
            #expect(shadow(proxy, .noBackend) == 1 && shadow(proxy, .inFlight) == 0)
        }
    }

    @Test("so many copies are under way at a time, and a drain of their backend ends them")
    func bound() throws {
        let most = 128
        let silent = try SilentPort()
        let copies = try Backend.replying(response())
        let backend = try Backend.replying(response("x"))
        try withMirror(
            [silent.port], backend,
            options: { $0.services[1].policy.timeouts.connect = .seconds(600) }
        ) { proxy in
            let client = try proxy.connect()
            for _ in 0..<most + 3 { #expect(try client.get().status == 200) }
            #expect(shadow(proxy, .mirrored) == most && shadow(proxy, .mirrorsLeftOut) == 3)
            #expect(shadow(proxy, .inFlight) == most)
            proxy.publish([copies.port], service: 1)
            // The first one is the backend of the other service.
            proxy.workers.expel([BackendID(rawValue: 1)])
            try awaitCopies(proxy)
            #expect(try client.get().status == 200)
            try waitUntil("the copy is there") { copies.requests.count == 1 }
            #expect(shadow(proxy, .mirrored) == most + 1)
        }
    }

    @Test("of an answer without an end a part is read", arguments: [true, false])
    func longAnswer(hasLength: Bool) throws {
        let copies = try Backend { wire, backend in
            _ = try backend.next(wire)
            let framing = hasLength ? "Content-Length: 100000000\r\n" : ""
            try wire.send("HTTP/1.1 200 OK\r\n\(framing)\r\n")
            try? wire.sendPattern(to: 100_000_000)
        }
        let backend = try Backend.replying(response("x"))
        try withMirror([copies.port], backend) { proxy in
            #expect(try proxy.connect().get().status == 200)
            try waitUntil("the connection ends") { copies.ended == 1 }
            try awaitCopies(proxy)
            #expect(shadow(proxy, .failed) == 0 && shadow(proxy, .clientAborts) == 1)
            #expect(proxy.service[.clientAborts] == 0)
        }
    }

    @Test("a request that is cut short is not copied", arguments: ["client", "backend"])
    func cutShort(by side: String) throws {
        let copies = try Backend.replying(response())
        let backend = try Backend { wire, backend in
            while let head = try wire.receive(through: "\r\n\r\n") {
                backend.record(Message(head: head))
                if side == "backend" {
                    return try wire.send(response("no", "413 Too Large", "Connection: close\r\n"))
                }
                _ = try wire.receiveToEnd()
            }
        }
        try withMirror([copies.port], backend) { proxy in
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\npart")
            try waitUntil("it has begun") { backend.requests.count == 1 }
            if side == "backend" { #expect(try client.receiveResponse().status == 413) }
            client.close()
            try waitUntil("it is left out") { shadow(proxy, .mirrorsLeftOut) == 1 }
            #expect(shadow(proxy, .mirrored) == 0 && copies.connections == 0)
        }
    }

    @Test("a client that leaves behind its request leaves its copy alone, and a stop ends it")
    func clientLeaves() throws {
        let copies = try Backend { wire, backend in
            _ = try backend.next(wire)
            _ = try wire.receiveToEnd()
        }
        let backend = try Backend.replying(response("x"))
        try withMirror([copies.port], backend) { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/left").status == 200)
            client.close()
            try waitUntil("the client is gone") { proxy.listener[.open] == 0 }
            try waitUntil("the copy is there") { copies.requests.count == 1 }
            #expect(shadow(proxy, .inFlight) == 1)
            // Without a client nothing is waited for.
            proxy.workers.drain(limit: .seconds(600))
            try proxy.awaitFinish()
            try waitUntil("the copy is cut") { copies.ended == 1 }
        }
    }

    @Test("a configuration without the rule, or the service, leaves copies to their end")
    func reload() throws {
        let gate = Gate()
        let copies = try answering(behind: gate)
        let backend = try Backend.replying(response("x"))
        try withMirror([copies.port], backend) { proxy in
            let client = try proxy.connect()
            #expect(try client.get().status == 200)
            try waitUntil("the copy is there") { copies.requests.count == 1 }
            var change = ProxyChange()
            var listener = ListenerOptions.plain(
                0, on: Endpoint(.loopback, proxy.port), to: Self.web)
            listener.routes = RouteTable([RouteRule(.forward(Self.web, prefix: nil))])
            change.listeners = [listener]
            change.removed = [Self.shadow]
            proxy.workers.publish(change)
            #expect(try proxy.connect().get().status == 200)
            gate.open()
            try awaitCopies(proxy)
            #expect(shadow(proxy, .mirrored) == 1 && shadow(proxy, .responses2xx) == 1)
        }
    }
}
