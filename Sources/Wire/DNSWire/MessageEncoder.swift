// MessageEncoder: a Message to bytes, within a size. What does not fit is left out by whole records
// from the end, OPT excepted, by the rules of RFC 2181, section 9: TC is set when an answer or
// authority record had to go, and never for additional records, whose sets go as a whole.

extension Message {
    /// Appends the message to `output`, which may already hold something, such as a length.
    ///
    /// Records that do not fit are left out, the last first; EDNS options too, if not even they
    /// fit.
    /// - Parameter maximumSize: Octets that the message may take, 512 to 65,535: what the receiver
    ///   takes over UDP (`udpReplyOctetsMax`), or `octetsMax` over TCP.
    /// - Returns: Whether all of it fitted.
    /// - Precondition: No TXT string is longer than 255 octets; a response code above 15 comes with
    ///   `edns`.
    @discardableResult
    package func encode(into output: inout [UInt8], maximumSize: Int) -> Bool {
        precondition(
            (Self.plainUDPOctetsMax...Self.octetsMax).contains(maximumSize),
            "a message may take 512 to 65535 octets")
        precondition(
            responseCode.rawValue <= 15 || edns != nil, "a response code above 15 needs EDNS")
        var writer = WireWriter(output: output)
        output = []  // the writer holds the only reference, so that appending copies nothing
        defer { output = writer.output }

        writer.uint16(id)
        writer.zeros(MessageHeader.octets - 2)  // set below, when the counts are known
        if let question {
            writer.name(question.name, compressed: true)
            writer.uint16(question.type.rawValue)
            writer.uint16(question.recordClass.rawValue)
        }
        // Header, question and a bare OPT take 282 octets at most: they always fit.
        var optOctets = edns.map { 11 + $0.options.reduce(0) { $0 + 4 + $1.data.count } } ?? 0
        let areOptionsKept = writer.count + optOctets <= maximumSize
        if !areOptionsKept { optOctets = 11 }
        let limit = maximumSize - optOctets

        var counts = (answers: 0, authorities: 0, additionals: 0)
        counts.answers = writer.records(answers, limit: limit)
        var isCut = counts.answers < answers.count
        if !isCut {
            counts.authorities = writer.records(authorities, limit: limit)
            isCut = counts.authorities < authorities.count
        }
        if !isCut { counts.additionals = writer.recordSets(additionals, limit: limit) }
        if let edns {
            writer.opt(edns, responseCode: responseCode, withOptions: areOptionsKept)
        }

        var bits = flags.intersection(.known)
        if isCut { bits.insert(.truncated) }
        writer.set(
            2, bits.rawValue | UInt16(opcode.rawValue) << 11 | responseCode.rawValue & 0xf)
        writer.set(4, question == nil ? 0 : 1)
        // No count overflows: 65,535 octets hold fewer than 6,000 records.
        writer.set(6, UInt16(counts.answers))
        writer.set(8, UInt16(counts.authorities))
        writer.set(10, UInt16(counts.additionals + (edns == nil ? 0 : 1)))
        return !isCut && counts.additionals == additionals.count && areOptionsKept
    }

    /// Appends the message as one TCP frame: its length in two octets, then up to 65,535 octets of
    /// it (RFC 1035, section 4.2.2).
    /// - Returns: Whether all of it fitted.
    /// - Precondition: As for `encode`.
    @discardableResult
    package func encodeFrame(into output: inout [UInt8]) -> Bool {
        let lengthIndex = output.count
        output.append(contentsOf: [0, 0])
        let isWhole = encode(into: &output, maximumSize: Self.octetsMax)
        let length = output.count - lengthIndex - 2
        output[lengthIndex] = UInt8(length >> 8)
        output[lengthIndex + 1] = UInt8(length & 0xff)
        return isWhole
    }
}

extension WireWriter {
    /// Writes records until one would end beyond `limit`; returns how many it wrote.
    fileprivate mutating func records(_ records: [ResourceRecord], limit: Int) -> Int {
        for (index, record) in records.enumerated() {
            let start = count
            write(record)
            if count > limit {
                cut(to: start)
                return index
            }
        }
        return records.count
    }

    /// Writes whole sets of records, those in a row with the same owner, type and class, as long as
    /// they fit. Returns how many records.
    fileprivate mutating func recordSets(_ records: [ResourceRecord], limit: Int) -> Int {
        var set = (start: count, firstIndex: 0)
        for (index, record) in records.enumerated() {
            let first = records[set.firstIndex]
            if record.type != first.type || record.recordClass != first.recordClass
                || record.name != first.name
            {
                set = (count, index)
            }
            write(record)
            if count > limit {
                cut(to: set.start)
                return set.firstIndex
            }
        }
        return records.count
    }

    private mutating func write(_ record: ResourceRecord) {
        name(record.name, compressed: true)
        uint16(record.type.rawValue)
        uint16(record.recordClass.rawValue)
        uint32(record.ttlSeconds)
        let lengthIndex = count
        uint16(0)
        write(record.data)
        // Data too long for its length field is also too long for any message, and is cut off
        // again.
        set(lengthIndex, UInt16(truncatingIfNeeded: count - lengthIndex - 2))
    }

    /// Names are compressed in the types of RFC 1035 alone (RFC 3597, section 4).
    private mutating func write(_ data: RecordData) {
        switch data {
        case .a(let bits): uint32(bits)
        case .aaaa(let high, let low):
            uint64(high)
            uint64(low)
        case .srv(let srv):
            uint16(srv.priority)
            uint16(srv.weight)
            uint16(srv.port)
            name(srv.target, compressed: false)  // RFC 2782
        case .cname(let target), .ns(let target), .ptr(let target):
            name(target, compressed: true)
        case .soa(let soa):
            name(soa.primaryServer, compressed: true)
            name(soa.mailbox, compressed: true)
            uint32(soa.serial)
            uint32(soa.refreshSeconds)
            uint32(soa.retrySeconds)
            uint32(soa.expireSeconds)
            uint32(soa.minimumSeconds)
        case .txt(let strings):
            // A TXT record has one string at least (RFC 1035, section 3.3.14).
            for string in strings.isEmpty ? [[]] : strings {
                precondition(string.count <= 255, "a TXT string has at most 255 octets")
                uint8(UInt8(string.count))
                octets(string)
            }
        case .other(_, let bytes), .unreadable(_, let bytes, _): octets(bytes)
        }
    }

    fileprivate mutating func opt(
        _ edns: Message.EDNS, responseCode: ResponseCode, withOptions: Bool
    ) {
        uint8(0)
        uint16(RecordType.opt.rawValue)
        uint16(edns.udpPayloadOctetsMax)
        uint8(UInt8(responseCode.rawValue >> 4))
        uint8(edns.version)
        uint16(edns.isDNSSECWanted ? 0x8000 : 0)
        let lengthIndex = count
        uint16(0)
        if withOptions {
            for option in edns.options {
                uint16(option.code)
                uint16(UInt16(option.data.count))
                octets(option.data)
            }
        }
        set(lengthIndex, UInt16(count - lengthIndex - 2))
    }
}
