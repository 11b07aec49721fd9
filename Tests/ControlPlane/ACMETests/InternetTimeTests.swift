// Goal: times that others write are read as they mean them, or not at all.

import Testing
import WallClock

@Suite struct InternetTimeTests {
    @Test func `times of RFC 3339 are read with their zone`() {
        #expect(InternetTime.seconds(of: "1970-01-01T00:00:00Z") == 0)
        #expect(InternetTime.seconds(of: "2000-02-29T12:00:00.123Z") == 951_825_600)
        #expect(InternetTime.seconds(of: "2026-11-28T21:15:00+01:00") == 1_795_896_900)
        #expect(InternetTime.seconds(of: "2026-11-28t15:15:00-05:00") == 1_795_896_900)
        for text in [
            "", "2026-11-28", "2026-13-28T20:15:00Z", "2026-11-28T25:15:00Z",
            "2026-11-28T20:15:00", "2026-11-28T20:15:00.Z", "2026-11-28T20:15:00+99:00",
            "1969-12-31T23:59:59Z", "2026-11-28T20:15:0xZ",
        ] {
            #expect(InternetTime.seconds(of: text) == nil, "\(text)")
        }
    }

    @Test func `dates of HTTP are read`() {
        #expect(InternetTime.seconds(ofHTTPDate: "Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(InternetTime.seconds(ofHTTPDate: "Sat, 28 Nov 2026 20:15:00 GMT") == 1_795_896_900)
        for text in ["", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT", "3600"] {
            #expect(InternetTime.seconds(ofHTTPDate: text) == nil, "\(text)")
        }
    }
}
