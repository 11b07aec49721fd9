// Transport: what UDPTransport and TCPTransport have in common: one query to one server over a
// socket that the kernel gave a port of its own, and on which it drops what other hosts send (RFC
// 5452, section 9.2). They report, and decide nothing.

internal import DNSWire
internal import Events

/// What a transport reports.
enum TransportEvent {
    /// A response to our query, of so many octets; and whether it repeats the question in the case
    /// of letters that it was sent in.
    case message(Message, octets: Int, keepsCase: Bool)
    /// A message that is no answer to our query.
    case mismatched(ResponseMismatch)
    /// Not a message; `isTruncated` as `QuestionRace.garbled` has it.
    case garbled(DecodeError, isTruncated: Bool)
    /// The network refused.
    case failed(Errno)
    /// The server closed the connection before it answered.
    case closed
}

/// A query on its way, and the callback for its answer. Loop thread only.
struct SentQuery {
    /// What was asked.
    let message: Message
    /// Called with the outcome; closes the transport or lets it rest.
    let report: (TransportEvent) -> Void

    /// Compares `bytes`, the octets of one message, with our query.
    /// - Parameter sameSpelling: Whether a message that differs only in the case of letters is no
    ///   answer.
    func judge(_ bytes: Span<UInt8>, sameSpelling: Bool) -> TransportEvent {
        do throws(DecodeError) {
            let answer = try Message(decoding: bytes)
            if let mismatch = answer.mismatch(answering: message, sameSpelling: sameSpelling) {
                return .mismatched(mismatch)
            }
            let keepsCase = answer.mismatch(answering: message, sameSpelling: true) == nil
            return .message(answer, octets: bytes.count, keepsCase: keepsCase)
        } catch {
            // A message that is not even addressed to us says nothing about our server.
            guard let header = try? MessageHeader(decoding: bytes) else {
                return .garbled(error, isTruncated: false)
            }
            guard header.id == message.id else {
                return .mismatched(.id(expected: message.id, found: header.id))
            }
            let isTruncated = header.flags.isSuperset(of: [.response, .truncated])
            return .garbled(error, isTruncated: isTruncated)
        }
    }
}
