// Goal: every real message becomes values, every broken one an error that says where.
// Method: vectors against values, each cut at every point, and a malformed twin per rule; all input
// lies flush against an unmapped page.

import DNSWire
import Endpoints
import TestSupport
import Testing

private func decode(_ bytes: [UInt8]) throws(DecodeError) -> Message {
    let buffer = GuardedBuffer(capacity: max(bytes.count, 1))
    return try buffer.withBytes(bytes) { (span) throws(DecodeError) in try Message(decoding: span) }
}

@Suite struct DecoderTests {
    private let service: DomainName
    private let target: DomainName

    init() throws {
        service = try DomainName("web.service.consul")
        target = try DomainName("7f000001.addr.dc1.consul")
    }

    @Test("a query is read with its EDNS")
    func query() throws {
        let message = try decode(vector("query with EDNS"))
        #expect(message.id == 0x1234)
        #expect(message.flags == .recursionDesired)
        #expect(message.question == Question(service, .srv))
        let cookie = Message.EDNS.Option(code: 10, data: [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(message.edns == .init(isDNSSECWanted: true, options: [cookie]))
        #expect(message.additionals.isEmpty)
        #expect(message.udpReplyOctetsMax == 1232)
    }

    @Test("Consul's answer is read with address and TXT in the additional section")
    func consul() throws {
        let message = try decode(vector("Consul SRV answer"))
        #expect(
            message.flags == [
                .response, .authoritative, .recursionDesired, .recursionAvailable,
            ])
        let srv = RecordData.SRV(priority: 1, weight: 10, port: 8080, target: target)
        #expect(message.answers == [ResourceRecord(service, ttlSeconds: 0, .srv(srv))])
        #expect(message.additionals.map(\.data.address) == [.loopback, nil])
        #expect(message.additionals[1].data == .txt([Array("rack=a".utf8), Array("x=1".utf8)]))
    }

    @Test("a compressed SRV target is accepted")
    func compressedTarget() throws {
        let message = try decode(vector("compressed SRV answer"))
        guard case .srv(let srv) = message.answers[0].data else { Issue.record("no SRV"); return }
        #expect(srv.target == (try DomainName("a.consul.")))
        #expect(message.additionals[0].name == srv.target)
        #expect(message.additionals[0].data.address == IPAddress("::1"))
    }

    @Test("NXDOMAIN holds as long as the lesser of SOA minimum and TTL")
    func negative() throws {
        var message = try decode(vector("NXDOMAIN with SOA"))
        #expect(message.responseCode == .nameError)
        #expect(message.negativeTTLSeconds == 2)
        message.authorities[0].ttlSeconds = 1
        #expect(message.negativeTTLSeconds == 1)
        message.authorities = []
        #expect(message.negativeTTLSeconds == nil)
    }

    @Test("a type without a case is kept as bytes")
    func unknown() throws {
        let message = try decode(vector("CNAME chain with RRSIG"))
        #expect(message.answers[0].data == .cname(try DomainName("b.consul")))
        #expect(message.answers[2].data == .other(.rrsig, [0, 33, 8, 3, 0xde, 0xad]))
        #expect(message.authorities[0].data == .ns(try DomainName("ns.consul")))
        #expect(message.additionals[0].data == .ptr(service))
    }

    @Test("EDNS adds the upper bits of the response code, and 512 is the least payload")
    func extendedCode() throws {
        var bytes = vector("extended code BADVERS")
        #expect(try decode(bytes).responseCode == .badVersion)
        bytes[15] = 0  // payload size 0
        #expect(try decode(bytes).edns?.udpPayloadOctetsMax == 512)
    }

    @Test(
        "a TTL with the top bit set is 0, one without is not", arguments: [0x7f, 0x80] as [UInt8])
    func ttl(first: UInt8) throws {
        let bytes =
            header(0x8000, 0, 1, 0, 0) + record([0], 1, [1, 2, 3, 4], ttl: [first, 0, 0, 1])
        #expect(try decode(bytes).answers[0].ttlSeconds == (first == 0x7f ? 0x7f00_0001 : 0))
    }

    @Test("TXT without a string is one empty string")
    func emptyText() throws {
        let bytes = header(0x8000, 0, 1, 0, 0) + record([0], 16, [])
        #expect(try decode(bytes).answers[0].data == .txt([[]]))
    }

    @Test("an A record of another class is kept as bytes")
    func otherClass() throws {
        var bytes = header(0x8000, 0, 1, 0, 0) + record([0], 1, [1, 2])
        bytes[16] = 3
        #expect(try decode(bytes).answers[0].data == .other(.a, [1, 2]))
    }

    @Test("a message cut anywhere is refused", arguments: vectors)
    func cut(vector: Vector) throws {
        _ = try decode(vector.bytes)
        let buffer = GuardedBuffer(capacity: vector.bytes.count)
        for count in 0..<vector.bytes.count {
            #expect(throws: DecodeError.self, "\(count) octets") {
                try buffer.withBytes(vector.bytes.prefix(count)) { try Message(decoding: $0) }
            }
        }
    }

