// HTTPExchange+Upgrade: what becomes of an exchange whose backend has switched to another protocol,
// such as WebSocket (RFC 9110, section 7.8), or has granted the tunnel that CONNECT asks for (its
// section 9.3.6). From then on nothing that either side sends is read as HTTP.
//
// Where the client has a connection of its own, both connections go to a relay, which only moves
// bytes. The client's connection keeps what the client sent before, at most one receive of it; that
// goes to the backend then, or nowhere. What happens where the client has a stream of HTTP/2 is in
// HTTPExchange+Tunnel.swift.

internal import Events
internal import HTTP1
internal import Routing
internal import Stats

extension HTTPExchange {
    /// A 101, or a 2xx to CONNECT, came, and `following` behind its head. A 101 counts only if the
    /// client asked for the protocol that the backend has switched to, and waits until the client
    /// has sent all of its request: else bytes that the proxy has to read would get past it.
    func switched(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, following: Span<UInt8>,
        _ stream: BackendStream
    ) {
        guard let client else { return }
        guard head.opensTunnel || isAskedFor(head, bytes), let server = stream.ownConnection else {
            failBackend(.badResponse, stream)
            return
        }
        guard request.isWhole else {
            request.tries[stream.slot].isSwitchGranted = true
            stream.putBack(bytes, following)
            return
        }
        guard let connection = client.ownConnection else {
            server.openTunnel()
            openTunnel(head, bytes, following: following, client, stream)
            return
        }
        let pool = stream.pool
        let edits = held.route?.responseEdits
        let isWebSocket = Self.isWebSocket(head, bytes)
        recordFirstByte(of: head.status, stream)
        endOther(than: stream)
        if head.opensTunnel { pool.countResponse(status: head.status) }
        pool.counters.add(.upgrades)
        endTry(on: stream)
        let context = client.context
        finish(pool, .complete)

        let backend = stream.backend
        let relay = TCPRelay(
            connection.detachForUpgrade(), from: context.address, for: pool, worker: worker,
            listener: context.listener)
        worker.replace(connection, by: relay)
        worker.putOutgoing(
            head, from: bytes, to: ClientCapabilities(version: .http11, keepsAlive: true),
            framing: .none, edits: edits)
        let headCount = worker.outgoing.count
        worker.outgoing.append(following)
        relay.start(
            server: server.detachForUpgrade(), of: backend, toClient: worker.outgoing,
            headCount: headCount, isWebSocket: isWebSocket)
        worker.outgoing.removeAll()
    }

    private static let webSocketName = Array("websocket".utf8)

    /// Whether the head switches to WebSocket and nothing else.
    static func isWebSocket(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) -> Bool {
        guard let value = head.upgrade?.bounds, value.count == webSocketName.count else {
            return false
        }
        for (place, letter) in webSocketName.enumerated()
        where bytes[value.lowerBound + place] | 0x20 != letter {
            return false
        }
        return true
    }

    /// Whether a 101 switches to what the client offered to switch to.
    private func isAskedFor(_ head: borrowing ResponseHead, _ bytes: Span<UInt8>) -> Bool {
        guard request.version != .http10, let chosen = head.upgrade,
            let offer = held.upgradeOffer
        else { return false }
        return UpgradeOffer.contains(offer.span, bytes.extracting(chosen.bounds))
    }
}
