// DateLine: the Date that a response gets when its backend sent none (RFC 9110, section 6.6.1). It
// is written once a second, into the same bytes.

internal import Glibc
internal import WallClock

/// The line, with its end. Worker thread only.
struct DateLine {
    /// `Date: Sun, 22 Nov 2026 22:10:00 GMT` and CR LF. No array, which each response would count a
    /// reference to.
    private(set) var bytes = InlineArray<37, UInt8>(repeating: 0)
    /// Until when it holds, in the loop's nanoseconds.
    private var validUntil: UInt64 = 0

    /// The line at the start of 1970.
    init() {
        let line: StaticString = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        precondition(line.utf8CodeUnitCount == bytes.count)
        // A static string's bytes live as long as the program, and there are as many.
        for index in bytes.indices { bytes[index] = unsafe line.utf8Start[index] }
    }

    /// Sets the line to the time at `now`, the loop's clock. It may be late by the length of a
    /// batch of events.
    mutating func update(at now: UInt64) {
        guard now >= validUntil else { return }
        var time = timespec()
        unsafe _ = clock_gettime(CLOCK_REALTIME, &time)
        validUntil = now + UInt64(1_000_000_000 - time.tv_nsec)
        set(CalendarTime(secondsSince1970: max(time.tv_sec, 0)))
    }

    private mutating func set(_ time: CalendarTime) {
        put(CalendarTime.weekdayName(time.weekday), at: 6)
        put(time.day, digits: 2, at: 11)
        put(CalendarTime.monthName(time.month), at: 14)
        put(time.year, digits: 4, at: 18)
        put(time.secondOfDay / 3600, digits: 2, at: 23)
        put(time.secondOfDay / 60 % 60, digits: 2, at: 26)
        put(time.secondOfDay % 60, digits: 2, at: 29)
    }

    private mutating func put(_ number: Int, digits: Int, at place: Int) {
        var rest = number
        for index in stride(from: place + digits - 1, through: place, by: -1) {
            bytes[index] = UInt8(0x30 + rest % 10)
            rest /= 10
        }
    }

    /// Appends a name of three letters.
    private mutating func put(_ name: StaticString, at place: Int) {
        // A static string's bytes live as long as the program.
        for index in 0..<3 { bytes[place + index] = unsafe name.utf8Start[index] }
    }
}
