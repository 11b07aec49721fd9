// UDPTransport: a query as one datagram.

internal import DNSWire
internal import Endpoints
internal import Events

/// One datagram out, any number in, until it is closed: the first may be a forger's.
final class UDPTransport: Transport {
    private let mustKeepCase: Bool

    /// Sends `query` to `server`. What becomes of it is reported, never before this returns.
    ///
    /// - Parameter mustKeepCase: Whether an answer in another case of letters is none.
    /// - Throws: `Errno`: no route, no descriptor, or nothing listens there.
    init(
        _ query: Message, to server: Endpoint, mustKeepCase: Bool, buffer: ReceiveBuffer,
        on loop: EventLoop, report: @escaping (TransportEvent) -> Void
    ) throws(Errno) {
        self.mustKeepCase = mustKeepCase
        let descriptor = try Socket.connectDatagram(to: server)
        var bytes: [UInt8] = []
        query.encode(into: &bytes, maximumSize: Message.plainUDPOctetsMax)
        // A full socket buffer loses the datagram as the network might: the time-out covers both.
        if case .failed(let error) = descriptor.send(bytes.span) {
            descriptor.close()
            throw error
        }
        super.init(descriptor, query, buffer: buffer, on: loop, report: report)
        startReading()
    }

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            tell(buffer.withBytes(count) { judge($0, sameSpelling: mustKeepCase) })
        case .endOfStream:  // an empty datagram
            tell(buffer.withBytes(0) { judge($0, sameSpelling: mustKeepCase) })
        case .wouldBlock: break
        case .failed(let error): tell(.failed(error))  // ICMP: nothing listens there
        }
    }
}
