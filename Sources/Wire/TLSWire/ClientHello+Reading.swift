// Reading a ClientHello out of the first bytes of a connection. It may come in any segments, and in
// several records: a post-quantum key share makes it longer than one packet, and some clients cut
// it on purpose. Nothing is changed, and nothing kept between two calls.

/// What the first bytes of a connection are. Value type, any thread.
package enum ClientHelloReading: Equatable, Sendable {
    /// The beginning of a hello, or nothing yet. The next call is worth its while once so many
    /// bytes are there: a peer that sends byte by byte must not have all of them read each time.
    case needMore(Int)
    /// A whole hello.
    case hello(ClientHello)
    /// No hello.
    case bad(ClientHelloError)
}

extension ClientHello {
    /// Reads the hello at the beginning of `bytes`, of which the connection has sent no more so
    /// far. What follows it does not matter.
    package static func read(_ bytes: Span<UInt8>) -> ClientHelloReading {
        do throws(ClientHelloError) {
            switch try message(in: bytes) {
            case .partial(let needed): return .needMore(needed)
            case .whole(let message): return .hello(try hello(in: message.span))
            }
        } catch {
            return .bad(error)
        }
    }

    // MARK: - Records

    /// The body of the message, as far as it is here.
    private enum Message {
        /// Not all of it; so many bytes of the connection are needed to know more.
        case partial(Int)
        case whole([UInt8])
    }

    /// The body of the message, out of the records that carry it.
    private static func message(in bytes: Span<UInt8>) throws(ClientHelloError) -> Message {
        var message: [UInt8] = []
        var start = 0
        for _ in 0..<recordsMax {
            guard let fragment = try fragment(in: bytes, at: start, isFirst: start == 0) else {
                return .partial(bytes.count + 1)
            }
            let before = message.count
            for index in fragment where index < bytes.count { message.append(bytes[index]) }
            let length = try bodyLength(of: message).map { 4 + $0 }
            if let length, message.count >= length { return .whole(Array(message[4..<length])) }
            guard fragment.upperBound <= bytes.count else {
                // Within the message's own header each byte may show that it is none.
                guard let length else { return .partial(bytes.count + 1) }
                return .partial(
                    min(fragment.upperBound, fragment.lowerBound + length - before))
            }
            start = fragment.upperBound
        }
        throw .tooLong
    }

    /// Where the fragment of the record at `start` is, whether all of it is here or not; nil when
    /// its header is not whole yet.
    private static func fragment(
        in bytes: Span<UInt8>, at start: Int, isFirst: Bool
    ) throws(ClientHelloError) -> Range<Int>? {
        guard bytes.count > start else { return nil }
        guard bytes[start] == 0x16 else { throw isFirst ? .notTLS : .recordType }
        guard bytes.count > start + 1 else { return nil }
        guard bytes[start + 1] == 3 else { throw .record }
        guard bytes.count >= start + 5 else { return nil }
        let length = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
        // RFC 8446, section 5.1: no empty fragment of a handshake, and 2^14 bytes at most.
        guard length > 0, length <= 1 << 14 else { throw .record }
        return start + 5..<start + 5 + length
    }

    /// The length of the message that begins so; nil when its header is not whole yet.
    private static func bodyLength(of message: [UInt8]) throws(ClientHelloError) -> Int? {
        guard let type = message.first else { return nil }
        guard type == 1 else { throw .messageType }
        guard message.count >= 4 else { return nil }
        let length = Int(message[1]) << 16 | Int(message[2]) << 8 | Int(message[3])
        guard length <= bytesMax else { throw .tooLong }
        return length
    }

    // MARK: - The message

