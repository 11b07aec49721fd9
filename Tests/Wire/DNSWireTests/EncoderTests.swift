// Goal: what is written can be read by anybody, fits its limit, and loses only what it may lose.
// Method: octets by hand for the rules about compression, sizes at and around each limit.

import DNSWire
import Endpoints
import Testing

private func encode(_ message: Message, maximumSize: Int = Message.octetsMax) -> [UInt8] {
    var bytes: [UInt8] = []
    message.encode(into: &bytes, maximumSize: maximumSize)
    return bytes
}

@Suite struct EncoderTests {
    private let service: DomainName
    private let query: Message

    init() throws {
        service = try DomainName("web.service.consul")
        query = Message.query(id: 0x1234, Question(service, .srv), edns: nil)
    }

    /// A reply with `count` SRV records, and the address of each target.
    private func reply(_ count: Int, edns: Message.EDNS? = nil) throws -> Message {
        var reply = query.reply()
        reply.edns = edns
        for index in 0..<count {
            let target = try DomainName("i\(index).node.dc1.consul")
            let srv = RecordData.SRV(priority: 1, weight: 1, port: UInt16(index), target: target)
            reply.answers.append(ResourceRecord(service, ttlSeconds: 5, .srv(srv)))
            let address = IPAddress.v4(UInt32(index))
            reply.additionals.append(ResourceRecord(target, ttlSeconds: 5, .address(address)))
        }
        return reply
    }

    @Test("a query has the octets of the format")
    func queryOctets() {
        #expect(encode(query) == vector("query"))
    }

    @Test("a decoded message decodes to the same after encoding", arguments: vectors)
    func roundTrip(vector: Vector) throws {
        let message = try Message(decoding: vector.bytes)
        #expect(try Message(decoding: encode(message)) == message)
    }

    @Test("owners and aliases are compressed, SRV targets are not but may be pointed to")
    func compression() throws {
        let host = try DomainName("h.service.consul")
        var reply = query.reply()
        reply.answers = [
            ResourceRecord(
                service, ttlSeconds: 5, .srv(.init(priority: 1, weight: 2, port: 3, target: host))),
            ResourceRecord(service, ttlSeconds: 5, .cname(host)),
        ]
        let srvData: [UInt8] = [0, 1, 0, 2, 0, 3] + wire("h", "service", "consul")
        // The question ends at 36; the first record's head takes 12, SRV numbers 6: target at 54.
        #expect(
            encode(reply) == header(0x8100, 1, 2, 0, 0) + srvQuestion
                + record([0xc0, 12], 33, srvData) + record([0xc0, 12], 5, [0xc0, 54]))
    }

    @Test("pointers count from the start of the message, wherever it is written")
    func offset() throws {
        var bytes: [UInt8] = [9, 9, 9]
        try reply(2).encode(into: &bytes, maximumSize: 512)
        #expect(Array(bytes[3...]) == encode(try reply(2)))
        #expect(bytes.starts(with: [9, 9, 9]))
    }

    @Test("names beyond a pointer's reach are written out")
    func farNames() throws {
        var message = Message(id: 1, flags: .response)
        let filler = RecordData.other(
            RecordType(rawValue: 99), [UInt8](repeating: 0, count: 16_384))
        message.answers = [ResourceRecord(.root, ttlSeconds: 1, filler)]
        message.answers += (0..<2).map { _ in ResourceRecord(service, ttlSeconds: 1, .a(1)) }
        let bytes = encode(message)
        #expect(bytes.count == 12 + 11 + 16_384 + 2 * (20 + 14))
        #expect(try Message(decoding: bytes) == message)
    }

    @Test(
        "every size limit is kept; TC says whether an answer is missing, and only that",
        arguments: [false, true])
    func truncation(hasEDNS: Bool) throws {
        let whole = try reply(30, edns: hasEDNS ? .init() : nil)
        let wholeSize = encode(whole).count
        for limit in 512...(wholeSize + 1) {
            var bytes: [UInt8] = []
            let isWhole = whole.encode(into: &bytes, maximumSize: limit)
            let cut = try Message(decoding: bytes)
            try #require(bytes.count <= limit)
            try #require(isWhole == (limit >= wholeSize))
            try #require(cut.answers == Array(whole.answers.prefix(cut.answers.count)))
            try #require(cut.additionals == Array(whole.additionals.prefix(cut.additionals.count)))
            try #require(cut.flags.contains(.truncated) == (cut.answers.count < 30))
            try #require(cut.answers.count == 30 || cut.additionals.isEmpty)
            try #require(cut.edns == whole.edns)
        }
    }

    @Test("a lost authority record sets TC")
    func authorityLost() throws {
        var message = query.reply()
        let data = [[UInt8](repeating: 1, count: 200)]
        message.authorities = (0..<3).map { _ in ResourceRecord(service, ttlSeconds: 1, .txt(data))
        }
        let cut = try Message(decoding: encode(message, maximumSize: 512))
        #expect(cut.authorities.count == 2)
        #expect(cut.flags.contains(.truncated))
    }

    @Test("an additional set that does not fit goes as a whole, without TC")
    func additionalSet() throws {
        var message = query.reply()
        let other = try DomainName("other.consul")
        message.additionals = [ResourceRecord(service, ttlSeconds: 1, .a(0))]
        message.additionals += (0..<60).map { ResourceRecord(other, ttlSeconds: 1, .a($0)) }
        let cut = try Message(decoding: encode(message, maximumSize: 512))
        #expect(cut.additionals == [message.additionals[0]])
        #expect(!cut.flags.contains(.truncated))
    }

    @Test("EDNS survives with the longest question, options only if they fit")
    func longestQuestion() throws {
        let label = String(repeating: "a", count: 63)
        let name = try DomainName("\(label).\(label).\(label).\(label.dropLast(2))")
        let options = [Message.EDNS.Option(code: 3, data: [UInt8](repeating: 0, count: 300))]
        var message = Message(
            id: 1, responseCode: .badVersion, question: Question(name, .any),
            edns: .init(options: options))
        var cut = try Message(decoding: encode(message, maximumSize: 512))
        #expect(cut.edns == .init())
        #expect(cut.responseCode == .badVersion)
        message.edns?.options[0].data = []
        cut = try Message(decoding: encode(message, maximumSize: 512))
        #expect(cut == message)
    }

    @Test("a record too long for any message is left out")
    func giantRecord() throws {
        var message = query.reply()
        let bytes = [UInt8](repeating: 0, count: 70_000)
        message.answers = [ResourceRecord(service, ttlSeconds: 1, .other(.mx, bytes))]
        let cut = try Message(decoding: encode(message))
        #expect(cut.answers.isEmpty)
        #expect(cut.flags.contains(.truncated))
    }

    @Test("a TCP message holds over a thousand instances")
    func thousand() throws {
        var whole = try reply(1_500)
        whole.additionals = []
        let bytes = encode(whole)
        #expect(bytes.count > 60_000)
        #expect(try Message(decoding: bytes) == whole)
        let cut = try Message(decoding: encode(try reply(4_000)))
        #expect(cut.flags.contains(.truncated))
        #expect(cut.answers.count > 1_024)
    }
}
