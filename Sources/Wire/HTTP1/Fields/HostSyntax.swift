// What a host may look like: `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 section
// 3.2.2), with nothing before an `@` (RFC 9110 section 4.2.4), no list and no empty name (section
// 4.2.1). Names are not resolved or normalised here; this only makes sure that two hops read the
// same host.

enum HostSyntax {
    /// Whether `start..<end` is a host and optional port. An empty port, as in `name:`, is allowed
    /// by the grammar unless `needsPort` is set (authority-form, RFC 9112 section 3.2.3).
    static func isValid(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, needsPort: Bool = false
    ) -> Bool {
        guard start < end else { return false }
        let isLiteral = bytes[start] == 0x5B  // [
        let nameEnd = isLiteral ? endOfLiteral(bytes, start, end) : endOfName(bytes, start, end)
        guard let nameEnd, nameEnd > start else { return false }
        if nameEnd == end { return !needsPort }
        guard bytes[nameEnd] == Characters.colon else { return false }
        return isPort(bytes, nameEnd + 1, end, canBeEmpty: !needsPort)
    }

    /// Past a registered name or IPv4 address; nil for a `%` without two hexadecimal digits.
    private static func endOfName(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var at = ByteScan.endOfHostName(bytes, from: start, to: end)
        while at < end {
            if bytes[at] == 0x25 {
                guard end - at > 2, Characters.hexValue(bytes[at + 1]) != nil,
                    Characters.hexValue(bytes[at + 2]) != nil
                else { return nil }
                at += 3
            } else if Characters.isRegisteredName(bytes[at]) {
                at += 1
            } else {
                return at
            }
        }
        return at
    }

    /// Past `[` an IPv6 address `]`. Only the alphabet is checked, and that there is a colon:
    /// the address is compared as text, never dialled.
    private static func endOfLiteral(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var at = start + 1
        var colons = 0
        while at < end, bytes[at] != 0x5D {
            guard
                Characters.hexValue(bytes[at]) != nil || bytes[at] == Characters.colon
                    || bytes[at] == 0x2E
            else { return nil }
            if bytes[at] == Characters.colon { colons += 1 }
            at += 1
        }
        // "::" is the shortest; 45 characters the longest (RFC 4291 with an IPv4 tail).
        guard at < end, colons >= 2, at - start <= 46 else { return nil }
        return at + 1
    }

    private static func isPort(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, canBeEmpty: Bool
    ) -> Bool {
        if start == end { return canBeEmpty }
        guard end - start <= 5 else { return false }
        var port = 0
        for index in start..<end {
            guard Characters.isDigit(bytes[index]) else { return false }
            port = port * 10 + Int(bytes[index] - 0x30)
        }
        return port <= 65_535
    }
}
