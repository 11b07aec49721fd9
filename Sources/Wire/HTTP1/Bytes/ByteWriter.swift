// Appending bytes: to an array, which grows; and to an `OutputSpan`, room that was made beforehand.
// Heads are written the second way: whether an array is shared and large enough is then asked once
// for a head and not for each of its twenty pieces. This is the one file of the module that writes
// through pointers.

extension [UInt8] {
    /// Appends all of `bytes`.
    package mutating func append(_ bytes: Span<UInt8>) {
        // The pointer is used only inside the closure, while the span lives.
        unsafe bytes.withUnsafeBufferPointer { unsafe self.append(contentsOf: $0) }
    }

    /// Appends the bytes of `bytes` in `range`.
    /// - Precondition: `range` is inside `bytes`.
    package mutating func append(_ bytes: Span<UInt8>, _ range: ByteRange) {
        append(bytes.extracting(range.bounds))
    }

    /// Appends the UTF-8 of a literal.
    /// - Precondition: `text` is stored as bytes, as every literal but a single scalar's is.
    package mutating func append(_ text: StaticString) {
        // A static string's bytes live as long as the program.
        unsafe append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends `number` in decimal, without leading zeros.
    package mutating func appendDecimal(_ number: UInt64) {
        append(addingCapacity: 20) { (out: inout OutputSpan<UInt8>) in out.appendDecimal(number) }
    }
}

extension OutputSpan<UInt8> {
    /// Appends all of `bytes`.
    /// - Precondition: there is room for them.
    @inline(__always)
    package mutating func append(_ bytes: Span<UInt8>) {
        precondition(bytes.count <= freeCapacity, "more bytes than room was made for")
        // Both pointers are used only inside the closures, while the spans live; the room was
        // checked above, and all of it is initialised as `initialized` grows.
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress else { return }
            unsafe withUnsafeMutableBufferPointer { target, initialized in
                guard let to = target.baseAddress else { return }
                unsafe (to + initialized).initialize(from: from, count: source.count)
                initialized += source.count
            }
        }
    }

    /// Appends the bytes of `bytes` in `range`.
    /// - Precondition: `range` is inside `bytes`, and there is room for them.
    mutating func append(_ bytes: Span<UInt8>, _ range: ByteRange) {
        append(bytes.extracting(range.bounds))
    }

    /// Appends the UTF-8 of a literal.
    /// - Precondition: `text` is stored as bytes, as every literal but a single scalar's is, and
    ///   there is room for it.
    @inline(__always)  // so that a literal's length is known, and its copy is a few moves
    package mutating func append(_ text: StaticString) {
        // A static string's bytes live as long as the program.
        let bytes = unsafe UnsafeBufferPointer(
            start: text.utf8Start, count: text.utf8CodeUnitCount)
        unsafe append(bytes.span)
    }

    /// Appends `number` in decimal, without leading zeros: 20 digits at most.
    /// - Precondition: there is room for it.
    package mutating func appendDecimal(_ number: UInt64) {
        if number >= 100_000_000 {
            appendDecimal(number / 100_000_000)
            appendDigits(number % 100_000_000, atLeast: 8)
        } else {
            appendDigits(number, atLeast: 1)
        }
    }

    /// Appends a number below 10^8, with zeros in front if it has fewer digits than `count`, which
    /// is 1 to 8.
    /// - Precondition: there is room for it.
    package mutating func appendDigits(_ number: UInt64, atLeast count: Int) {
        precondition(number < 100_000_000 && (1...8).contains(count), "eight digits at most")
        // The digits, the first in the lowest byte.
        var (rest, digits, left) = (number, UInt64(0), count)
        repeat {
            digits = digits << 8 | (0x30 &+ rest % 10)
            rest /= 10
            left -= 1
        } while rest > 0 || left > 0
        while digits > 0 {
            append(UInt8(truncatingIfNeeded: digits))
            digits >>= 8
        }
    }

    /// Appends `number` in hexadecimal, without leading zeros: 16 digits at most, in lower case.
    /// - Precondition: there is room for it.
    mutating func appendHexadecimal(_ number: UInt64) {
        var shift = number == 0 ? 0 : (63 - number.leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift) & 0xF)
            append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
            shift -= 4
        }
    }

    /// Appends `number` as 16 lower-case hexadecimal digits.
    /// - Precondition: there is room for it.
    package mutating func appendHex(_ number: UInt64) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> shift & 0xF)
            append(digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
        }
    }
}

extension Span<UInt8> {
    /// Whether these are exactly the bytes of `text`, letter case included.
    package func isEqual(to text: StaticString) -> Bool {
        // A static string's bytes live as long as the program.
        let pattern = unsafe UnsafeBufferPointer(
            start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard count == pattern.count else { return false }
        for index in indices where unsafe self[index] != pattern[index] { return false }
        return true
    }

    /// Whether these are the bytes of `text` in any letter case. `text` is lower-case ASCII
    /// letters, digits and hyphens; the bytes hold no CR.
    package func isEqualIgnoringCase(to text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && ByteScan.matches(self, at: 0, text)
    }
}
