// How long something lasts, as people say it: nobody counts a day in seconds.

extension Duration {
    /// `0 s`, `0.4 ms`, `750 ms`, `1.5 s`, `90 s`, `15 min`, `2 min 30 s`, `24 h`, `5 h 10 min`, `3
    /// d`: at most two units, rounded down to the smaller one. Less than zero is zero. Any thread.
    package var spoken: String {
        let (seconds, attoseconds) = max(self, .zero).components
        switch seconds {
        case 0 where attoseconds == 0: return "0 s"
        case 0: return Self.decimal(Double(attoseconds) / 1e15) + " ms"
        case ..<10: return Self.decimal(Double(seconds) + Double(attoseconds) / 1e18) + " s"
        case ..<120: return "\(seconds) s"
        case 3600: return "1 h"
        case ..<7200: return Self.two(seconds, "min", 60, "s", 1)
        case ..<172_800: return Self.two(seconds, "h", 3600, "min", 60)
        default: return Self.two(seconds, "d", 86_400, "h", 3600)
        }
    }

    private static func two(
        _ seconds: Int64, _ unit: String, _ factor: Int64, _ part: String, _ partFactor: Int64
    ) -> String {
        let rest = seconds % factor / partFactor
        return "\(seconds / factor) \(unit)" + (rest == 0 ? "" : " \(rest) \(part)")
    }

    /// With one decimal, unless that is 0.
    private static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
