// Goal: a request with a body is tried again whole, as long as its body is at hand; a drain whose
// time is over ends what is under way, noticeably. Method: backends that read a request and close;
// bodies on both sides of the limit.

import Backends
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct ReplayTests {
    /// Reads each request and closes without an answer.
    private func closing() throws -> Backend {
        try Backend { wire, backend in _ = try backend.next(wire) }
    }

    @Test(
        "a PUT whose backend read it and closed is sent whole to the next",
        arguments: [0, 1, 20_000, 65_536])
    func replayed(size: Int) throws {
        let bad = try closing()
        let good = try Backend.echoing()
        try withProxy([bad.port, good.port]) { proxy in
            let client = try proxy.connect()
            let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(size)\r\n\r\n")
            // In pieces, so that a part is sent before the rest is here.
            for start in stride(from: 0, to: size, by: 5000) {
                try client.send(Array(body[start..<min(start + 5000, size)]))
            }
            #expect(try client.receiveResponse().body == body)
            #expect(bad.requests.count == 1)
            #expect(proxy.service[.retries] == 1)
        }
    }

    @Test("a request above the limit is sent once, and its client gets the failure")
    func tooLarge() throws {
        let bad = try closing()
        let good = try Backend.echoing()
        try withProxy([bad.port, good.port]) { proxy in
            let client = try proxy.connect()
            let size = 200_000
            try client.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(size)\r\n\r\n")
            for _ in 0..<40 { try client.send([UInt8](repeating: 0x61, count: 5000)) }
            #expect(try client.receiveResponse().status == 502)
            #expect(good.requests.isEmpty)
            #expect(proxy.service[.retries] == 0)
        }
    }

    @Test(
        "an expelled backend: responses that have begun are cut, other requests move"
    )
    func expelled() throws {
        let gate = Gate()
        let leaving = try Backend { wire, backend in
            guard let request = try backend.next(wire) else { return }
            if request.target == "/stream" {
                try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            }
            gate.wait()
        }
        let good = try Backend.replying(response("good"))
        try withProxy([leaving.port]) { options in
            options.services[0].policy.ejection.silence = nil
        } _: { proxy in
            let stream = try proxy.connect()
            try stream.send("GET /stream HTTP/1.1\r\nHost: a.test\r\n\r\n")
            _ = try stream.receive(through: "half")
            let waiting = try proxy.connect()
            try waiting.send("GET /wait HTTP/1.1\r\nHost: a.test\r\n\r\n")
            try waitUntil("both are there") { leaving.requests.count == 2 }
            proxy.publish([good.port])
            proxy.workers.expel([BackendID(rawValue: 0)])
            // The framing shows that it is not whole.
            #expect(try stream.receiveToEnd() == ([], .end))
            #expect(try waiting.receiveResponse().text == "good")
            #expect(proxy.service[.cutShort] == 1)
            #expect(proxy.backend(leaving.port)[.failures] == 0, "it was Fairlead that ended them")
            gate.open()
        }
    }

    @Test("a request that may not run twice gets 504 when its backend is expelled, without blame")
    func expelledPost() throws {
        let gate = Gate()
        let leaving = try Backend { wire, backend in
            _ = try backend.next(wire)
            gate.wait()
        }
        let good = try Backend.replying(response("good"))
        try withProxy([leaving.port]) { options in
            options.services[0].policy.ejection.silence = nil
        } _: { proxy in
            let client = try proxy.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n")
            try waitUntil("it is there") { leaving.requests.count == 1 }
            proxy.publish([good.port])
            proxy.workers.expel([BackendID(rawValue: 0)])
            let answer = try client.receiveResponse()
            #expect(answer.status == 504)
            #expect(answer.text == "The request to service web took longer than it may.\n")
            #expect(proxy.service[.backendErrors] == 0)
            #expect(proxy.backend(leaving.port)[.failures] == 0)
            gate.open()
        }
    }

    @Test("a TCP connection to a backend that is expelled is reset")
    func expelledStream() throws {
        let backend = try Backend { wire, _ in
            try wire.send("hello")
            _ = try wire.receiveToEnd()
        }
        try withProxy([backend.port], mode: .tcp) { proxy in
            let client = try proxy.connect()
            _ = try client.receive(through: "hello")
            proxy.workers.expel([BackendID(rawValue: 9)])
            try client.send("still here")
            proxy.workers.expel([BackendID(rawValue: 0)])
            #expect(try client.receiveToEnd().ending == .reset)
            #expect(proxy.service[.expired] == 1)
        }
    }
}
