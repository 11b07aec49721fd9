// DatagramServer: the UDP side of the discovery server: one datagram in, at most one out.

internal import Endpoints
internal import Events

/// A bound UDP socket whose datagrams are answered by a closure.
final class DatagramServer: Channel {
    /// Datagrams received per wake-up, so that a flood leaves the loop time for everything else.
    private static let batchMax = 32

    private let buffer = ReceiveBuffer(capacity: 65536)
    private let answer: (Span<UInt8>) -> [UInt8]?

    /// Takes over `descriptor` and starts.
    init(
        _ descriptor: Descriptor, on loop: EventLoop, answer: @escaping (Span<UInt8>) -> [UInt8]?
    ) {
        self.answer = answer
        super.init(descriptor, on: loop)
        startReading()
    }

    override func onReadable() {
        for _ in 0..<Self.batchMax {
            let (result, sender) = descriptor.receiveDatagram(into: buffer)
            // An error is about an earlier reply that nobody received; this call has cleared it.
            guard case .bytes(let count) = result else { return }
            if let reply = buffer.withBytes(count, answer) {
                descriptor.sendDatagram(reply.span, to: sender)
            }
        }
    }
}
