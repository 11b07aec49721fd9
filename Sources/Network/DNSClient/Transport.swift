// Transport: one query to one server over a socket that the kernel gave a port of its own, and on
// which it drops what other hosts send (RFC 5452, section 9.2). Base of UDPTransport and
// TCPTransport; reports, and decides nothing.

internal import DNSWire
internal import Events

/// What a transport reports.
enum TransportEvent {
    /// A response to our query, of so many octets; and whether it repeats the question in the case
    /// of letters that it was sent in.
    case message(Message, octets: Int, keepsCase: Bool)
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
    /// What was asked last.
    final private(set) var query: Message
    let buffer: ReceiveBuffer
    /// Nil while nobody waits for an answer.
    final private(set) var report: ((TransportEvent) -> Void)?

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

    /// Asks something else, of someone else's interest.
    final func take(_ query: Message, report: @escaping (TransportEvent) -> Void) {
        self.query = query
        self.report = report
    }

    /// Nobody waits any more.
    final func letGo() {
        report = nil
    }

    /// Reports `event`, unless the transport is closed.
    final func tell(_ event: TransportEvent) {
        if isOpen { report?(event) }
    }

    /// What `bytes`, the octets of one message, are to our query.
    /// - Parameter sameSpelling: Whether one that is right but for the case of letters is none.
    final func judge(_ bytes: Span<UInt8>, sameSpelling: Bool) -> TransportEvent {
        do throws(DecodeError) {
            let message = try Message(decoding: bytes)
            if let mismatch = message.mismatch(answering: query, sameSpelling: sameSpelling) {
                return .mismatched(mismatch)
            }
            let keepsCase = message.mismatch(answering: query, sameSpelling: true) == nil
            return .message(message, octets: bytes.count, keepsCase: keepsCase)
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
