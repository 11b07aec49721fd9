// DecodeError: why bytes are not a DNS message. Each case says what was found and where, so that
// one log line is enough to judge a server; offsets count octets from the start of the message.

/// Why a message was refused.
package enum DecodeError: Error, Hashable, Sendable {
    /// More than 65,535 octets.
    case messageTooLong(octets: Int)
    /// `field` at `offset` needs `needed` octets, and its message or record has only `left`.
    case cutShort(Field, offset: Int, needed: Int, left: Int)
    /// The header claims more questions and records than the octets after it can hold.
    case countsTooLarge(questions: Int, records: Int, octets: Int)
    /// More than one question (RFC 9619).
    case severalQuestions(count: Int)
    /// A label that is neither a length of 0 to 63 nor a compression pointer.
    case unknownLabelType(UInt8, offset: Int)
    /// A compression pointer that does not point to before the name it is in, or into the header.
    case badPointer(target: Int, offset: Int)
    /// A name of more compression pointers than any real one needs.
    case tooManyPointers(offset: Int)
    /// A name of more than 255 octets.
    case nameTooLong(offset: Int)
    /// Record data goes on for `octets` after the data of its type has ended at `offset`.
    case excessRecordData(RecordType, offset: Int, octets: Int)
    /// An OPT record that is not in the additional section, is not the only one, or has an owner.
    case misplacedOPT(offset: Int)
    /// Octets after the last record that the header counts.
    case trailingOctets(offset: Int, octets: Int)

    /// What was being read.
    package enum Field: String, Hashable, Sendable {
        case header
        case name
        case questionTypeAndClass = "type and class of the question"
        case recordHead = "type, class, TTL and length of a record"
        case recordData = "record data"
        case address
        case srvNumbers = "priority, weight and port"
        case soaNumbers = "serial and times of the SOA"
        case text = "string of a TXT record"
        case ednsOption = "EDNS option"
    }
}

extension DecodeError: CustomStringConvertible {
    /// A sentence part that says what was found, where, and what was expected.
    package var description: String {
        switch self {
        case .messageTooLong(let octets):
            "message of \(octets) octets; a DNS message has at most 65535"
        case .cutShort(let field, let offset, let needed, let left):
            "\(field.rawValue) at offset \(offset) needs \(needed) octets, but \(left) are left"
        case .countsTooLarge(let questions, let records, let octets):
            """
            the header claims \(questions) questions and \(records) records, which do not fit into \
            the \(octets) octets after it
            """
        case .severalQuestions(let count):
            "\(count) questions in one message; expected at most one (RFC 9619)"
        case .unknownLabelType(let byte, let offset):
            "label begins with \(byte) at offset \(offset); expected 0 to 63 or a pointer"
        case .badPointer(let target, let offset):
            "compression pointer at offset \(offset) to \(target); expected an earlier name"
        case .tooManyPointers(let offset):
            "over \(WireReader.pointersMax) compression pointers in a name at offset \(offset)"
        case .nameTooLong(let offset):
            "name at offset \(offset) is longer than 255 octets"
        case .excessRecordData(let type, let offset, let octets):
            "\(type) record data has \(octets) octets too many at offset \(offset)"
        case .misplacedOPT(let offset):
            "OPT record at offset \(offset); expected one at most, additional, owned by the root"
        case .trailingOctets(let offset, let octets):
            "\(octets) octets at offset \(offset) after the last record that the header counts"
        }
    }
}
