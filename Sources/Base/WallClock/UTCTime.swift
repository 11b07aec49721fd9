// UTCTime: wall-clock time in the two forms that go over the wire. For display only: every interval
// is measured with the monotonic clock.

internal import Glibc

/// A point of wall-clock time. Any thread.
package struct UTCTime: Sendable, Hashable {
    /// Seconds since 1970-01-01T00:00:00Z, with fraction.
    package let secondsSince1970: Double

    /// Times outside the years 1970 to 9999 are moved to the nearer end; so is NaN to 1970.
    package init(secondsSince1970: Double) {
        let end = 253_402_300_799.0
        self.secondsSince1970 =
            secondsSince1970 > 0 ? min(secondsSince1970, end) : 0
    }

    /// The wall clock now.
    package static var now: UTCTime {
        var time = timespec()
        unsafe _ = clock_gettime(CLOCK_REALTIME, &time)
        return UTCTime(secondsSince1970: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }

    /// `2026-11-22T22:10:00.123Z` (RFC 3339).
    package var iso8601: String {
        let milliseconds = Int((secondsSince1970 * 1000).rounded())
        let parts = CalendarTime(secondsSince1970: milliseconds / 1000)
        let date = "\(parts.year)-\(Self.padded(parts.month, 2))-\(Self.padded(parts.day, 2))"
        return "\(date)T\(Self.clock(parts)).\(Self.padded(milliseconds % 1000, 3))Z"
    }

    /// `22:10:00`.
    package var clock: String {
        Self.clock(CalendarTime(secondsSince1970: Int(secondsSince1970)))
    }

    /// `Sun, 22 Nov 2026 22:10:00 GMT` (RFC 9110 section 5.6.7).
    package var httpDate: String {
        let parts = CalendarTime(secondsSince1970: Int(secondsSince1970))
        let date =
            "\(Self.padded(parts.day, 2)) \(CalendarTime.monthName(parts.month)) \(parts.year)"
        return "\(CalendarTime.weekdayName(parts.weekday)), \(date) \(Self.clock(parts)) GMT"
    }

    private static func padded(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    private static func clock(_ parts: CalendarTime) -> String {
        let hour = padded(parts.secondOfDay / 3600, 2)
        let minute = padded(parts.secondOfDay / 60 % 60, 2)
        return "\(hour):\(minute):\(padded(parts.secondOfDay % 60, 2))"
    }
}
