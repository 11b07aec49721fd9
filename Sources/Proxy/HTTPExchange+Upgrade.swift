// What becomes of an exchange whose backend has switched to another protocol, such as WebSocket
// (RFC 9110, section 7.8): both connections go over to a relay, which only moves bytes. From then
// on nothing that either side sends is read as HTTP.

internal import AccessLog
internal import Events
internal import HTTP1
internal import Stats

extension HTTPExchange {
    /// A 101 came, and `following` behind its head. It is believed only when the client asked for
    /// what the backend has switched to, and has sent all of its request: any other 101 would let
    /// bytes past the proxy that it should have read.
    func switchProtocols(
        _ head: borrowing ResponseHead, _ bytes: Span<UInt8>, following: Span<UInt8>,
        _ client: ClientConnection, _ connection: BackendConnection
    ) {
        var isBelievable = minorVersion == 1 && requestBody.isComplete && !connection.isCongested
        if let chosen = head.upgrade, isBelievable {
            let offer = upgradeOffer
            isBelievable = UpgradeOffer.contains(offer.span, bytes.extracting(chosen.bounds))
        } else {
            isBelievable = false
        }
        guard isBelievable else {
            failBackend(.badResponse, connection)
            return
        }
        let pool = connection.pool
        let listener = client.listener
        noteFirstByte(of: 101, connection)
        pool.counters.upgrades.add()
        endTry(on: connection)
        finish(pool, .complete)

        let backend = connection.backend
        let (descriptor, unsent, received) = client.handOver()
        let relay = TCPRelay(
            descriptor, from: client.address, for: pool, worker: worker, listener: listener)
        worker.replace(client, by: relay)
        worker.putOutgoing(
            head, from: bytes, to: ClientCapabilities(minorVersion: 1, keepsAlive: true),
            framing: .none, behind: unsent.span)
        worker.outgoing.append(following)
        relay.start(
            server: connection.handOver(), of: backend, toClient: worker.outgoing,
            toServer: received)
    }
}