    @Test("octets after the last record are refused", arguments: vectors)
    func trailing(vector: Vector) {
        #expect(throws: DecodeError.trailingOctets(offset: vector.bytes.count, octets: 1)) {
            try decode(vector.bytes + [0])
        }
    }

    @Test("a header alone can be read when its message cannot, and answered")
    func headerOnly() throws {
        let bytes = header(0x0100, 2, 0, 0, 0) + srvQuestion + srvQuestion
        #expect(throws: DecodeError.severalQuestions(count: 2)) { try decode(bytes) }
        let reply = try MessageHeader(decoding: bytes.span).reply(.formatError)
        #expect(reply.id == 0x1234)
        #expect(reply.flags == [.response, .recursionDesired])
        #expect(reply.responseCode == .formatError)
    }

    @Test("more octets than a message may have are refused")
    func tooLong() {
        #expect(throws: DecodeError.messageTooLong(octets: 65_536)) {
            try decode([UInt8](repeating: 0, count: 65_536))
        }
    }

    @Test("each malformed twin is refused by its own rule", arguments: malformed)
    func malformedTwin(twin: (bytes: [UInt8], error: DecodeError)) {
        #expect(throws: twin.error) { try decode(twin.bytes) }
        #expect(!twin.error.description.isEmpty)
    }

    @Test(
        "data that make no sense leave their record unreadable, and the others as they are",
        arguments: unreadable)
    func oddData(odd: (bytes: [UInt8], error: DecodeError)) throws {
        let alone = try decode(odd.bytes)
        guard case .unreadable(let type, _, let error) = alone.answers.first?.data else {
            Issue.record("found \(alone.answers)")
            return
        }
        #expect(error == odd.error && alone.answers.first?.type == type)
        // With a good record behind it.
        let both = try decode(
            header(0, 0, 2, 0, 0) + odd.bytes.dropFirst(12) + record([0], 1, [10, 0, 0, 1]))
        #expect(both.answers.count == 2 && both.answers.last?.data == .a(0x0a00_0001))
        // It can be passed on as it is.
        var again: [UInt8] = []
        #expect(both.encode(into: &again, maximumSize: Message.octetsMax))
        #expect(try decode(again).answers.count == 2)
    }

    @Test("options of EDNS that make no sense are left out, and EDNS is not")
    func oddOption() throws {
        let bytes =
            header(0, 0, 0, 0, 1) + [0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 5, 0, 10, 0, 2, 1]
        let edns = try #require(try decode(bytes).edns)
        #expect(edns.options.isEmpty && edns.udpPayloadOctetsMax == 512)
    }

    @Test("a name takes 255 octets and 126 pointers at most")
    func nameLimits() throws {
        // Three labels of 63 and one of 61: 3 * 64 + 62 + 1 = 255 octets. One more is too many.
        for (last, isValid) in [(61, true), (62, false)] {
            let labels = [63, 63, 63, last].map { label(String(repeating: "a", count: $0)) }
            let name = [UInt8](labels.joined()) + [0]
            let bytes = header(0, 1, 0, 0, 0) + name + [0, 1, 0, 1]
            if isValid {
                #expect(try decode(bytes).question?.name.wireOctets == name)
            } else {
                #expect(throws: DecodeError.nameTooLong(offset: 12)) { try decode(bytes) }
            }
        }
        // Pointers in a row, each to the one before, the first to a root label at offset 23.
        for (pointers, isValid) in [(126, true), (127, false)] {
            var chain: [UInt8] = [0]
            for index in 0..<pointers - 1 {
                let target = index == 0 ? 23 : 24 + 2 * (index - 1)
                chain += [0xc0 | UInt8(target >> 8), UInt8(target & 255)]
            }
            let last = 23 + chain.count - 2
            let data = record([0], 99, chain)
            let bytes =
                header(0, 0, 2, 0, 0) + data
                + record([0xc0 | UInt8(last >> 8), UInt8(last & 255)], 1, [1, 2, 3, 4])
            if isValid {
                #expect(try decode(bytes).answers[1].name.isRoot)
            } else {
                #expect(throws: DecodeError.tooManyPointers(offset: 12 + data.count)) {
                    try decode(bytes)
                }
            }
        }
    }
}

