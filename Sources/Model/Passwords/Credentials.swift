// Credentials: the name and the password that a request brings in its field Authorization, as Basic
// has them (RFC 7617): `Basic`, and NAME:PASSWORD in base64 (RFC 4648, section 4). Read strictly:
// what two readers could take for two things is refused.

/// Reads credentials, one after the other, in memory of its own. Value type, one thread at a time.
package struct Credentials: Sendable {
    /// Name, colon and password.
    private var bytes: [UInt8] = []
    /// Where the name ends; nil when nothing was read.
    private var colon: Int?

    /// The longest value of the field that is read, in bytes.
    package static let valueMax = 1024
    /// The longest password, in bytes: what libcrypt takes.
    package static let passwordMax = 511

    /// Nothing yet.
    package init() {
        bytes.reserveCapacity(Self.valueMax / 4 * 3)
    }

    /// Reads the value of Authorization. False when that is none of Basic, or malformed: then there
    /// are no name and no password.
    package mutating func read(_ value: Span<UInt8>) -> Bool {
        clear()
        guard value.count <= Self.valueMax, Self.isBasic(value) else { return false }
        var start = 5
        while start < value.count, value[start] == 0x20 { start += 1 }
        guard start > 5, decode(value.extracting(start..<value.count)) else {
            clear()
            return false
        }
        let end = bytes.firstIndex(of: 0x3A) ?? -1
        // Nobody is without a name, and a control character is in none of either (section 2).
        guard end > 0, end <= UserList.nameMax, bytes.count - end - 1 <= Self.passwordMax,
            !bytes.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else {
            clear()
            return false
        }
        colon = end
        return true
    }

    /// Forgets what was read.
    package mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        colon = nil
    }

    /// Passes the name to `body`; an empty one without credentials.
    package func withName<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(0..<(colon ?? 0)))
    }

    /// Copies of name and password; both empty without credentials.
    package var copies: (name: [UInt8], password: [UInt8]) {
        guard let colon else { return ([], []) }
        return (Array(bytes[..<colon]), Array(bytes[(colon + 1)...]))
    }

    private static func isBasic(_ value: Span<UInt8>) -> Bool {
        guard value.count > 6 else { return false }
        let scheme: StaticString = "basic"
        for index in 0..<5 {
            // A static string of five letters, which lives as long as the program.
            let letter = unsafe scheme.utf8Start[index]
            if value[index] | 0x20 != letter { return false }
        }
        return true
    }

    /// Decodes base64 with its padding. False for another text, one whose last digit says more than
    /// it may (section 3.5) among them.
    private mutating func decode(_ text: Span<UInt8>) -> Bool {
        guard !text.isEmpty, text.count % 4 == 0 else { return false }
        var count = text.count
        while count > text.count - 2, text[count - 1] == 0x3D { count -= 1 }
        var bits: UInt32 = 0
        for index in 0..<count {
            guard let digit = Self.digit(text[index]) else { return false }
            bits = bits << 6 | digit
            switch index & 3 {
            case 1: bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
            case 2: bytes.append(UInt8(truncatingIfNeeded: bits >> 2))
            case 3: bytes.append(UInt8(truncatingIfNeeded: bits))
            default: break
            }
        }
        switch text.count - count {
        case 1: return bits & 0x3 == 0
        case 2: return bits & 0xF == 0
        default: return true
        }
    }

    private static func digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5A: UInt32(byte) - 0x41
        case 0x61...0x7A: UInt32(byte) - 0x61 + 26
        case 0x30...0x39: UInt32(byte) - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
