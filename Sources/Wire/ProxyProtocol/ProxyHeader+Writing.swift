// Writing PROXY headers.

internal import Endpoints

extension ProxyHeader {
    /// The header in the form of `version`. A line of version 1 has room for the ends alone; one
    /// without ends is `UNKNOWN` there, and `LOCAL` in version 2.
    ///
    /// - Precondition: all values keep to their lengths.
    package func bytes(_ version: Version) -> [UInt8] {
        switch version {
        case .v1: line
        case .v2: binary
        }
    }

    private var line: [UInt8] {
        guard let ends else { return Array("PROXY UNKNOWN\r\n".utf8) }
        let (source, destination) = (ends.source, ends.destination)
        var out = Array((isIPv4(ends) ? "PROXY TCP4 " : "PROXY TCP6 ").utf8)
        for address in [source.address, destination.address] {
            if !isIPv4(ends), case .v4 = address { out += Array("::ffff:".utf8) }
            address.appendText(to: &out)
            out.append(0x20)
        }
        out += Array("\(source.port) \(destination.port)\r\n".utf8)
        return out
    }

    private var binary: [UInt8] {
        var block: [UInt8] = []
        var family: UInt8 = 0
        if let ends {
            family = isIPv4(ends) ? 0x11 : 0x21
            for address in [ends.source.address, ends.destination.address] {
                Self.append(address, mapped: !isIPv4(ends), to: &block)
            }
            Self.append(ends.source.port, to: &block)
            Self.append(ends.destination.port, to: &block)
            if let application {
                Self.append(
                    VectorType.application, application, Self.applicationBytesMax, to: &block)
            }
            if let authority {
                Self.append(VectorType.authority, authority, Self.authorityBytesMax, to: &block)
            }
            if let uniqueID {
                Self.append(VectorType.uniqueID, uniqueID, Self.uniqueIDBytesMax, to: &block)
            }
            if let tls { Self.append(VectorType.tls, tls.value, Self.bytesMax, to: &block) }
        }
        var out = Self.signature
        out.append(ends == nil ? 0x20 : 0x21)
        out.append(family)
        Self.append(UInt16(block.count), to: &out)
        return out + block
    }

    /// Whether both ends are IPv4. If one is not, the other becomes an IPv4-mapped IPv6 address,
    /// since a header has one family.
    private func isIPv4(_ ends: Ends) -> Bool {
        if case (.v4, .v4) = (ends.source.address, ends.destination.address) { true } else { false }
    }

    private static func append(_ number: some FixedWidthInteger, to out: inout [UInt8]) {
        for shift in stride(from: number.bitWidth - 8, through: 0, by: -8) {
            out.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    private static func append(_ address: IPAddress, mapped: Bool, to out: inout [UInt8]) {
        switch address {
        case .v4(let number):
            if mapped { out += [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] }
            append(number, to: &out)
        case .v6(let high, let low):
            append(high, to: &out)
            append(low, to: &out)
        }
    }

    /// Appends a vector of up to `max` bytes.
    static func append(
        _ type: UInt8, _ value: [UInt8], _ max: Int, to out: inout [UInt8]
    ) {
        precondition(value.count <= max, "\(value.count) bytes in a vector of \(max)")
        out.append(type)
        append(UInt16(value.count), to: &out)
        out += value
    }
}
