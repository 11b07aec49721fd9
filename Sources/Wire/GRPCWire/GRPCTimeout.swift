// GRPCTimeout: the value of `grpc-timeout`, which says how long a client waits: one to eight digits
// and a unit (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md).

/// How long a call may take, as it is written. Any thread.
package enum GRPCTimeout {
    /// The most bytes that a value has.
    package static let bytesMax = 9

    /// The time that `value` says, in nanoseconds, or the most that can be counted; nil for any
    /// other value.
    package static func nanoseconds(_ value: Span<UInt8>) -> UInt64? {
        guard (2...bytesMax).contains(value.count) else { return nil }
        var number: UInt64 = 0
        for index in 0..<value.count - 1 {
            guard (0x30...0x39).contains(value[index]) else { return nil }
            number = number * 10 + UInt64(value[index] - 0x30)
        }
        switch value[value.count - 1] {
        case UInt8(ascii: "H"):
            let (nanoseconds, isTooLong) = number.multipliedReportingOverflow(by: 3_600_000_000_000)
            return isTooLong ? .max : nanoseconds
        case UInt8(ascii: "M"): return number * 60_000_000_000
        case UInt8(ascii: "S"): return number * 1_000_000_000
        case UInt8(ascii: "m"): return number * 1_000_000
        case UInt8(ascii: "u"): return number * 1000
        case UInt8(ascii: "n"): return number
        default: return nil
        }
    }

    /// Appends the value for `nanoseconds`, in the smallest unit in which it has eight digits, and
    /// rounded down there: nobody is to wait longer than what is left. At most 99,999,999 hours.
    /// - Precondition: there is room for `bytesMax`.
    package static func append(_ nanoseconds: UInt64, to out: inout OutputSpan<UInt8>) {
        let value = padded(nanoseconds)
        for index in value.indices where value[index] != 0x20 { out.append(value[index]) }
    }

    /// Number and unit for a time.
    private static func shortened(_ nanoseconds: UInt64) -> (number: UInt64, unit: UInt8) {
        if nanoseconds <= digitsMax { return (nanoseconds, UInt8(ascii: "n")) }
        if nanoseconds / 1000 <= digitsMax { return (nanoseconds / 1000, UInt8(ascii: "u")) }
        let milliseconds = nanoseconds / 1_000_000
        if milliseconds <= digitsMax { return (milliseconds, UInt8(ascii: "m")) }
        let seconds = milliseconds / 1000
        if seconds <= digitsMax { return (seconds, UInt8(ascii: "S")) }
        let minutes = seconds / 60
        if minutes <= digitsMax { return (minutes, UInt8(ascii: "M")) }
        return (minutes / 60, UInt8(ascii: "H"))
    }

    /// The shortened text with spaces in front, so that it always has `bytesMax` bytes.
    package static func padded(_ nanoseconds: UInt64) -> InlineArray<9, UInt8> {
        var value = InlineArray<9, UInt8>(repeating: 0x20)
        var (number, unit) = shortened(nanoseconds)
        value[bytesMax - 1] = unit
        var place = bytesMax - 2
        repeat {
            value[place] = 0x30 + UInt8(number % 10)
            number /= 10
            place -= 1
        } while number > 0
        return value
    }

    private static let digitsMax: UInt64 = 99_999_999
}
