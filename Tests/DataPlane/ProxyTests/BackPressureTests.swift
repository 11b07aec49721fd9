// Goal: a slow side slows the other down, nothing is lost, and the proxy holds no more than a
// buffer of it. Method: 32 MiB of a pattern through small kernel buffers; the process' resident
// memory is looked at while everything stands still.

import Glibc
import HTTP1
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

// One at a time: others would grow the process meanwhile.
@Suite(.serialized) struct BackPressureTests {
    private static let total = 32 << 20
    /// What the process may grow while 32 MiB are under way. Tests of other suites run in it too,
    /// so this only catches a proxy that keeps most of it.
    /// Under the address sanitizer, which holds freed memory back, it means nothing.
    private static let growthMax = isAddressSanitized ? Int.max : 16 << 20
    private static let isAddressSanitized = unsafe dlsym(nil, "__asan_init") != nil

    private func residentBytes() throws -> Int {
        let file = unsafe open("/proc/self/statm", O_RDONLY)
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        // The kernel writes at most `count` bytes into the array.
        let count = unsafe read(file, &text, text.count)
        let fields = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(
            separator: " ")
        return try #require(Int(fields[1])) * 4096
    }

    /// Waits until a count has stopped growing: both sides stand still.
    private func settle(_ what: String, _ count: () -> Int) throws {
        var last = -1
        var unchanged = 0
        try waitUntil("\(what) stands still") {
            let now = count()
            unchanged = now == last ? unchanged + 1 : 0
            last = now
            return now > 0 && unchanged > 25
        }
    }

    @Test(
        "a client that does not read stops its backend, then gets all of it",
        arguments: ["length", "chunked", "close"])
    func slowClient(framing: String) throws {
        let total = Self.total
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                switch framing {
                case "length":
                    try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
                    try wire.sendPattern(to: total)
                case "chunked":
                    try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    try wire.send(String(total, radix: 16) + "\r\n")
                    try wire.sendPattern(to: total)
                    try wire.send("\r\n0\r\n\r\n")
                default:
                    try wire.send("HTTP/1.1 200 OK\r\n\r\n")
                    try wire.sendPattern(to: total)
                    return
                }
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            let before = try residentBytes()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try settle("the response") { proxy.service[.bytesToClients] }
            #expect(proxy.service[.bytesToClients] < total)
            #expect(try residentBytes() - before < Self.growthMax)
            let head = try #require(try client.receive(through: "\r\n\r\n"))
            if framing == "chunked" { _ = try client.receive(through: "\r\n") }
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(try client.receivePattern(to: total) == total)
            #expect(try residentBytes() - before < Self.growthMax)
            if framing == "length" { #expect(try client.get().status == 200) }
        }
    }

