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
        var (number, unit) = (nanoseconds, UInt8(ascii: "n"))
        for (size, larger) in units where number > digitsMax {
            number = nanoseconds / size
            unit = larger
        }
        number = min(number, digitsMax)
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            out.append(0x30 + UInt8(number / divisor % 10))
            divisor /= 10
        }
        out.append(unit)
    }

    private static let digitsMax: UInt64 = 99_999_999

    private static let units: [(UInt64, UInt8)] = [
        (1000, UInt8(ascii: "u")), (1_000_000, UInt8(ascii: "m")),
        (1_000_000_000, UInt8(ascii: "S")), (60_000_000_000, UInt8(ascii: "M")),
        (3_600_000_000_000, UInt8(ascii: "H")),
    ]
}
