// Goal: a listening socket that closes while another listens on its address takes no connection
// with it. Method: clients that connect while one of two sockets leaves; the other must get all
// that it did not accept.

import Endpoints
import Events
import Glibc
import TestSupport
import Testing

@Suite struct LeavingListenerTests {
    /// Accepts what waits at `listener`, and answers each with one byte.
    private func serve(_ listener: Descriptor) -> Int {
        var count = 0
        while case .connection(let accepted, _) = listener.accept() {
            _ = unsafe send(accepted.number, [UInt8(ascii: "x")], 1, 0)
            accepted.close()
            count += 1
        }
        return count
    }

    @Test("a client that connects while a socket leaves gets to one that stays")
    func leaving() throws {
        let stays = try Socket.listen(on: Endpoint(.loopback, 0))
        defer { stays.close() }
        let endpoint = try #require(stays.localEndpoint)
        let leaves = try Socket.listen(on: endpoint)
        // Connected before: these are its own.
        var clients: [Descriptor] = []
        for _ in 0..<32 { clients.append(try Socket.connectStream(to: endpoint)) }
        #expect(leaves.dropNewHandshakes())
        let early = serve(leaves)
        #expect(early > 0)
        for _ in 0..<32 { clients.append(try Socket.connectStream(to: endpoint)) }
        #expect(serve(leaves) == 0)
        leaves.close()
        // Handshakes that were dropped come again after a second.
        var late = 0
        try waitUntil("all are served") {
            late += serve(stays)
            return early + late == clients.count
        }
        for client in clients {
            var byte: UInt8 = 0
            #expect(unsafe recv(client.number, &byte, 1, 0) == 1)
            client.close()
        }
    }
}
