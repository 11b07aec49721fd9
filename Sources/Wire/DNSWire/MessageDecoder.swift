// MessageDecoder: bytes to a Message. Strict about structure, lenient about content: a message
// whose lengths or counts contradict its bytes is refused as a whole, since what was a record in it
// can't be told; so is one with octets after the last counted record. A record of unknown type or
// class is kept as bytes, and one whose data make no sense within their length as unreadable: it
// says nothing, and nothing against the others.

extension Message {
    /// The message in `bytes`, which are one UDP payload or one TCP frame without its length.
    /// - Throws: What is wrong, and at which offset.
    /// - Complexity: O(n): names are at most 255 octets and 126 pointers each.
    package init(decoding bytes: Span<UInt8>) throws(DecodeError) {
        var reader = WireReader(end: bytes.count)
        let header = try MessageHeader(from: &reader, bytes)
        try Self.checkCounts(header, octetsLeft: reader.left)
        self.init(
            id: header.id, flags: header.flags, opcode: header.opcode,
            responseCode: header.responseCode)
        if header.questionCount == 1 { question = try reader.question(bytes) }
        answers = try reader.records(bytes, header.answerCount)
        authorities = try reader.records(bytes, header.authorityCount)
        additionals.reserveCapacity(header.additionalCount)
        for _ in 0..<header.additionalCount {
            let start = reader.offset
            switch try reader.record(bytes) {
            case .record(let record): additionals.append(record)
            case .opt(let opt, let upperBits):
                guard edns == nil else { throw .misplacedOPT(offset: start) }
                edns = opt
                responseCode = ResponseCode(
                    rawValue: UInt16(upperBits) << 4 | header.responseCode.rawValue)
            }
        }
        guard reader.left == 0 else {
            throw .trailingOctets(offset: reader.offset, octets: reader.left)
        }
    }

    /// Decodes a message from bytes in an array; see `init(decoding: Span)`.
    package init(decoding bytes: [UInt8]) throws(DecodeError) {
        try self.init(decoding: bytes.span)
    }

    /// Refuses counts that cannot be true before anything is reserved for them: the least question
    /// has 5 octets, the least record 11.
    private static func checkCounts(
        _ header: MessageHeader, octetsLeft: Int
    ) throws(DecodeError) {
        let records = header.answerCount + header.authorityCount + header.additionalCount
        guard header.questionCount * 5 + records * 11 <= octetsLeft else {
            throw .countsTooLarge(
                questions: header.questionCount, records: records, octets: octetsLeft)
        }
        guard header.questionCount <= 1 else {
            throw .severalQuestions(count: header.questionCount)
        }
    }
}

/// A record as it stands in a section: OPT is one only by form.
private enum SectionEntry {
    case record(ResourceRecord)
    case opt(Message.EDNS, upperResponseCodeBits: UInt8)
}

extension WireReader {
    fileprivate mutating func question(_ bytes: Span<UInt8>) throws(DecodeError) -> Question {
        let name = try name(bytes)
        try need(4, for: .questionTypeAndClass)
        let type = RecordType(rawValue: try uint16(bytes, .questionTypeAndClass))
        return Question(
            name, type, class: RecordClass(rawValue: try uint16(bytes, .questionTypeAndClass)))
    }

    /// The records of an answer or authority section, where OPT may not be.
    fileprivate mutating func records(_ bytes: Span<UInt8>, _ count: Int) throws(DecodeError)
        -> [ResourceRecord]
    {
        var records: [ResourceRecord] = []
        records.reserveCapacity(count)
        for _ in 0..<count {
            let start = offset
            guard case .record(let record) = try record(bytes) else {
                throw .misplacedOPT(offset: start)
            }
            records.append(record)
        }
        return records
    }

    fileprivate mutating func record(_ bytes: Span<UInt8>) throws(DecodeError) -> SectionEntry {
        let start = offset
        let name = try name(bytes)
        try need(10, for: .recordHead)
        let type = RecordType(rawValue: try uint16(bytes, .recordHead))
        let classBits = try uint16(bytes, .recordHead)
        let ttlBits = try uint32(bytes, .recordHead)
        let length = Int(try uint16(bytes, .recordHead))
        try need(length, for: .recordData)
        let outerEnd = end
        end = offset + length
        defer { end = outerEnd }
        if type == .opt {
            guard name.isRoot else { throw .misplacedOPT(offset: start) }
            return .opt(
                edns(bytes, classBits: classBits, ttlBits: ttlBits),
                upperResponseCodeBits: UInt8(ttlBits >> 24))
        }
        let recordClass = RecordClass(rawValue: classBits)
        let data = try readable(bytes, type, recordClass)
        // RFC 2181, section 8: a TTL with the top bit set is 0.
        let ttl = ttlBits >> 31 == 0 ? ttlBits : 0
        return .record(ResourceRecord(name, ttlSeconds: ttl, data, class: recordClass))
    }