    private static func hello(in body: Span<UInt8>) throws(ClientHelloError) -> ClientHello {
        var reader = LengthReader(end: body.count)
        guard try reader.number(body, 2) >= 0x0301 else { throw .version }
        try reader.skip(32)
        guard try reader.block(body, 1).count <= 32 else { throw .length }
        let suites = try reader.block(body, 2).count
        guard suites >= 2, suites % 2 == 0, try !reader.block(body, 1).isEmpty else {
            throw .length
        }
        var hello = ClientHello()
        // TLS 1.2 may leave them out, and end here.
        guard reader.left > 0 else { return hello }
        let extensions = try reader.block(body, 2)
        guard reader.left == 0 else { throw .length }
        reader = LengthReader(extensions)
        var seen: Set<Int> = []
        while reader.left > 0 {
            let type = try reader.number(body, 2)
            let value = try reader.block(body, 2)
            guard seen.insert(type).inserted else { throw .repeatedExtension }
            switch type {
            case 0: hello.serverName = try serverName(body, value)
            case 16: hello.protocols = try protocols(body, value)
            default: break
            }
        }
        return hello
    }

    /// The host name in a list of names. There is one kind of name, and one of each kind.
    private static func serverName(
        _ body: Span<UInt8>, _ value: Range<Int>
    ) throws(ClientHelloError) -> [UInt8] {
        var reader = LengthReader(value)
        let list = try reader.block(body, 2)
        guard reader.left == 0 else { throw .length }
        reader = LengthReader(list)
        guard reader.left > 0, try reader.number(body, 1) == 0 else { throw .serverName }
        let name = try reader.block(body, 2)
        guard reader.left == 0 else { throw .serverName }
        return try hostName(body, name)
    }

    /// The name in small letters. Section 3 of RFC 6066 allows no dot at its end, but some clients
    /// send what their users type.
    private static func hostName(
        _ body: Span<UInt8>, _ range: Range<Int>
    ) throws(ClientHelloError) -> [UInt8] {
        var name: [UInt8] = []
        var labelCount = 0
        for index in range {
            let byte = body[index]
            switch byte {
            case 0x41...0x5A: name.append(byte | 0x20)
            case 0x61...0x7A, 0x30...0x39, 0x2D, 0x5F: name.append(byte)
            case 0x2E where labelCount > 0:
                name.append(byte)
                labelCount = 0
                continue
            default: throw .serverName
            }
            labelCount += 1
            guard labelCount <= 63 else { throw .serverName }
        }
        if name.last == 0x2E { name.removeLast() }
        guard !name.isEmpty, name.count <= 253 else { throw .serverName }
        return name
    }

    private static func protocols(
        _ body: Span<UInt8>, _ value: Range<Int>
    ) throws(ClientHelloError) -> [[UInt8]] {
        var reader = LengthReader(value)
        let list = try reader.block(body, 2)
        guard reader.left == 0, !list.isEmpty else { throw .protocols }
        reader = LengthReader(list)
        var protocols: [[UInt8]] = []
        while reader.left > 0 {
            let name = try reader.block(body, 1)
            guard !name.isEmpty else { throw .protocols }
            if protocols.count < protocolsMax { protocols.append(name.map { body[$0] }) }
        }
        return protocols
    }
}

/// A cursor over a part of a message. The one place that indexes it by what the message itself says
/// of its lengths: each is checked before it is used. Value type, any thread.
private struct LengthReader {
    private var offset: Int
    private let end: Int

    init(end: Int) {
        self.init(0..<end)
    }

    init(_ range: Range<Int>) {
        (offset, end) = (range.lowerBound, range.upperBound)
    }

    var left: Int { end - offset }

    mutating func skip(_ count: Int) throws(ClientHelloError) {
        guard count <= left else { throw .length }
        offset += count
    }

    /// A number of `count` bytes.
    mutating func number(_ bytes: Span<UInt8>, _ count: Int) throws(ClientHelloError) -> Int {
        let start = offset
        try skip(count)
        return (start..<offset).reduce(0) { $0 << 8 | Int(bytes[$1]) }
    }

    /// Where a block is whose length comes before it, as a number of `count` bytes.
    mutating func block(
        _ bytes: Span<UInt8>, _ count: Int
    ) throws(ClientHelloError) -> Range<Int> {
        let length = try number(bytes, count)
        let start = offset
        try skip(length)
        return start..<offset
    }
}
