// DomainName+Text: names as operators write and read them, in the master file form of RFC 1035,
// section 5.1. Every text is taken as fully qualified: there is no search list here.

/// Why a text is not a domain name.
package enum DomainNameError: Error, Hashable, Sendable {
    /// The text is empty; the root is written `.`.
    case empty
    /// Two dots in a row, or a dot at the start; `offset` counts UTF-8 bytes from 0.
    case emptyLabel(offset: Int)
    /// A label of more than 63 octets; `label` is as written.
    case labelTooLong(label: String, octets: Int)
    /// More than 255 octets in wire form.
    case nameTooLong(octets: Int)
    /// A backslash at the end, or followed by digits that are not `000` to `255`.
    case badEscape(offset: Int)
    /// A space, a control character or a byte outside ASCII that is not written as `\DDD`.
    case illegalByte(UInt8, offset: Int)
}

extension DomainNameError: CustomStringConvertible {
    /// A sentence part that says what was found, what was expected and what to do.
    package var description: String {
        switch self {
        case .empty:
            return "the name is empty; write a name such as web.service.consul, or . for the root"
        case .emptyLabel(let offset):
            return "empty label at byte \(offset); expected a character before each dot"
        case .labelTooLong(let label, let octets):
            return "label \"\(label)\" has \(octets) octets; a label has at most 63"
        case .nameTooLong(let octets):
            return "the name takes \(octets) octets on the wire; a name takes at most 255"
        case .badEscape(let offset):
            return "bad escape at byte \(offset); write \\ and a character, or \\000 to \\255"
        case .illegalByte(let byte, let offset):
            guard byte < 0x80 else {
                return "non-ASCII character at byte \(offset); write the name in its xn-- form"
            }
            return "byte \(byte) at \(offset) must be escaped as \(DomainName.decimalEscape(byte))"
        }
    }
}

extension DomainName {
    /// The name that `text` spells: labels with dots between them, the final dot optional, `\.` for
    /// a dot within a label and `\DDD` for any octet.
    /// - Throws: What is wrong with the text, and where.
    package init(_ text: some StringProtocol) throws(DomainNameError) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty else { throw .empty }
        guard bytes != [UInt8(ascii: ".")] else {
            self = .root
            return
        }
        var wire: [UInt8] = [0]
        var lengthIndex = 0
        var labelOffset = 0
        var offset = 0
        while offset < bytes.count {
            if bytes[offset] == UInt8(ascii: ".") {
                try Self.closeLabel(&wire, lengthIndex, bytes[labelOffset..<offset])
                lengthIndex = wire.count
                wire.append(0)
                offset += 1
                labelOffset = offset
            } else {
                wire.append(try Self.octet(bytes, &offset))
            }
        }
        // After a final dot the open label is empty, and is the root already.
        if labelOffset < bytes.count {
            try Self.closeLabel(&wire, lengthIndex, bytes[labelOffset...])
            wire.append(0)
        }
        guard wire.count <= Self.octetsMax else { throw .nameTooLong(octets: wire.count) }
        self.init(validWireOctets: wire)
    }

    /// Writes the length of the label that began at `lengthIndex` and ends here.
    private static func closeLabel(
        _ wire: inout [UInt8], _ lengthIndex: Int, _ text: ArraySlice<UInt8>
    ) throws(DomainNameError) {
        let octets = wire.count - lengthIndex - 1
        guard octets > 0 else { throw .emptyLabel(offset: text.startIndex) }
        guard octets <= labelOctetsMax else {
            throw .labelTooLong(label: String(decoding: text, as: UTF8.self), octets: octets)
        }
        wire[lengthIndex] = UInt8(octets)
    }

    /// The octet that the character or the escape at `offset` stands for; moves `offset` past it.
    private static func octet(_ bytes: [UInt8], _ offset: inout Int) throws(DomainNameError)
        -> UInt8
    {
        let start = offset
        guard bytes[start] == UInt8(ascii: "\\") else {
            guard (0x21...0x7e).contains(bytes[start]) else {
                throw .illegalByte(bytes[start], offset: start)
            }
            offset += 1
            return bytes[start]
        }
        guard start + 1 < bytes.count else { throw .badEscape(offset: start) }
        let digits = (0x30 as UInt8)...0x39
        guard digits.contains(bytes[start + 1]) else {
            guard (0x20...0x7e).contains(bytes[start + 1]) else { throw .badEscape(offset: start) }
            offset += 2
            return bytes[start + 1]
        }
        guard bytes.count - start >= 4, digits.contains(bytes[start + 2]),
            digits.contains(bytes[start + 3])
        else { throw .badEscape(offset: start) }
        let value = bytes[(start + 1)...(start + 3)].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard let octet = UInt8(exactly: value) else { throw .badEscape(offset: start) }
        offset += 4
        return octet
    }

    /// `byte` as a backslash and three decimal digits.
    static func decimalEscape(_ byte: UInt8) -> String {
        "\\\(byte / 100)\(byte / 10 % 10)\(byte % 10)"
    }
}

extension DomainName: CustomStringConvertible {
    /// The name in its original case with the final dot, `.` for the root; `init(_:)` reads it
    /// back. Dots, backslashes and the specials of master files are escaped, so is all but
    /// printable ASCII.
    package var description: String {
        guard !isRoot else { return "." }
        var text = ""
        for label in labels {
            for octet in label {
                switch octet {
                case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: ";"),
                    UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "@"), UInt8(ascii: "$"):
                    text += "\\"
                    text.unicodeScalars.append(Unicode.Scalar(octet))
                case 0x21...0x7e: text.unicodeScalars.append(Unicode.Scalar(octet))
                default: text += Self.decimalEscape(octet)
                }
            }
            text += "."
        }
        return text
    }
}