    /// The data up to `end`, which are kept as they are when they can't be read.
    private mutating func readable(
        _ bytes: Span<UInt8>, _ type: RecordType, _ recordClass: RecordClass
    ) throws(DecodeError) -> RecordData {
        let start = offset
        do throws(DecodeError) {
            let data = try recordData(bytes, type, recordClass)
            guard left == 0 else { throw .excessRecordData(type, offset: offset, octets: left) }
            return data
        } catch {
            offset = start
            return .unreadable(type, try octets(bytes, left, .recordData), error)
        }
    }

    /// The data up to `end`. A, AAAA and SRV are defined for the Internet class alone.
    private mutating func recordData(
        _ bytes: Span<UInt8>,
        _ type: RecordType, _ recordClass: RecordClass
    ) throws(DecodeError) -> RecordData {
        switch type {
        case .a where recordClass == .internet: return .a(try uint32(bytes, .address))
        case .aaaa where recordClass == .internet:
            try need(16, for: .address)
            let high = try uint64(bytes, .address)
            return .aaaa(high: high, low: try uint64(bytes, .address))
        case .srv where recordClass == .internet: return .srv(try srv(bytes))
        case .cname: return .cname(try name(bytes))
        case .ns: return .ns(try name(bytes))
        case .ptr: return .ptr(try name(bytes))
        case .soa: return .soa(try soa(bytes))
        case .txt: return .txt(try strings(bytes))
        default: return .other(type, try octets(bytes, left, .recordData))
        }
    }

    /// RFC 2782 forbids compression of the target; some servers compress it all the same.
    private mutating func srv(_ bytes: Span<UInt8>) throws(DecodeError) -> RecordData.SRV {
        try need(6, for: .srvNumbers)
        let priority = try uint16(bytes, .srvNumbers)
        let weight = try uint16(bytes, .srvNumbers)
        let port = try uint16(bytes, .srvNumbers)
        return .init(priority: priority, weight: weight, port: port, target: try name(bytes))
    }

    private mutating func soa(_ bytes: Span<UInt8>) throws(DecodeError) -> RecordData.SOA {
        let primaryServer = try name(bytes)
        let mailbox = try name(bytes)
        try need(20, for: .soaNumbers)
        let serial = try uint32(bytes, .soaNumbers)
        let refresh = try uint32(bytes, .soaNumbers)
        let retry = try uint32(bytes, .soaNumbers)
        let expire = try uint32(bytes, .soaNumbers)
        return .init(
            primaryServer: primaryServer, mailbox: mailbox, serial: serial, refreshSeconds: refresh,
            retrySeconds: retry, expireSeconds: expire,
            minimumSeconds: try uint32(bytes, .soaNumbers))
    }

    /// TXT without any string is not legal, and read as one empty string (RFC 6763, section 6.1).
    private mutating func strings(_ bytes: Span<UInt8>) throws(DecodeError) -> [[UInt8]] {
        guard left > 0 else { return [[]] }
        var strings: [[UInt8]] = []
        while left > 0 {
            let count = Int(try uint8(bytes, .text))
            strings.append(try octets(bytes, count, .text))
        }
        return strings
    }

    private mutating func option(
        _ bytes: Span<UInt8>
    ) throws(DecodeError) -> Message.EDNS.Option {
        try need(4, for: .ednsOption)
        let code = try uint16(bytes, .ednsOption)
        let length = Int(try uint16(bytes, .ednsOption))
        return .init(code: code, data: try octets(bytes, length, .ednsOption))
    }

    /// RFC 6891, section 6.1: the class is the payload size; the TTL is code, version and flags.
    private mutating func edns(
        _ bytes: Span<UInt8>,
        classBits: UInt16, ttlBits: UInt32
    ) -> Message.EDNS {
        var options: [Message.EDNS.Option] = []
        do throws(DecodeError) {
            while left > 0 { options.append(try option(bytes)) }
        } catch {
            // None of them is needed: what the server said of the name counts without.
            offset = end
        }
        return Message.EDNS(
            udpPayloadOctetsMax: max(classBits, UInt16(Message.plainUDPOctetsMax)),
            version: UInt8(ttlBits >> 16 & 0xff), isDNSSECWanted: ttlBits & 0x8000 != 0,
            options: options)
    }
}
