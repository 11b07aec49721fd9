// Bar: what Fairlead has to reach in a scenario, what bench/README.md shows. Peers are not held
// to it; their figures stand beside.

internal import BenchSupport

/// Upper limits; nil is none. Two hold everywhere and have no field: no POST is executed twice, and
/// no POST ends in a bare close.
struct Bar: Codable, Sendable {
    /// Failed requests, GET and POST together.
    var failedMax: Int?
    /// Failed GETs: for what hits POSTs in flight, which nobody may repeat.
    var failedGetsMax: Int?
    /// The one status that a failed POST may have: its fate is told, and at once.
    var failedPostStatus: Int?
    /// Requests slower than a second at 250 requests a second; more at a higher rate.
    var slowMaxAt250: Int?
    /// Seconds until traffic moved.
    var movedMaxSeconds: Double?
    /// The watched instance's share of the requests of any second.
    var shareMax: Double?
    /// The largest share of any instance while shares are to be equal, as a multiple of an equal
    /// one.
    var unevenMax: Double?
    /// The largest part of an instance's streams that may end within a tenth of a second, from 0 to
    /// 1. With it, no request for a stream may fail.
    var streamsTogetherMax: Double?
    /// Whether every request has to end with a response: a failure at once, but no hanging.
    var answersOnly = false

    /// The bar as in the report's table.
    var text: String {
        var parts: [String] = []
        if let failedMax { parts.append(failedMax == 0 ? "0" : "≤ \(failedMax)") }
        if let failedGetsMax {
            parts.append("GET \(failedGetsMax == 0 ? "0" : "≤ \(failedGetsMax)")")
        }
        if let failedPostStatus { parts.append("failed POST: \(failedPostStatus)") }
        if answersOnly { parts.append("answers only") }
        if let slowMaxAt250 { parts.append("slow ≤ \(slowMaxAt250) at 250/s") }
        if let shareMax { parts.append("share ≤ \(decimals(shareMax * 100, 0)) %") }
        if let unevenMax { parts.append("uneven ≤ \(decimals(unevenMax, 1))") }
        if let streamsTogetherMax {
            parts.append("streams at once ≤ \(decimals(streamsTogetherMax * 100, 0)) %")
        }
        if let movedMaxSeconds { parts.append("moved ≤ \(decimals(movedMaxSeconds, 1)) s") }
        return parts.joined(separator: "; ")
    }

    /// What of it `tally` misses, in words; empty when it is reached.
    /// - Parameter rate: requests a second.
    func misses(_ tally: Tally, rate: Int) -> [String] {
        var misses: [String] = []
        func check(_ value: Int, _ limit: Int?, _ what: String) {
            if let limit, value > limit { misses.append("\(value) \(what), at most \(limit)") }
        }
        check(tally.failedCount, failedMax, "failed")
        check(tally.failedGetCount, failedGetsMax, "GETs failed")
        check(tally.slow, slowMaxAt250.map { $0 * rate / 250 }, "slow")
        check(tally.postsTwice, 0, "POSTs executed twice")
        let bare = Exchange.Outcome.closed.description
        check(tally.failedPosts[bare] ?? 0, 0, "POSTs closed without an answer")
        if let failedPostStatus {
            let others = tally.failedPosts.filter { $0.key != "\(failedPostStatus)" }
            check(
                others.values.reduce(0, +), 0, "POSTs failed otherwise than by \(failedPostStatus)")
        }
        if answersOnly {
            let silent = (tally.failedGets.merging(tally.failedPosts, uniquingKeysWith: +))
                .filter { Int($0.key) == nil }
            check(silent.values.reduce(0, +), 0, "without an answer")
        }
        if let movedMaxSeconds {
            let moved = tally.movedSeconds.map { decimals($0, 2) + " s" } ?? "never"
            if tally.movedSeconds ?? .infinity > movedMaxSeconds {
                misses.append("moved: \(moved), at most \(decimals(movedMaxSeconds, 1)) s")
            }
        }
        if let shareMax, let share = tally.shareMax, share > shareMax {
            misses.append(
                "share \(decimals(share * 100, 0)) %, at most \(decimals(shareMax * 100, 0)) %")
        }
        if let unevenMax, let uneven = tally.unevenMax, uneven > unevenMax {
            misses.append(
                "\(decimals(uneven, 2)) times an equal share, at most \(decimals(unevenMax, 1))")
        }
        if let streamsTogetherMax {
            check(tally.streamsRefused, 0, "requests for a stream failed")
            let together = tally.streamsTogether ?? 0
            if together > streamsTogetherMax {
                misses.append(
                    "\(decimals(together * 100, 0)) % of an instance's streams ended at once, at "
                        + "most "
                        + "\(decimals(streamsTogetherMax * 100, 0)) %")
            }
        }
        return misses
    }
}
