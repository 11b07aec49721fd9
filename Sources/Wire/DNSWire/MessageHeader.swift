// MessageHeader: the first twelve octets alone. A server needs them to say FORMERR or NOTIMP to a
// message it cannot decode; a client, to see TC in a reply that was cut in the middle of a record.

/// The header of a message (RFC 1035, section 4.1.1).
package struct MessageHeader: Hashable, Sendable {
    /// Octets of every header.
    package static let octets = 12

    /// Chosen by the client, repeated by the server.
    package let id: UInt16
    /// The one-bit fields; bits without a meaning are dropped.
    package let flags: Message.Flags
    /// What the message is for.
    package let opcode: Opcode
    /// The lower four bits only; the others are in the OPT record.
    package let responseCode: ResponseCode
    /// What the sender claims; not yet compared with what follows.
    package let questionCount: Int
    /// Records claimed to answer the question, 0 to 65,535; not yet compared with what follows.
    package let answerCount: Int
    /// Records claimed in the authority section, as `answerCount`.
    package let authorityCount: Int
    /// The OPT record included.
    package let additionalCount: Int

    /// Reads the header of `bytes`; what follows it is not looked at.
    /// - Throws: `DecodeError.cutShort` below twelve octets, `.messageTooLong` above 65,535.
    package init(decoding bytes: Span<UInt8>) throws(DecodeError) {
        var reader = WireReader(end: bytes.count)
        try self.init(from: &reader, bytes)
    }

    init(from reader: inout WireReader, _ bytes: Span<UInt8>) throws(DecodeError) {
        guard bytes.count <= Message.octetsMax else {
            throw .messageTooLong(octets: bytes.count)
        }
        try reader.need(Self.octets, for: .header)
        id = try reader.uint16(bytes, .header)
        let word = try reader.uint16(bytes, .header)
        flags = Message.Flags(rawValue: word).intersection(.known)
        opcode = Opcode(rawValue: UInt8(word >> 11 & 0xf))
        responseCode = ResponseCode(rawValue: word & 0xf)
        questionCount = Int(try reader.uint16(bytes, .header))
        answerCount = Int(try reader.uint16(bytes, .header))
        authorityCount = Int(try reader.uint16(bytes, .header))
        additionalCount = Int(try reader.uint16(bytes, .header))
    }

    /// A server's reply to a query of which only the header could be read: no question, no EDNS.
    package func reply(_ responseCode: ResponseCode) -> Message {
        Message(
            id: id, flags: flags.intersection(.recursionDesired).union(.response), opcode: opcode,
            responseCode: responseCode)
    }
}
