// Durations and sizes as an operator writes them: a whole number and a unit. A bare number is never
// accepted, since every tool means another unit by it.

/// Reading and writing of numbers with units.
package enum Units {
    /// Milliseconds per unit, largest first.
    private static let durations: [(unit: String, factor: Int)] = [
        ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    /// Bytes per unit, largest first.
    private static let sizes: [(unit: String, factor: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]

    /// The duration that `text` spells; nil when it spells none. Saturates far above any limit.
    package static func duration(_ text: String) -> Duration? {
        number(text, in: durations).map { .milliseconds($0) }
    }

    /// The bytes that `text` spells; nil when it spells none. Saturates at `Int.max`.
    package static func size(_ text: String) -> Int? {
        number(text, in: sizes)
    }

    /// The whole number of ASCII digits that `text` is; nil when it is none. Saturates at
    /// `Int.max`.
    package static func digits(_ text: some StringProtocol) -> Int? {
        let isNumber = !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        return isNumber ? Int(text) ?? Int.max : nil
    }

    /// In the largest unit that divides it: `90s`, `2m`, `0s`. Exact to the millisecond.
    package static func write(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
        return milliseconds == 0 ? "0s" : write(milliseconds, in: durations)
    }

    /// In the largest unit that divides it: `16KiB`, `0B`.
    package static func write(size bytes: Int) -> String {
        bytes == 0 ? "0B" : write(bytes, in: sizes)
    }

    private static func number(_ text: String, in units: [(unit: String, factor: Int)]) -> Int? {
        guard let start = text.firstIndex(where: { !$0.isASCII || !$0.isNumber }),
            let factor = units.first(where: { $0.unit == text[start...] })?.factor,
            let count = digits(text[..<start])
        else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        return overflow ? Int.max : product
    }

    private static func write(_ number: Int, in units: [(unit: String, factor: Int)]) -> String {
        for (unit, factor) in units where number % factor == 0 {
            return "\(number / factor)\(unit)"
        }
        return "\(number)"
    }
}