    @Test(
        "a backend that does not read stops its client, then gets all of it",
        arguments: [false, true])
    func slowBackend(isChunked: Bool) throws {
        let total = Self.total
        let gate = Gate()
        let backend = try Backend { wire, _ in
            while try wire.receive(through: "\r\n\r\n") != nil {
                gate.wait()
                if isChunked { _ = try wire.receive(through: "\r\n") }
                let count = try wire.receivePattern(to: total)
                if isChunked { _ = try wire.receive(exactly: 7) }
                try wire.send(response("\(count)"))
            }
        }
        try withProxy([backend.port]) { proxy in
            let before = try residentBytes()
            let port = proxy.port
            let answered = Gate()
            try startThread {
                guard let client = try? Wire(to: port) else { return }
                let framing =
                    isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(total)"
                try? client.send("PUT / HTTP/1.1\r\nHost: a.test\r\n\(framing)\r\n\r\n")
                if isChunked { try? client.send(String(total, radix: 16) + "\r\n") }
                try? client.sendPattern(to: total)
                if isChunked { try? client.send("\r\n0\r\n\r\n") }
                if (try? client.receiveResponse().text) == "\(total)",
                    (try? client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")) != nil
                {
                    answered.open()
                }
            }
            try settle("the request") { proxy.service[.bytesFromClients] }
            #expect(proxy.service[.bytesFromClients] < total)
            #expect(try residentBytes() - before < Self.growthMax)
            gate.open()
            answered.wait()
            #expect(proxy.service[.responses2xx] == 1)
            #expect(try residentBytes() - before < Self.growthMax)
        }
    }

    @Test("a client that sends requests and reads no responses is not answered forever")
    func pipeliningWithoutReading() throws {
        let body = String(repeating: "x", count: 16_000)
        let backend = try Backend.replying(response(body))
        try withProxy([backend.port]) { proxy in
            let before = try residentBytes()
            let client = try Wire(to: proxy.port, receiveBytes: 65_536)
            let request = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
            let count = 1500
            try client.send(String(repeating: request, count: count))
            try settle("the proxy") { proxy.service[.bytesToClients] }
            #expect(proxy.service[.requests] < count)
            #expect(try residentBytes() - before < Self.growthMax)
            for _ in 0..<count { #expect(try client.receiveResponse().body.count == 16_000) }
            #expect(proxy.service[.requests] == count)
        }
    }

    // MARK: - The end of a response, kept for a slow client

    /// Answers `/n` with n bytes of the pattern; to a length that is too great it stops there.
    private func patternBackend() throws -> Backend {
        try Backend { wire, backend in
            while let request = try backend.next(wire) {
                let target = request.lines[0].split(separator: " ")[1]
                let fields = target.dropFirst().split(separator: "-").compactMap { Int($0) }
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: \(fields[0] + fields[1])\r\n\r\n")
                try wire.sendPattern(to: fields[0])
            }
        }
    }

    /// A client that asked for `sent` bytes, of which `missing` do not come, and has read nothing.
    private func slowClient(of proxy: RunningProxy, _ sent: Int, missing: Int = 0) throws -> Wire {
        let client = try Wire(to: proxy.port, receiveBytes: 65_536)
        try client.send("GET /\(sent)-\(missing) HTTP/1.1\r\nHost: a.test\r\n\r\n")
        return client
    }

    /// How many bytes the proxy takes from a backend before a client that does not read stops it.
    private func congestionPoint(of proxy: RunningProxy) throws -> Int {
        let client = try slowClient(of: proxy, Self.total)
        try settle("the response") { proxy.service[.bytesToClients] }
        defer { client.close() }
        return proxy.service[.bytesToClients]
    }

    @Test("a client that ends its sending gets the rest of a response kept for it")
    func halfCloseWhileReading() throws {
        let backend = try patternBackend()
        try withProxy([backend.port]) { proxy in
            let point = try congestionPoint(of: proxy)
            // About there the proxy keeps the last bytes when the backend has given all.
            for total in stride(from: point - 40_960, through: point + 8192, by: 2048) {
                let before = proxy.service[.bytesToClients]
                let client = try slowClient(of: proxy, total)
                try settle("the response") { proxy.service[.bytesToClients] - before }
                client.endSending()
                // Served after that: by now the proxy knows.
                #expect(try proxy.connect().get("/1-0").status == 200)
                _ = try client.receive(through: "\r\n\r\n")
                #expect(try client.receivePattern(to: total) == total)
                #expect(try client.receiveToEnd() == ([], .end))
            }
        }
    }

    @Test("a backend that falls silent after its client was slow is given up in time")
    func stallAfterCongestion() throws {
        let backend = try patternBackend()
        try withProxy([backend.port]) { options in
            options.listeners[0].policy.timeouts.stall = .seconds(1)
        } _: { proxy in
            let point = try congestionPoint(of: proxy)
            var clients: [(wire: Wire, total: Int)] = []
            for total in stride(from: point - 40_960, through: point + 8192, by: 2048) {
                let before = proxy.service[.bytesToClients]
                let client = try slowClient(of: proxy, total, missing: 1)
                try settle("the response") { proxy.service[.bytesToClients] - before }
                _ = try client.receive(through: "\r\n\r\n")
                #expect(try client.receivePattern(to: total) == total)
                clients.append((client, total))
            }
            for client in clients { #expect(try client.wire.receiveToEnd() == ([], .reset)) }
            #expect(proxy.service[.cutShort] == clients.count)
        }
    }
}
