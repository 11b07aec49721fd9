// Reading PROXY headers. Nothing is kept between two calls: as long as a header is not whole, each
// call begins at its first byte, which is cheap, since a header is short and comes in one piece.

internal import Endpoints

/// What the first bytes of a connection are. Value type, any thread.
package enum ProxyHeaderReading: Equatable, Sendable {
    /// The beginning of a header, or nothing yet.
    case needMore
    /// A whole header of so many bytes; what is behind it is the client's.
    case header(ProxyHeader, length: Int)
    /// No header. The connection can't be used, since nobody knows whose it is.
    case bad(ProxyHeaderError)
}

extension ProxyHeader {
    /// Whether a connection that begins with `bytes` may begin with a header; true for none.
    package static func mayBegin(with bytes: Span<UInt8>) -> Bool {
        begins(bytes, with: signature) || begins(bytes, with: linePrefix)
    }

    /// Reads the header of either version at the beginning of `bytes`, of which the connection has
    /// sent no more so far.
    package static func read(_ bytes: Span<UInt8>) -> ProxyHeaderReading {
        do throws(ProxyHeaderError) {
            if begins(bytes, with: signature) { return try readBinary(bytes) }
            if begins(bytes, with: linePrefix) { return try readLine(bytes) }
        } catch {
            return .bad(error)
        }
        return .bad(.missing)
    }

    /// Whether `bytes` and `prefix` are the same as far as both go.
    private static func begins(_ bytes: Span<UInt8>, with prefix: [UInt8]) -> Bool {
        for index in 0..<min(bytes.count, prefix.count) where bytes[index] != prefix[index] {
            return false
        }
        return true
    }

    // MARK: - Version 1

    private static func readLine(
        _ bytes: Span<UInt8>
    ) throws(ProxyHeaderError) -> ProxyHeaderReading {
        let limit = min(bytes.count, lineBytesMax)
        var end = 0
        while end < limit, bytes[end] != 0x0D, bytes[end] != 0x0A { end += 1 }
        guard end + 1 < limit else {
            // Nothing more may come that would end it.
            if limit == lineBytesMax || (end < limit && bytes[end] == 0x0A) { throw .lineEnd }
            return .needMore
        }
        guard bytes[end] == 0x0D, bytes[end + 1] == 0x0A else { throw .lineEnd }
        let line = bytes.extracting(0..<end)
        return .header(ProxyHeader(try ends(of: line)), length: end + 2)
    }

    private static func ends(of line: Span<UInt8>) throws(ProxyHeaderError) -> Ends? {
        var fields: [String] = []
        var start = linePrefix.count
        for index in start...line.count where index == line.count || line[index] == 0x20 {
            fields.append(text(line.extracting(start..<index)))
            start = index + 1
            // The rest of the line says nothing that is known.
            if fields == ["UNKNOWN"] { return nil }
        }
        let isIPv6 = fields[0] == "TCP6"
        guard isIPv6 || fields[0] == "TCP4" else { throw .proto }
        guard fields.count == 5 else { throw .fields }
        return Ends(
            source: Endpoint(try address(fields[1], isIPv6), try port(fields[3])),
            destination: Endpoint(try address(fields[2], isIPv6), try port(fields[4])))
    }

    /// The bytes as a text of as many characters: no address or number has any beyond ASCII.
    private static func text(_ bytes: Span<UInt8>) -> String {
        var text = ""
        for index in bytes.indices { text.unicodeScalars.append(Unicode.Scalar(bytes[index])) }
        return text
    }

    private static func address(
        _ text: String, _ isIPv6: Bool
    ) throws(ProxyHeaderError) -> IPAddress {
        // inet_pton reads up to a NUL.
        guard text.contains(":") == isIPv6, !text.utf8.contains(0), let address = IPAddress(text)
        else { throw .address }
        return address
    }