/// Broken messages, each with the error that its rule gives.
private let malformed: [(bytes: [UInt8], error: DecodeError)] = [
    ([], .cutShort(.header, offset: 0, needed: 12, left: 0)),
    // Counts that the octets cannot hold.
    (header(0, 0, 1, 0, 0), .countsTooLarge(questions: 0, records: 1, octets: 0)),
    (
        [0, 0, 0x80, 0] + [UInt8](repeating: 255, count: 8),
        .countsTooLarge(questions: 65_535, records: 196_605, octets: 0)
    ),
    // One record more than there is, with octets enough for a smallest one: it is cut short.
    (
        header(0x8000, 0, 2, 0, 0) + record([0], 99, [UInt8](repeating: 0, count: 11)),
        .cutShort(.name, offset: 34, needed: 1, left: 0)
    ),
    // Pointers: to itself, forward, in a circle with the label before it, into the header.
    (header(0, 1, 0, 0, 0) + [0xc0, 12, 0, 1, 0, 1], .badPointer(target: 12, offset: 12)),
    (header(0, 1, 0, 0, 0) + [0xc0, 14, 0, 0, 1, 0, 1], .badPointer(target: 14, offset: 12)),
    (
        header(0, 1, 0, 0, 0) + label("a") + [0xc0, 12, 0, 1, 0, 1],
        .badPointer(target: 12, offset: 14)
    ),
    (header(0, 1, 0, 0, 0) + [0xc0, 0, 0, 1, 0, 1], .badPointer(target: 0, offset: 12)),
    // Label types 01 and 10.
    (header(0, 1, 0, 0, 0) + [0x41, 0, 0, 1, 0, 1], .unknownLabelType(0x41, offset: 12)),
    (header(0, 1, 0, 0, 0) + [0x80, 0, 0, 1, 0, 1], .unknownLabelType(0x80, offset: 12)),
    // OPT twice, with an owner, and in the answer section.
    (header(0, 0, 0, 0, 2) + opt + opt, .misplacedOPT(offset: 35)),
    (header(0, 0, 0, 0, 1) + label("a") + opt, .misplacedOPT(offset: 12)),
    (header(0, 0, 1, 0, 0) + opt, .misplacedOPT(offset: 12)),
]

/// Messages whose one record has data that are not what its type says, each with the reason.
private let unreadable: [(bytes: [UInt8], error: DecodeError)] = [
    // Data too short or too long for its type.
    (
        header(0, 0, 1, 0, 0) + record([0], 1, [1, 2, 3]),
        .cutShort(.address, offset: 23, needed: 4, left: 3)
    ),
    (
        header(0, 0, 1, 0, 0) + record([0], 1, [1, 2, 3, 4, 5]),
        .excessRecordData(.a, offset: 27, octets: 1)
    ),
    (
        header(0, 0, 1, 0, 0) + record([0], 28, [UInt8](repeating: 0, count: 15)),
        .cutShort(.address, offset: 23, needed: 16, left: 15)
    ),
    (
        header(0, 0, 1, 0, 0) + record([0], 33, [0, 1, 0, 1, 0]),
        .cutShort(.srvNumbers, offset: 23, needed: 6, left: 5)
    ),
    (
        header(0, 0, 1, 0, 0) + record([0], 33, [0, 1, 0, 1, 0, 80, 1]),
        .cutShort(.name, offset: 29, needed: 2, left: 1)
    ),
    (
        header(0, 0, 1, 0, 0) + record([0], 5, [0, 0]),
        .excessRecordData(.cname, offset: 24, octets: 1)
    ),
    (
        header(0, 0, 1, 0, 0) + record([0], 6, [0, 0] + [UInt8](repeating: 0, count: 19)),
        .cutShort(.soaNumbers, offset: 25, needed: 20, left: 19)
    ),
    (
        header(0, 0, 1, 0, 0) + record([0], 16, [3, 1, 2]),
        .cutShort(.text, offset: 24, needed: 3, left: 2)
    ),
    // A target that points to itself.
    (
        header(0, 0, 1, 0, 0) + record([0], 33, [0, 1, 0, 1, 0, 80, 0xc0, 29]),
        .badPointer(target: 29, offset: 29)
    ),
]
