// IPAddress+Bytes: addresses in what came by the network, read without making a String.

internal import Glibc

extension IPAddress {
    /// The address that these ASCII bytes spell, without brackets, zone or port; nil when they
    /// spell none.
    package init?(_ text: Span<UInt8>) {
        // INET6_ADDRSTRLEN is 46 with the zero at the end.
        guard (2..<46).contains(text.count) else { return nil }
        var terminated = InlineArray<46, UInt8>(repeating: 0)
        for index in text.indices {
            // A zero would end the text before its end.
            guard text[index] != 0 else { return nil }
            terminated[index] = text[index]
        }
        var four = in_addr()
        var six = in6_addr()
        let family: Int32 = unsafe terminated.span.withUnsafeBytes { bytes in
            // There are bytes, and the last of them is zero.
            guard let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self) else {
                return 0
            }
            if unsafe inet_pton(AF_INET, start, &four) == 1 { return AF_INET }
            return unsafe inet_pton(AF_INET6, start, &six) == 1 ? AF_INET6 : 0
        }
        switch family {
        case AF_INET: self = .v4(UInt32(bigEndian: four.s_addr))
        case AF_INET6: self.init(six)
        default: return nil
        }
    }

    /// The address that these bytes spell, which may have a port behind it, and brackets around an
    /// IPv6 address, as members of X-Forwarded-For may: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`,
    /// `[2001:db8::1]:443`. Nil for anything else.
    package init?(withPort text: Span<UInt8>) {
        if text.count > 2, text[0] == UInt8(ascii: "[") {
            var end = 1
            while end < text.count, text[end] != UInt8(ascii: "]") { end += 1 }
            guard end < text.count else { return nil }
            let rest = text.extracting(end + 1..<text.count)
            guard rest.isEmpty || Self.isPort(rest) else { return nil }
            self.init(text.extracting(1..<end))
            guard case .v6 = self else { return nil }
            return
        }
        var colons = 0
        var colon = 0
        for index in text.indices where text[index] == UInt8(ascii: ":") {
            colons += 1
            colon = index
        }
        if colons == 1 {
            guard Self.isPort(text.extracting(colon..<text.count)) else { return nil }
            self.init(text.extracting(0..<colon))
        } else {
            self.init(text)
        }
    }

    /// Whether `text` is a colon with one to five digits behind it.
    private static func isPort(_ text: Span<UInt8>) -> Bool {
        guard (2...6).contains(text.count), text[0] == UInt8(ascii: ":") else { return false }
        for index in 1..<text.count where !(0x30...0x39).contains(text[index]) { return false }
        return true
    }
}
