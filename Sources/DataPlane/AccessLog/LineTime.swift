// LineTime: the time in a line. But for the milliseconds it changes once a second, so it is written
// as text once a second.

internal import Glibc
internal import HTTP1
internal import WallClock

/// The wall clock's time, ready to be appended.
struct LineTime {
    private var second = -1
    private var milliseconds = 0
    /// `2026-11-22T22:10:00` (RFC 3339).
    private var date: [UInt8] = []
    /// `22/Nov/2026:22:10:00 +0000`.
    private var combined: [UInt8] = []

    /// Reads the clock.
    mutating func update() {
        var time = timespec()
        // The kernel fills the record.
        unsafe _ = clock_gettime(CLOCK_REALTIME, &time)
        set(second: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
    }

    /// Sets the time; `second` counts from 1970.
    mutating func set(second: Int, milliseconds: Int) {
        self.milliseconds = milliseconds
        guard second != self.second else { return }
        self.second = second
        let parts = CalendarTime(secondsSince1970: Swift.max(0, second))
        date.removeAll(keepingCapacity: true)
        date.appendDigits(parts.year, 4)
        date.append(0x2D)
        date.appendDigits(parts.month, 2)
        date.append(0x2D)
        date.appendDigits(parts.day, 2)
        date.append(0x54)
        date.appendClock(parts)

        combined.removeAll(keepingCapacity: true)
        combined.appendDigits(parts.day, 2)
        combined.append(0x2F)
        combined.append(CalendarTime.monthName(parts.month))
        combined.append(0x2F)
        combined.appendDigits(parts.year, 4)
        combined.append(0x3A)
        combined.appendClock(parts)
        combined.append(" +0000")
    }

    /// Appends `2026-11-22T22:10:00.123Z`.
    func appendRFC3339(to out: inout OutputSpan<UInt8>) {
        out.append(date.span)
        out.append(0x2E)
        out.appendDigits(UInt64(milliseconds), atLeast: 3)
        out.append(0x5A)
    }

    /// Appends `22/Nov/2026:22:10:00 +0000`.
    func appendCombined(to out: inout OutputSpan<UInt8>) {
        out.append(combined.span)
    }
}

extension [UInt8] {
    /// `22:10:00`.
    fileprivate mutating func appendClock(_ parts: CalendarTime) {
        appendDigits(parts.secondOfDay / 3600, 2)
        append(0x3A)
        appendDigits(parts.secondOfDay / 60 % 60, 2)
        append(0x3A)
        appendDigits(parts.secondOfDay % 60, 2)
    }

    /// Appends a number that is not negative, with zeros in front up to `count` digits.
    fileprivate mutating func appendDigits(_ number: Int, _ count: Int) {
        append(addingCapacity: 8) { (out: inout OutputSpan<UInt8>) in
            out.appendDigits(UInt64(number), atLeast: count)
        }
    }
}
