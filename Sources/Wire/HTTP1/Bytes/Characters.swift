// Which byte may stand where: the character classes of RFC 9110, 9112 and 3986 that heads are made
// of. Each class is two 64-bit maps, one for 0x00 to 0x3F and one for 0x40 to 0x7F; nothing above
// 0x7F is in any of them.

/// The classes, and what bytes stand for. Any thread. `public`, as only members of public types are
/// inlined in other modules.
public enum Characters {
    static let horizontalTab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let comma: UInt8 = 0x2C
    static let hyphen: UInt8 = 0x2D
    static let underscore: UInt8 = 0x5F
    static let colon: UInt8 = 0x3A

    /// tchar (RFC 9110 section 5.6.2): letters, digits and "!#$%&'*+-.^_`|~".
    @inlinable
    package static func isToken(_ byte: UInt8) -> Bool {
        isIn(byte, low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// A token character that is no upper-case letter.
    @inline(__always)
    static func isLowercaseToken(_ byte: UInt8) -> Bool {
        isIn(byte, low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C000_0000)
    }

    /// A byte of a reg-name (RFC 3986 section 3.2.2) but `%`: unreserved and sub-delims, without
    /// the comma, since a Host is no list.
    @inline(__always)
    static func isRegisteredName(_ byte: UInt8) -> Bool {
        isIn(byte, low: 0x2BFF_6FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// HTAB, SP, VCHAR, obs-text (RFC 9110 section 5.5).
    @inlinable
    package static func isFieldText(_ byte: UInt8) -> Bool {
        (byte >= 0x20 && byte != 0x7F) || byte == 0x09
    }

    /// A byte of a request target: visible ASCII but `#`.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && byte != 0x23 }

    /// OWS and BWS (RFC 9110 section 5.6.3).
    @inlinable
    package static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// `0` to `9`.
    @inlinable
    package static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The value of a hexadecimal digit; nil for any other byte.
    @inline(__always)
    package static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = (byte | 0x20) &- 0x61
        return letter < 6 ? letter &+ 10 : nil
    }

    @inlinable
    static func isIn(_ byte: UInt8, low: UInt64, high: UInt64) -> Bool {
        byte < 0x80 && ((byte < 0x40 ? low : high) >> UInt64(byte & 0x3F)) & 1 == 1
    }
}
