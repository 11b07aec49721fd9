// Goal: `fairlead top` draws what /stats says, within the window, and nothing that a terminal would
// obey. Method: documents written by hand.

import Testing

@testable import fairlead

@Suite struct TopViewTests {
    private func stats(
        requests: Int, uptime: Double, cause: String = "2 checks passed", failed: Int = 0
    ) throws -> TopStats {
        let text = """
            {"time":"2026-11-25T10:20:30.000Z","version":"0.1.0","uptimeSeconds":\(uptime),
            "level":"warning","sentence":"Requests are served.",
            "problems":[{"level":"warning","text":"web: one is down."}],
            "services":[{"name":"web","mode":"http","inRotation":1,"requests":\(requests),
            "failed":\(failed),"inFlight":2,"durationMilliseconds":{"median":0.5,"p99":12.3},
            "backends":[{"key":"web@10.0.0.1:80","address":"10.0.0.1:80","state":"up",
            "cause":"\(cause)","weight":1,"requests":\(requests),"inFlight":2,"failures":1,
            "connectionFailures":1,"serverErrors":3,"recentChecks":"++-","firstByteMilliseconds":{}}]}]}
            """
        return try #require(TopStats(Array(text.utf8)))
    }

    @Test("what is wrong comes first, and rates are those between two answers")
    func picture() throws {
        let before = try stats(requests: 100, uptime: 10)
        let lines = TopView(try stats(requests: 300, uptime: 12), after: before)
            .lines(columns: 200)
        #expect(lines[0] == "! Requests are served.  Fairlead 0.1.0, 10:20:30 UTC")
        #expect(lines[1] == "  ! web: one is down.")
        #expect(
            lines[3]
                == "web (http)  1/1 in the rotation  100/s  2 in flight  50 % 0.5ms  99 % 12ms")
        #expect(lines[5].hasPrefix("  10.0.0.1:80           up         100/s"))
        #expect(lines[5].hasSuffix(" 5       -        ++-          2 checks passed"))
    }

    @Test(
        "requests that fail now are shown, and without an earlier answer those that failed so far")
    func failures() throws {
        let before = try stats(requests: 100, uptime: 10, failed: 10)
        let now = try stats(requests: 300, uptime: 12, failed: 30)
        #expect(TopView(now, after: before).lines(columns: 200)[3].contains("  10/s failed  "))
        #expect(TopView(now).lines(columns: 200)[3].contains("  30 failed  "))
        #expect(!TopView(now, after: now).lines(columns: 200)[3].contains("failed"))
    }

    @Test("without an earlier answer, or after a restart, there is no rate")
    func noRate() throws {
        let first = try stats(requests: 100, uptime: 10)
        #expect(TopView(first).lines(columns: 200)[3].contains("  -/s  "))
        let restarted = TopView(try stats(requests: 5, uptime: 1), after: first)
        #expect(restarted.lines(columns: 200)[3].contains("  -/s  "))
    }

    @Test("a picture fits its window, and has no control characters")
    func window() throws {
        let hostile = try stats(requests: 1, uptime: 1, cause: "a\\u001b[2Jb\\nc")
        let all = TopView(hostile).lines(columns: 200)
        #expect(all.last?.hasSuffix("a?[2Jb?c") == true)
        let narrow = TopView(hostile).lines(columns: 20, rows: 3)
        #expect(narrow.count == 3)
        #expect(narrow.allSatisfy { $0.count <= 20 })
        #expect(narrow[2].hasPrefix("… and "))
    }

    @Test("a text that is no such document is refused")
    func garbage() {
        for text in ["", "{}", "[]", "<html>"] { #expect(TopStats(Array(text.utf8)) == nil) }
    }
}
