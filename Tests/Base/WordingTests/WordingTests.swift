// Goal: times and numbers read as people say them. Method: each unit, and both sides of each
// border.

import Testing
import Wording

@Suite struct WordingTests {
    @Test(arguments: [
        (Duration.zero, "0 s"), (.seconds(-5), "0 s"), (.microseconds(400), "0.4 ms"),
        (.milliseconds(750), "750 ms"), (.milliseconds(1500), "1.5 s"), (.seconds(2), "2 s"),
        (.milliseconds(12_300), "12 s"), (.seconds(90), "90 s"), (.seconds(119), "119 s"),
        (.seconds(120), "2 min"), (.seconds(150), "2 min 30 s"), (.seconds(900), "15 min"),
        (.seconds(3600), "1 h"), (.seconds(5400), "90 min"), (.seconds(7200), "2 h"),
        (.seconds(18_600), "5 h 10 min"), (.seconds(86_400), "24 h"),
        (.seconds(86_430), "24 h"), (.seconds(259_200), "3 d"), (.seconds(183_600), "2 d 3 h"),
    ])
    func `a duration has at most two units`(duration: Duration, text: String) {
        #expect(duration.spoken == text)
    }

    @Test func `one is singular, and everything else is not`() {
        #expect(counted(1, "backend") == "1 backend")
        #expect(counted(0, "backend") == "0 backends")
        #expect(counted(2, "query", plural: "queries") == "2 queries")
    }
}
