// Sec-WebSocket-Key, which a backend of HTTP/1.1 has to be given, and which a client of HTTP/2 does
// not send (RFC 8441 section 5).

/// 16 bytes in base64 (RFC 6455 section 4.1). Value type.
package struct WebSocketKey: Sendable {
    /// The text, without quotes.
    package let bytes: InlineArray<24, UInt8>

    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The key of 16 bytes. It may be guessed: all that it shows a server is that its peer speaks
    /// WebSocket.
    package init(_ first: UInt64 = 0, _ second: UInt64 = 0) {
        let number = UInt128(first) << 64 | UInt128(second)
        bytes = InlineArray { place in
            // 21 digits of six bits, one of the last two bits and four zeros, and padding (RFC 4648
            // section 4).
            switch place {
            case 0..<21: Self.digits[Int(truncatingIfNeeded: number >> (122 - 6 * place)) & 0x3F]
            case 21: Self.digits[Int(truncatingIfNeeded: number << 4) & 0x3F]
            default: 0x3D
            }
        }
    }
}
