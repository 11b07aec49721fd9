// UDPTransport: a query as one datagram.

internal import DNSWire
internal import Endpoints
internal import Events

/// One datagram out, any number in, until it is closed: the first may be a forger's.
final class UDPTransport: Channel {
    private let query: SentQuery
    private let buffer: ReceiveBuffer
    private let mustKeepCase: Bool

    /// Sends `query` to `server`. The outcome is reported, never before this returns. `buffer` may
    /// be shared by all transports of the loop.
    ///
    /// - Parameter mustKeepCase: Whether an answer in another case of letters is ignored.
    /// - Throws: `Errno`: no route, no descriptor, or nothing listens there.
    init(
        _ query: SentQuery, to server: Endpoint, mustKeepCase: Bool, buffer: ReceiveBuffer,
        on loop: EventLoop
    ) throws(Errno) {
        self.query = query
        self.buffer = buffer
        self.mustKeepCase = mustKeepCase
        let descriptor = try Socket.connectDatagram(to: server)
        var bytes: [UInt8] = []
        query.message.encode(into: &bytes, maximumSize: Message.plainUDPOctetsMax)
        // A full socket buffer loses the datagram as the network might: the time-out covers both.
        if case .failed(let error) = descriptor.send(bytes.span) {
            descriptor.close()
            throw error
        }
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        switch descriptor.receive(into: buffer) {
        case .bytes(let count):
            query.report(buffer.withBytes(count) { query.judge($0, sameSpelling: mustKeepCase) })
        case .endOfStream:  // an empty datagram
            query.report(buffer.withBytes(0) { query.judge($0, sameSpelling: mustKeepCase) })
        case .wouldBlock: break
        case .failed(let error): query.report(.failed(error))  // ICMP: nothing listens there
        }
    }
}
