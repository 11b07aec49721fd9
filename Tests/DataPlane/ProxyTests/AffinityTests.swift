// Goal: requests that belong together reach the same backend: by the hash of what the service says,
// or by a cookie that does not reveal it; and a cookie whose backend is gone costs nothing.
// Method: three backends that answer with their names.

import Balancing
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct AffinityTests {
    private func backends() throws -> [Backend] {
        try (0..<3).map { try Backend.replying(response("b\($0)")) }
    }

    private func withHash(
        by hashBy: BalancerOptions.HashBy, _ body: (RunningProxy) throws -> Void
    ) throws {
        let backends = try backends()
        try withProxy(backends.map(\.port)) { options in
            options.services[0].policy.balancing.policy = .consistentHash
            options.services[0].policy.balancing.hashBy = hashBy
        } _: { proxy in
            try body(proxy)
        }
    }

    private func texts(_ client: Wire, _ path: String, _ fields: String) throws -> Set<String> {
        Set(try (0..<5).map { _ in try client.get(path, fields).text })
    }

    @Test("a client's requests go to one backend")
    func client() throws {
        try withHash(by: .client) { proxy in
            let texts = try texts(proxy.connect(), "/", "")
            #expect(texts.count == 1)
        }
    }

    @Test("a path's requests go to one backend, whatever their query, and paths are spread")
    func path() throws {
        try withHash(by: .path) { proxy in
            let client = try proxy.connect()
            var all: Set<String> = []
            for path in 0..<40 {
                let first = try client.get("/\(path)?a=1").text
                let second = try client.get("/\(path)?b=2").text
                #expect(second == first)
                all.insert(first)
            }
            #expect(all.count == 3)
        }
    }

    @Test(
        "the requests with one value of a header or cookie go to one backend",
        arguments: [
            (BalancerOptions.HashBy.header("X-User"), "X-USER: u%\r\n"),
            (.cookie("sid"), "Cookie: a=b; sid=u%; c=d\r\n"),
            (.cookie("sid"), "Cookie: nosid=1\r\nCookie: sid=\"u%\"\r\n"),
        ])
    func value(hashBy: BalancerOptions.HashBy, fields: String) throws {
        try withHash(by: hashBy) { proxy in
            let client = try proxy.connect()
            var all: Set<String> = []
            for user in 0..<40 {
                let parts = fields.split(separator: "%", omittingEmptySubsequences: false)
                let texts = try texts(client, "/", parts.joined(separator: "\(user)"))
                #expect(texts.count == 1)
                all.formUnion(texts)
            }
            #expect(all.count == 3)
            // Without the value there is nothing to keep together.
            let spread = Set(try (0..<60).map { _ in try client.get().text })
            #expect(spread.count == 3)
        }
    }

    private func withCookie(
        _ backends: [Backend], _ body: (RunningProxy) throws -> Void
    ) throws {
        try withProxy(backends.map(\.port)) { options in
            options.services[0].policy.balancing.sticky.cookie = "where"
            options.services[0].policy.balancing.sticky.secret = "forty-two"
            options.services[0].policy.retry.isReported = true
        } _: { proxy in
            try body(proxy)
        }
    }

    @Test("a client that sends its cookie stays, and gets no second one")
    func sticks() throws {
        try withCookie(try backends()) { proxy in
            let client = try proxy.connect()
            let first = try client.get()
            let cookie = try #require(first.value("set-cookie"))
            #expect(
                cookie.hasPrefix("where=") && cookie.hasSuffix("; Path=/; HttpOnly; SameSite=Lax"))
            let value = cookie.prefix { $0 != ";" }
            for _ in 0..<6 {
                let answer = try client.get("/", "Cookie: x=y; \(value)\r\n")
                #expect(answer.text == first.text)
                #expect(answer.value("set-cookie") == nil)
                #expect(answer.value("x-fairlead-attempts") == "1")
            }
            // Others are spread.
            let spread = Set(try (0..<6).map { _ in try client.get().text })
            #expect(spread.count == 3)
        }
    }

    @Test(
        "a cookie that is nonsense, or whose backend is gone, leads to another backend and cookie")
    func gone() throws {
        let backends = try backends()
        try withCookie(backends) { proxy in
            let client = try proxy.connect()
            let first = try client.get()
            let value = try #require(first.value("set-cookie")).prefix { $0 != ";" }
            let left = backends.indices.filter { "b\($0)" != first.text }
            proxy.publish(left.map { backends[$0].port })
            let second = try client.get("/", "Cookie: \(value)\r\n")
            #expect(second.text != first.text)
            #expect(second.value("set-cookie")?.hasPrefix("where=") == true)
            for nonsense in ["where=", "where=zz", "where=0123456789abcdeg", "where=00"] {
                let answer = try client.get("/", "Cookie: \(nonsense)\r\n")
                #expect(answer.status == 200)
                #expect(answer.value("set-cookie") != nil)
            }
        }
    }

    @Test("a request that fails on its backend is tried elsewhere, and the tries are reported")
    func retried() throws {
        let closing = try Backend { wire, backend in _ = try backend.next(wire) }
        let good = try Backend.replying(response("good"))
        try withCookie([closing, good]) { proxy in
            let answers = try (0..<4).map { _ in try proxy.connect().get() }
            #expect(answers.allSatisfy { $0.text == "good" })
            #expect(Set(answers.compactMap { $0.value("x-fairlead-attempts") }).contains("2"))
        }
    }
}
