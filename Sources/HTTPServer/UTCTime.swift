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

    /// The wall clock now, to the millisecond.
    package static var now: UTCTime {
        var time = timespec()
        unsafe _ = clock_gettime(CLOCK_REALTIME, &time)
        return UTCTime(
            secondsSince1970: Double(time.tv_sec) + Double(time.tv_nsec / 1_000_000) / 1000)
    }

    /// `2026-11-22T22:10:00.123Z` (RFC 3339).
    package var iso8601: String {
        let milliseconds = Int((secondsSince1970 * 1000).rounded())
        let parts = Parts(seconds: milliseconds / 1000)
        let date = "\(parts.year)-\(Self.padded(parts.month, 2))-\(Self.padded(parts.day, 2))"
        return "\(date)T\(parts.clock).\(Self.padded(milliseconds % 1000, 3))Z"
    }

    /// `22:10:00`.
    package var clock: String { Parts(seconds: Int(secondsSince1970)).clock }

    /// `Sun, 22 Nov 2026 22:10:00 GMT` (RFC 9110 section 5.6.7).
    package var httpDate: String {
        let parts = Parts(seconds: Int(secondsSince1970))
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let date = "\(Self.padded(parts.day, 2)) \(months[parts.month - 1]) \(parts.year)"
        return "\(days[parts.weekday]), \(date) \(parts.clock) GMT"
    }

    private static func padded(_ number: Int, _ count: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    /// A time of the proleptic Gregorian calendar in UTC, from seconds that are not negative.
    /// libc's `tm` holds a pointer; thirty lines of arithmetic need no `unsafe`.
    private struct Parts {
        let year: Int
        /// 1 to 12.
        let month: Int
        /// 1 to 31.
        let day: Int
        /// 0 is Sunday.
        let weekday: Int
        let secondOfDay: Int

        init(seconds: Int) {
            secondOfDay = seconds % 86_400
            let days = seconds / 86_400
            weekday = (days + 4) % 7
            // Years that begin in March put the leap day at the end: 400 of them are 146,097 days,
            // and from March on the months repeat 31, 30, 31, 30, 31 days, hence 153.
            let fromMarch0 = days + 719_468
            let era = fromMarch0 / 146_097
            let dayOfEra = fromMarch0 % 146_097
            let yearOfEra =
                (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let monthFromMarch = (5 * dayOfYear + 2) / 153
            day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
            month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
            year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        }

        var clock: String {
            let hour = UTCTime.padded(secondOfDay / 3600, 2)
            let minute = UTCTime.padded(secondOfDay / 60 % 60, 2)
            return "\(hour):\(minute):\(UTCTime.padded(secondOfDay % 60, 2))"
        }
    }
}
