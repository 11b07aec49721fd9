// Goal: a connection that NTLM or Negotiate has authenticated, or may, serves one client only, and
// that client keeps it. Method: a backend that takes every request on a connection for one of the
// user who logged on there, as IIS does.

import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct BoundConnectionTests {
    /// Answers with the name in the last credentials that came on the connection.
    private func naming(_ name: String) throws -> Backend {
        try Backend { wire, backend in
            var user = "nobody"
            while let request = try backend.next(wire) {
                let credentials =
                    request.values("authorization") + request.values("x-hidden-authorization")
                if let credential = credentials.last?.split(separator: " ").last {
                    user = String(credential)
                }
                try wire.send(response("\(name) \(user)"))
            }
        }
    }

    @Test(
        "no client gets a connection that another has authenticated",
        arguments: [
            "Authorization: NTLM alice", "Authorization: ntlm alice",
            "AUTHORIZATION:\tNegotiate alice", "authorization: NEGOTIATE  alice",
            "Authorization: Basic x\r\nAuthorization: NTLM alice",
            "Authorization: Basic x, Negotiate alice",
            "Proxy-Authorization: NTLM alice\r\nX-Hidden-Authorization: alice",
        ])
    func credentials(fields: String) throws {
        let backend = try naming("a")
        try withProxy([backend.port]) { proxy in
            let (alice, other) = (try proxy.connect(), try proxy.connect())
            #expect(try alice.get("/", fields + "\r\n").text == "a alice")
            #expect(try other.get().text == "a nobody")
            // The handshake takes several requests on one connection, and what follows needs none.
            #expect(try alice.get().text == "a alice")
            #expect(try other.get().text == "a nobody")
            #expect(backend.connections == 2)
            #expect(proxy.backend(backend.port)[.open] == 2)
            alice.close()
            try waitUntil("her connection ends with her") { backend.ended == 1 }
        }
    }

    @Test(
        "an offer alone binds the connection",
        arguments: [
            (401, "WWW-Authenticate: NTLM"), (401, "www-authenticate: negotiate"),
            (401, "WWW-Authenticate: Basic realm=\"a, b\", NTLM"),
            (401, "WWW-Authenticate: Basic realm=\"a\"\r\nWWW-Authenticate: Negotiate"),
            (407, "Proxy-Authenticate: NTLM TlRMTVNTUAAC"),
        ])
    func offers(status: Int, field: String) throws {
        let backend = try Backend.replying(response("", "\(status) No", "\(field)\r\n"))
        try withProxy([backend.port]) { proxy in
            let clients = [try proxy.connect(), try proxy.connect()]
            for _ in 0..<2 {
                for client in clients { #expect(try client.get().status == status) }
            }
            #expect(backend.connections == 2)
        }
    }

    @Test(
        "credentials of a request are not those of a connection",
        arguments: [
            "Basic NTLM", "Bearer negotiate.ntlm", "Digest username=\"x\", realm=\"Negotiated\"",
            "NTLMX a", "Negotiate2 a",
        ])
    func shared(credentials: String) throws {
        let backend = try naming("a")
        try withProxy([backend.port]) { proxy in
            for _ in 0..<2 {
                let client = try proxy.connect()
                _ = try client.get("/", "Authorization: \(credentials)\r\n")
            }
            #expect(backend.connections == 1)
        }
    }

    @Test("a client goes where its connection is, until that backend leaves")
    func stays() throws {
        let backends = [try naming("a"), try naming("b"), try naming("c")]
        try withProxy(backends.map(\.port)) { proxy in
            let client = try proxy.connect()
            let first = try client.get("/", "Authorization: NTLM alice\r\n").text
            for _ in 0..<5 {
                #expect(try client.get().text == first)
                #expect(try proxy.connect().get().text.hasSuffix("nobody"))
            }
            let place = try #require(["a alice", "b alice", "c alice"].firstIndex(of: first))
            proxy.publish(backends.map(\.port).filter { $0 != backends[place].port })
            try waitUntil("its connections end") {
                backends[place].ended == backends[place].connections
            }
            let next = try client.get().text
            #expect(next.hasSuffix("nobody") && next.prefix(1) != first.prefix(1))
        }
    }

    @Test("a bound connection that its backend closes is replaced")
    func closedByBackend() throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(response("\(backend.connections)"))
            if backend.connections == 1 { gate.wait() } else { _ = try backend.next(wire) }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            #expect(try client.get("/", "Authorization: NTLM a\r\n").text == "1")
            gate.open()
            try waitUntil("the proxy has noticed") { proxy.backend(backend.port)[.open] == 0 }
            #expect(try client.get().text == "2")
        }
    }

    @Test("a client that is bound to a full backend waits for it, and holds up no other")
    func full() throws {
        let gates = ["a": Gate(), "b": Gate()]
        let backends = try ["a", "b"].map { name in
            try Backend { wire, backend in
                while let request = try backend.next(wire) {
                    if request.target == "/slow" { gates[name]?.wait() }
                    try wire.send(response(name))
                }
            }
        }
        try withProxy(backends.map(\.port)) { options in
            options.services[0].policy.limits.backendRequestsMax = 1
            options.services[0].policy.limits.queueWait = .seconds(60)
        } _: { proxy in
            let bound = try proxy.connect()
            let home = try bound.get("/", "Authorization: NTLM a\r\n").text
            // One holds the backend, whichever of the two gets it.
            let holders = [try proxy.connect(), try proxy.connect()]
            for (index, holder) in holders.enumerated() {
                try holder.send("GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n")
                try waitUntil("it is on its way") {
                    backends.map(\.requests.count).reduce(0, +) == index + 2
                }
            }
            try bound.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("it waits") { proxy.service[.queueLength] == 1 }
            let other = try proxy.connect()
            try other.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("it waits too") { proxy.service[.queueLength] == 2 }
            let away = home == "a" ? "b" : "a"
            gates[away]?.open()
            #expect(try other.receiveResponse().text == away)
            #expect(proxy.service[.queueLength] == 1)
            gates[home]?.open()
            #expect(try bound.receiveResponse().text == home)
        }
    }
}
