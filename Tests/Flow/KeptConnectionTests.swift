// Requests on connections that their backend closes at the same time.

import Glibc
import TestSupport
import Testing

extension Flow {
    // Goal: a request that can't be repeated does not go on a connection that is closed already.
    // Method: the proxy is stopped while the request comes, and then the backend's end: going on,
    // it meets them in this order, the end still unread.
    @Suite struct KeptConnections {
        @Test(arguments: ["POST", "PATCH", "PUT"])
        func `a request that comes just before the end of a kept connection goes on a new one`(
            method: String
        ) throws {
            try withStage { stage in
                let (gate, closed) = (try Gate(), try Gate())
                let backend = try ScriptedBackend { socket, _ in
                    guard let head = try socket.receive(through: "\r\n\r\n") else { return }
                    try socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    guard head.hasPrefix("GET /first") else {
                        while !(try socket.receive()).isEmpty {}
                        return
                    }
                    gate.wait()
                    socket.endSending()
                    closed.open()
                }
                let fairlead = try stage.fairlead(
                    ["--backend", "127.0.0.1:\(backend.port)"],
                    environment: ["FAIRLEAD_RETRY_ATTEMPTS": "1"])
                let client = try HTTPConnection(port: fairlead.port)
                #expect(try client.request("GET", "/first").status == 200)
                try fairlead.process.freeze()
                defer { fairlead.process.thaw() }
                try client.socket.send(
                    "\(method) / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
                gate.open()
                closed.wait()
                fairlead.process.thaw()
                #expect(try client.response().status == 200)
            }
        }
    }
}
