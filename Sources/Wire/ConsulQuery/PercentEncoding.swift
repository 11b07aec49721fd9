// Percent-encoding (RFC 3986 section 2.1), in both directions.

/// Text within a path or a query. Any thread.
package enum PercentEncoding {
    private static let hexDigits = Array("0123456789ABCDEF".utf8)

    /// `text` with every byte percent-encoded that is not unreserved (RFC 3986 section 2.3), nor in
    /// `keeping`: those stand for themselves anywhere, so that the result fits every place.
    package static func encode(_ text: String, keeping kept: String = "") -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: out.append(byte)
            case _ where kept.utf8.contains(byte): out.append(byte)
            default:
                out += [0x25, hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// What `text` stands for; bytes that are not encoded stand for themselves.
    ///
    /// - Throws: `ConsulQueryError` for a `%` without two hexadecimal digits, and for what is then
    ///   no UTF-8 or has a control character.
    static func decode(_ text: Substring) throws(ConsulQueryError) -> String {
        var out: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                out.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(value),
                let low = rest.popFirst().flatMap(value)
            else {
                throw ConsulQueryError(
                    "found a % without two hexadecimal digits in \"\(text)\", "
                        + "expected %25 for the % itself")
            }
            out.append(high << 4 | low)
        }
        guard let decoded = String(validating: out, as: UTF8.self) else {
            throw ConsulQueryError("found bytes in \"\(text)\" that are no UTF-8")
        }
        guard out.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ConsulQueryError("found a control character in a name or value")
        }
        return decoded
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
