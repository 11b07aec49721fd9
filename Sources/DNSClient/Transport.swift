// Transport: one query to one server over a socket of its own, so that the kernel picks a fresh
// source port and drops what other hosts send (RFC 5452, section 9.2). Base of UDPTransport and
// TCPTransport; reports, and decides nothing.

internal import DNSWire
internal import Events

/// What a transport reports.
enum TransportEvent {
    /// A response to our query.
    case message(Message)
    /// A message that is none.
    case mismatched(ResponseMismatch)
    /// Not a message; `isTruncated` as `QuestionRace.garbled` has it.
    case garbled(DecodeError, isTruncated: Bool)
    /// The network refused.
    case failed(Errno)
    /// The server closed the connection before it answered.
    case closed
}

/// A socket with a query on it. The receiver of its reports closes it. Loop thread only.
class Transport: Channel {
    let query: Message
    let buffer: ReceiveBuffer
    private let report: (TransportEvent) -> Void

    /// Takes over `descriptor`. `buffer` may be shared by all transports of the loop.
    init(
        _ descriptor: Descriptor, _ query: Message, buffer: ReceiveBuffer, on loop: EventLoop,
        report: @escaping (TransportEvent) -> Void
    ) {
        self.query = query
        self.buffer = buffer
        self.report = report
        super.init(descriptor, on: loop)
    }

    /// Reports `event`, unless the transport is closed.
    final func tell(_ event: TransportEvent) {
        if isOpen { report(event) }
    }

    /// What `bytes`, the octets of one message, are to our query.
    final func judge(_ bytes: Span<UInt8>) -> TransportEvent {
        do throws(DecodeError) {
            let message = try Message(decoding: bytes)
            return message.mismatch(answering: query).map { .mismatched($0) } ?? .message(message)
        } catch {
            // What is not even addressed to us says nothing about our server.
            guard let header = try? MessageHeader(decoding: bytes) else {
                return .garbled(error, isTruncated: false)
            }
            guard header.id == query.id else {
                return .mismatched(.id(expected: query.id, found: header.id))
            }
            let isTruncated = header.flags.isSuperset(of: [.response, .truncated])
            return .garbled(error, isTruncated: isTruncated)
        }
    }
}
