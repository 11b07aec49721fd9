// Goal: what a collector says of spans is understood, and spans are neither sent for ever nor given
// up at the first trouble. Method: answers as the protocol has them, and as collectors give them.

import Testing

@testable import Control

@Suite struct TraceAnswerTests {
    private func answer(
        _ status: Int, _ body: String = "", after: Duration? = nil
    ) -> TraceAnswer {
        TraceAnswer(status: status, retryAfter: after, body: Array(body.utf8))
    }

    @Test(
        "taken, all of them unless it is said",
        arguments: [
            "", "{}", "{\"partialSuccess\":{}}", "{\"partialSuccess\":null}", "ok", "[]",
            "{\"partialSuccess\":{\"rejectedSpans\":\"0\"}}",
            "{\"partialSuccess\":{\"rejectedSpans\":\"-3\"}}",
        ])
    func taken(body: String) {
        #expect(answer(200, body) == .taken(rejected: 0, reason: ""))
    }

    @Test("some are rejected, whether the number is a text or a number")
    func partly() {
        for number in ["3", "\"3\""] {
            let body =
                "{\"partialSuccess\":{\"rejectedSpans\":\(number),\"errorMessage\":\"too old\"}}"
            #expect(answer(200, body) == .taken(rejected: 3, reason: "too old"))
        }
    }

    @Test("statuses that pass are sent again after the time that is asked for; others are final")
    func statuses() {
        for status in [429, 502, 503, 504] {
            #expect(
                answer(status, after: .seconds(7))
                    == .again(reason: "status \(status)", after: .seconds(7)))
        }
        for status in [301, 400, 401, 404, 413, 500] {
            #expect(answer(status) == .refused(reason: "status \(status)"))
        }
    }

    @Test("pauses double, are as long as the collector asks for, and no longer than half a minute")
    func pauses() {
        var pause = TracePause()
        #expect(pause.next(after: nil) == .seconds(1))
        #expect(pause.next(after: .seconds(9)) == .seconds(9))
        #expect(pause.next(after: .seconds(3600)) == .seconds(30))
        #expect(pause.next(after: nil) == .seconds(8))
        #expect(pause.next(after: nil) == nil)
    }
}
