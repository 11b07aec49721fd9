// Goal: a client of gRPC understands what Fairlead itself has to say of its call, and a call ends
// when its client has given it up. Method: a client and backends that decide on every frame.

import HTTP1
import Proxy
import Stats
import TestSupport
import Testing
import Traffic

@Suite struct GRPCTests {
    private static let call =
        "POST /a.b/C HTTP/1.1\nHost: a.test\nContent-Type: application/grpc+proto"

    @Test("an answer of Fairlead's own is one head, with the status of gRPC")
    func answers() throws {
        let port = try RefusingPort()
        try withProxy([port.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let answer = try client.get(Self.call)
            #expect(answer.status == 200 && answer.isWhole && answer.body.isEmpty)
            #expect(answer.value("grpc-status") == "14")
            #expect(answer.value("content-type") == "application/grpc")
            #expect(
                answer.value("grpc-message")
                    == "No healthy backend for service web: none accepted a connection.")
            // Others get what they always do.
            let web = Self.call.replacing("grpc+proto", with: "grpc-web")
            #expect(try client.get(web).status == 503)
            #expect(proxy.service[.responses5xx] == 2)
        }
    }

    @Test("a call ends soon after its client's deadline, and its backend is not to blame")
    func deadline() throws {
        let backend = try Backend.playingHTTP2 { server, _ in
            while let request = try server.next() {
                guard request.message.target != "/a.b/C" else { continue }
                try server.answer(request.slot)
            }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            let answer = try client.get(Self.call + "\nGrpc-Timeout: 10m")
            #expect(answer.status == 200 && answer.value("grpc-status") == "4")
            #expect(try client.get().status == 200)
            #expect(proxy.liveFailures.isEmpty && proxy.backend(backend.port)[.failures] == 0)
            #expect(proxy.service.calls[4] == 1 && proxy.service.calls.late == 1)
        }
    }

    @Test("a client that leaves has cancelled its call, or has waited for as long as it would")
    func clientLeaves() throws {
        let backend = try Backend.playingHTTP2 { server, backend in
            while let request = try server.next() { backend.record(request.message) }
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            // A tenth of the time is left to clocks and networks: of a nanosecond none is.
            for (index, (value, status, late)) in [("1H", 1, 0), ("1n", 4, 1)].enumerated() {
                let client = try HTTP2Client(proxy.connect())
                _ = try client.send(Self.call + "\nGrpc-Timeout: \(value)")
                try waitUntil("the backend has it") { backend.requests.count == index + 1 }
                client.wire.close()
                try waitUntil("it is over") { proxy.service[.inFlight] == 0 }
                let calls = proxy.service.calls
                #expect(calls[status] == 1 && calls.late == late)
            }
            #expect(proxy.service[.callsRefused] == 0 && proxy.service[.callsFailed] == 0)
        }
    }

    @Test(
        "a deadline beyond all that can be counted is none",
        arguments: ["99999999H", "5124095H"])
    func longDeadline(value: String) throws {
        let backend = try Backend.answeringHTTP2 { server, request in
            try server.answer(request.slot)
        }
        try withProxy([backend.port], byHTTP2) { proxy in
            let client = try HTTP2Client(proxy.connect())
            #expect(try client.get(Self.call + "\nGrpc-Timeout: \(value)").status == 200)
        }
    }

    @Test(
        "a message has printable characters alone",
        arguments: [("a b\n", "a b"), ("50% é\t", "50%25 %C3%A9%09"), ("", "")])
    func message(text: String, expected: String) throws {
        var out: [UInt8] = []
        GRPC.append(message: Array(text.utf8), to: &out)
        #expect(String(decoding: out, as: UTF8.self) == expected)
    }
}
