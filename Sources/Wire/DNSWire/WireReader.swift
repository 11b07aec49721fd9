// WireReader: a cursor over a message's bytes. The one place that indexes them: every read is
// checked against `end` first, so a lying length is an error and never a trap. Each read is handed
// the bytes: a struct that holds a Span needs lifetime annotations, which Swift 6.3 has only as an
// experiment.

/// Reads numbers, bytes and names in order, up to `end`: the message's, or the current record
/// data's. Every call of one reader takes the same bytes, and `end` is never above their count.
struct WireReader {
    /// Compression pointers in one name: a name has at most 127 labels, so a real one has fewer.
    static let pointersMax = 126

    var offset = 0
    var end: Int

    var left: Int { end - offset }

    func need(_ count: Int, for field: DecodeError.Field) throws(DecodeError) {
        guard count <= left else {
            throw .cutShort(field, offset: offset, needed: count, left: left)
        }
    }

    mutating func uint8(_ bytes: Span<UInt8>, _ field: DecodeError.Field) throws(DecodeError)
        -> UInt8
    {
        try need(1, for: field)
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func uint16(_ bytes: Span<UInt8>, _ field: DecodeError.Field) throws(DecodeError)
        -> UInt16
    {
        try need(2, for: field)
        defer { offset += 2 }
        return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    mutating func uint32(_ bytes: Span<UInt8>, _ field: DecodeError.Field) throws(DecodeError)
        -> UInt32
    {
        try need(4, for: field)
        let high = UInt32(try uint16(bytes, field))
        return high << 16 | UInt32(try uint16(bytes, field))
    }

    mutating func uint64(_ bytes: Span<UInt8>, _ field: DecodeError.Field) throws(DecodeError)
        -> UInt64
    {
        try need(8, for: field)
        let high = UInt64(try uint32(bytes, field))
        return high << 32 | UInt64(try uint32(bytes, field))
    }

    mutating func octets(_ bytes: Span<UInt8>, _ count: Int, _ field: DecodeError.Field)
        throws(DecodeError) -> [UInt8]
    {
        try need(count, for: field)
        var octets: [UInt8] = []
        octets.reserveCapacity(count)
        for index in offset..<(offset + count) { octets.append(bytes[index]) }
        offset += count
        return octets
    }

    /// The name at `offset`, compressed or not; moves past its part here.
    ///
    /// A pointer must lead to before the stretch of labels that it ends, and what it leads to must
    /// end before that stretch begins (RFC 1035, section 4.1.4: "a prior occurrence"). So the
    /// stretches of a name never overlap, and no loop is possible.
    mutating func name(_ bytes: Span<UInt8>) throws(DecodeError) -> DomainName {
        let start = offset
        var wire: [UInt8] = []
        var position = offset
        var stretchStart = offset
        var limit = end
        var pointers = 0
        while true {
            guard position < limit else {
                throw .cutShort(.name, offset: position, needed: 1, left: 0)
            }
            let first = bytes[position]
            switch first >> 6 {
            case 0b00:
                let count = 1 + Int(first)
                guard count <= limit - position else {
                    throw .cutShort(.name, offset: position, needed: count, left: limit - position)
                }
                // A label leaves room for the root's zero.
                guard wire.count + count + (first == 0 ? 0 : 1) <= DomainName.octetsMax else {
                    throw .nameTooLong(offset: start)
                }
                for index in position..<(position + count) { wire.append(bytes[index]) }
                position += count
                if first == 0 {
                    if pointers == 0 { offset = position }
                    return DomainName(validWireOctets: wire)
                }
            case 0b11:
                guard limit - position >= 2 else {
                    throw .cutShort(.name, offset: position, needed: 2, left: limit - position)
                }
                let target = Int(first & 0x3f) << 8 | Int(bytes[position + 1])
                guard target < stretchStart, target >= MessageHeader.octets else {
                    throw .badPointer(target: target, offset: position)
                }
                pointers += 1
                guard pointers <= Self.pointersMax else { throw .tooManyPointers(offset: start) }
                if pointers == 1 { offset = position + 2 }
                limit = stretchStart
                stretchStart = target
                position = target
            default:
                throw .unknownLabelType(first, offset: position)
            }
        }
    }
}
