// CookieField: one cookie in a request's Cookie fields (RFC 6265, section 4.2.1): pairs of name and
// value, separated by semicolons and spaces.

extension RequestHead {
    /// Where in `bytes`, from which this head was parsed, the value of the first cookie of this
    /// name is, without quotes around it; nil when there is none. Names are compared byte by byte.
    /// - Complexity: O(length of the Cookie fields).
    package func cookie(_ name: [UInt8], _ bytes: Span<UInt8>) -> Range<Int>? {
        for index in 0..<fieldCount {
            let field = field(index)
            guard field.known == .other,
                bytes.extracting(field.name.bounds).isEqualIgnoringCase(to: "cookie")
            else { continue }
            if let value = Self.cookie(name, bytes, in: field.value.bounds) { return value }
        }
        return nil
    }

    private static func cookie(
        _ name: [UInt8], _ bytes: Span<UInt8>, in field: Range<Int>
    ) -> Range<Int>? {
        var start = field.lowerBound
        while start < field.upperBound {
            while start < field.upperBound, bytes[start] == Characters.space { start += 1 }
            var end = start
            while end < field.upperBound, bytes[end] != 0x3B { end += 1 }
            let value = start + name.count + 1
            if value <= end, bytes[value - 1] == 0x3D, has(name, bytes, at: start) {
                return unquoted(bytes, value..<end)
            }
            start = end + 1
        }
        return nil
    }

    private static func has(_ name: [UInt8], _ bytes: Span<UInt8>, at start: Int) -> Bool {
        for index in name.indices where name[index] != bytes[start + index] { return false }
        return true
    }

    private static func unquoted(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var end = range.upperBound
        while end > range.lowerBound, bytes[end - 1] == Characters.space { end -= 1 }
        let isQuoted =
            end - range.lowerBound >= 2 && bytes[range.lowerBound] == 0x22 && bytes[end - 1] == 0x22
        return isQuoted ? range.lowerBound + 1..<end - 1 : range.lowerBound..<end
    }

    /// Where in `bytes` the value of the first field of this lower-case name is; nil when there is
    /// none.
    /// - Complexity: O(length of the fields' names).
    package func value(ofField name: [UInt8], _ bytes: Span<UInt8>) -> Range<Int>? {
        for index in 0..<fieldCount {
            let field = field(index)
            guard field.name.count == name.count else { continue }
            var isIt = true
            for offset in name.indices {
                let byte = bytes[Int(field.name.start) + offset]
                let folded = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
                if folded != name[offset] {
                    isIt = false
                    break
                }
            }
            if isIt { return field.value.bounds }
        }
        return nil
    }
}
