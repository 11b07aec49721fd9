// CalendarTime: seconds since 1970 as a date of the calendar. libc's `tm` holds a pointer; thirty
// lines of arithmetic need no `unsafe`, and allocate nothing.

/// A time of the proleptic Gregorian calendar in UTC. Any thread.
package struct CalendarTime: Sendable {
    /// 1970 and later.
    package let year: Int
    /// 1 to 12.
    package let month: Int
    /// 1 to 31.
    package let day: Int
    /// 0 is Sunday.
    package let weekday: Int
    /// 0 to 86,399.
    package let secondOfDay: Int

    /// - Precondition: `seconds` is not negative.
    package init(secondsSince1970 seconds: Int) {
        precondition(seconds >= 0)
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

    /// `Sun` for 0, and so on to 6.
    package static func weekdayName(_ weekday: Int) -> StaticString {
        switch weekday {
        case 0: "Sun"
        case 1: "Mon"
        case 2: "Tue"
        case 3: "Wed"
        case 4: "Thu"
        case 5: "Fri"
        default: "Sat"
        }
    }

    /// `Jan` for 1, and so on to 12.
    package static func monthName(_ month: Int) -> StaticString {
        switch month {
        case 1: "Jan"
        case 2: "Feb"
        case 3: "Mar"
        case 4: "Apr"
        case 5: "May"
        case 6: "Jun"
        case 7: "Jul"
        case 8: "Aug"
        case 9: "Sep"
        case 10: "Oct"
        case 11: "Nov"
        default: "Dec"
        }
    }
}
