// Goal: a large body, which goes from connection to connection unseen, arrives whole, ends where it
// ends, and leaves both connections as a small one does. Method: bodies of a pattern, of sizes
// around those at which splicing begins and ends; backends that send too little or too much.

import HTTP1
import Proxy
import Stats
import TestSupport
import Testing

@Suite struct BulkTests {
    private static func head(_ length: Int) -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n"
    }

    private static let sizes = [
        65_535, 65_536, 65_537, 81_919, 81_920, 131_072, 131_073, 1 << 20, 5_000_001,
    ]

    @Test("a response of any size arrives whole, and both connections are used again")
    func responses() throws {
        let backend = try Backend { wire, backend in
            while let request = try backend.next(wire) {
                let size = Int(request.value("x-size") ?? "") ?? 0
                try wire.send(Self.head(size))
                try wire.sendPattern(to: size)
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for size in Self.sizes {
                try client.send("GET / HTTP/1.1\r\nHost: a.test\r\nX-Size: \(size)\r\n\r\n")
                let head = try #require(try client.receive(through: "\r\n\r\n"))
                #expect(head.contains("Content-Length: \(size)\r\n"))
                #expect(try client.receivePattern(to: size) == size)
            }
            #expect(backend.connections == 1)
            #expect(proxy.service[.responses2xx] == Self.sizes.count)
            #expect(proxy.service[.bytesToClients] > Self.sizes.reduce(0, +))
        }
    }

    @Test("a request of any size arrives whole, and what follows it is the next request")
    func requests() throws {
        let backend = try Backend { wire, backend in
            while let head = try wire.receive(through: "\r\n\r\n") {
                let length = try #require(Message(head: head).value("content-length"))
                let size = try #require(Int(length))
                let count = try wire.receivePattern(to: size)
                try wire.send(response("\(count)"))
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            let sender = client.sender()
            try startThread {
                for size in Self.sizes {
                    try? sender.send(
                        "PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(size)\r\n\r\n")
                    try? sender.sendPattern(to: size)
                }
            }
            for size in Self.sizes {
                #expect(try client.receiveResponse(to: "PUT").text == "\(size)")
            }
            #expect(backend.connections == 1)
        }
    }

    @Test("bytes that a backend sends behind a large response are no answer to the next request")
    func excess() throws {
        let size = 1 << 20
        let backend = try Backend { wire, backend in
            while try backend.next(wire) != nil {
                try wire.send(Self.head(size))
                let last = size - 1000
                try wire.sendPattern(to: last)
                try wire.send(
                    Pattern.bytes(from: last, count: 1000) + Array(response("poison").utf8))
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            for _ in 0..<3 {
                try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
                let head = try #require(try client.receive(through: "\r\n\r\n"))
                #expect(head.contains("Content-Length: \(size)\r\n"))
                #expect(try client.receivePattern(to: size) == size)
            }
            #expect(backend.connections == 3)
        }
    }

    @Test(
        "a large response cut short, by an end or by a reset, does not look whole",
        arguments: [false, true])
    func cutShort(isReset: Bool) throws {
        let gate = Gate()
        let backend = try Backend { wire, backend in
            _ = try backend.next(wire)
            try wire.send(Self.head(1 << 20))
            try wire.sendPattern(to: 500_000)
            gate.wait()
            if isReset { wire.reset() }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try client.receive(through: "\r\n\r\n")
            #expect(try client.receivePattern(to: 500_000) == 500_000)
            gate.open()
            #expect(try client.receiveToEnd() == ([], .reset))
            #expect(proxy.service[.cutShort] == 1)
        }
    }

    @Test(
        "a client that goes away within a large body ends its backend's connection",
        arguments: ["GET", "PUT"])
    func clientGone(method: String) throws {
        let isUpload = method == "PUT"
        let backend = try Backend { wire, backend in
            _ = try wire.receive(through: "\r\n\r\n")
            if isUpload {
                backend.record(Message(head: "\(try wire.receiveToEnd().ending)"))
            } else {
                try wire.send(Self.head(1 << 30))
                try wire.sendPattern(to: 1 << 30)
            }
        }
        try withProxy([backend.port]) { proxy in
            let client = try proxy.connect()
            try client.send(
                "\(method) / HTTP/1.1\r\nHost: a.test\r\nContent-Length: "
                    + "\(isUpload ? 1 << 30 : 0)\r\n\r\n"
            )
            if isUpload {
                try client.sendPattern(to: 2 << 20)
            } else {
                _ = try client.receive(through: "\r\n\r\n")
                #expect(try client.receivePattern(to: 2 << 20) == 2 << 20)
            }
            client.reset()
            try waitUntil("the backend's connection ends") { backend.ended == 1 }
            if isUpload { #expect(backend.requests.map(\.head) == ["reset"]) }
            try waitUntil("it is counted") { proxy.service[.clientAborts] == 1 }
        }
    }
}