    private static func port(_ text: String) throws(ProxyHeaderError) -> UInt16 {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text),
            text == "0" || text.utf8.first != 0x30
        else { throw .port }
        return port
    }

    // MARK: - Version 2

    private static func readBinary(
        _ bytes: Span<UInt8>
    ) throws(ProxyHeaderError) -> ProxyHeaderReading {
        // As early as each shows, so that a peer which will never be understood is not waited for.
        guard bytes.count > 12 else { return .needMore }
        guard bytes[12] >> 4 == 2 else { throw .version }
        let command = bytes[12] & 0xF
        guard command <= 1 else { throw .command }
        guard bytes.count > 13 else { return .needMore }
        let family = bytes[13] >> 4
        let transport = bytes[13] & 0xF
        // Of a LOCAL header nothing but the length counts.
        guard command == 0 || (family <= 3 && transport <= 2) else { throw .family }
        guard bytes.count >= 16 else { return .needMore }
        let length = 16 + Int(uint16(bytes, 14))
        guard length <= bytesMax else { throw .tooLong }
        guard bytes.count >= length else { return .needMore }
        var header = ProxyHeader(nil)
        // What follows an unspecified family has no form that is known.
        if command == 1, family != 0, transport != 0 {
            try header.readBlock(bytes.extracting(0..<length), family, isStream: transport == 1)
        }
        return .header(header, length: length)
    }

    /// Reads addresses and vectors of `bytes`, a whole header.
    private mutating func readBlock(
        _ bytes: Span<UInt8>, _ family: UInt8, isStream: Bool
    ) throws(ProxyHeaderError) {
        let addressBytes = family == 1 ? 4 : family == 2 ? 16 : 108
        let hasPorts = family != 3
        let end = 16 + 2 * addressBytes + (hasPorts ? 4 : 0)
        guard bytes.count >= end else { throw .addressLength }
        if isStream, hasPorts {
            let address = family == 1 ? Self.ipv4 : Self.ipv6
            ends = Ends(
                source: Endpoint(address(bytes, 16), Self.uint16(bytes, end - 4)),
                destination: Endpoint(
                    address(bytes, 16 + addressBytes), Self.uint16(bytes, end - 2)))
        }
        try readVectors(bytes, from: end)
    }

    private mutating func readVectors(
        _ bytes: Span<UInt8>, from start: Int
    ) throws(ProxyHeaderError) {
        var seen: Set<UInt8> = []
        try Self.readVectors(bytes, from: start) { type, value throws(ProxyHeaderError) in
            switch type {
            case VectorType.application:
                application = try Self.text(bytes, value, max: Self.applicationBytesMax)
            case VectorType.authority:
                authority = try Self.text(bytes, value, max: Self.authorityBytesMax)
            case VectorType.uniqueID:
                uniqueID = try Self.text(bytes, value, max: Self.uniqueIDBytesMax)
            case VectorType.tls: tls = try ProxiedTLS.read(bytes.extracting(value))
            case VectorType.checksum:
                guard value.count == 4 else { throw .vectorValue }
                guard CRC32C.checksum(of: bytes, withZerosAt: value) == Self.uint32(bytes, value)
                else { throw .checksum }
            default: return
            }
            guard seen.insert(type).inserted else { throw .repeatedVector }
        }
    }

    /// Calls `body` with type and place of each vector in `bytes`, which has nothing else from
    /// `start` on.
    static func readVectors(
        _ bytes: Span<UInt8>, from start: Int,
        _ body: (UInt8, Range<Int>) throws(ProxyHeaderError) -> Void
    ) throws(ProxyHeaderError) {
        var start = start
        while start < bytes.count {
            guard start + 3 <= bytes.count else { throw .vectorLength }
            let value = start + 3..<start + 3 + Int(uint16(bytes, start + 1))
            guard value.upperBound <= bytes.count else { throw .vectorLength }
            try body(bytes[start], value)
            start = value.upperBound
        }
    }

    private static func text(
        _ bytes: Span<UInt8>, _ range: Range<Int>, max: Int
    ) throws(ProxyHeaderError) -> [UInt8]? {
        guard range.count <= max else { throw .vectorValue }
        return range.isEmpty ? nil : range.map { bytes[$0] }
    }

    private static func uint16(_ bytes: Span<UInt8>, _ start: Int) -> UInt16 {
        UInt16(bytes[start]) << 8 | UInt16(bytes[start + 1])
    }

    private static func uint32(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt32 {
        range.reduce(0) { $0 << 8 | UInt32(bytes[$1]) }
    }

    private static func uint64(_ bytes: Span<UInt8>, _ start: Int) -> UInt64 {
        (start..<start + 8).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
    }

    private static func ipv4(_ bytes: Span<UInt8>, _ start: Int) -> IPAddress {
        .v4(uint32(bytes, start..<start + 4))
    }

    private static func ipv6(_ bytes: Span<UInt8>, _ start: Int) -> IPAddress {
        IPAddress(high: uint64(bytes, start), low: uint64(bytes, start + 8))
    }
}
