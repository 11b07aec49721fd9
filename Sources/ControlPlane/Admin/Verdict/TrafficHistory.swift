// TrafficHistory: the requests and the errors of each service, second by second, over the last
// minutes: an operator who opens the page wants to see what happened before, too.

package import Stats

/// The last five minutes of some services. Control thread only.
package final class TrafficHistory {
    /// How many seconds are kept.
    package static let seconds = 300
    /// The most services that are recorded, the first ones: each takes 2.4 kB.
    package static let servicesMax = 256

    /// The last seconds of one service, the oldest first; fewer than `seconds` when it is younger.
    package struct Recent: Sendable, Equatable {
        /// Requests that began in each second.
        package var requests: [Int] = []
        /// Requests that ended in each second and failed.
        package var errors: [Int] = []

        /// No seconds yet.
        package init() {}
    }

    fileprivate struct Series {
        var requests: [UInt32] = []
        var errors: [UInt32] = []
        /// The place of the next second, once the ring is full.
        var next = 0
        var lastRequests: Int
        var lastErrors: Int
        var isFresh = true
    }

    private var series: [Int: Series] = [:]

    /// Nothing recorded yet.
    package init() {}

    /// Adds a second, from the totals of services by their numbers; call it once a second. Services
    /// that are not in `totals` are dropped.
    package func record(_ totals: [(number: Int, totals: ServiceTotals)]) {
        for number in series.keys { series[number]?.isFresh = false }
        for (number, totals) in totals.prefix(Self.servicesMax) {
            let errors = totals[.failed]
            guard var kept = series[number] else {
                series[number] = Series(lastRequests: totals[.requests], lastErrors: errors)
                continue
            }
            kept.isFresh = true
            kept.add(
                UInt32(clamping: totals[.requests] - kept.lastRequests),
                UInt32(clamping: errors - kept.lastErrors))
            kept.lastRequests = totals[.requests]
            kept.lastErrors = errors
            series[number] = kept
        }
        series = series.filter(\.value.isFresh)
    }

    /// The last seconds of the service of that number; nil when it is not recorded.
    package func recent(_ number: Int) -> Recent? {
        guard let kept = series[number] else { return nil }
        var recent = Recent()
        recent.requests = kept.ordered(kept.requests)
        recent.errors = kept.ordered(kept.errors)
        return recent
    }
}

extension TrafficHistory.Series {
    fileprivate mutating func add(_ request: UInt32, _ error: UInt32) {
        if requests.count < TrafficHistory.seconds {
            requests.append(request)
            errors.append(error)
        } else {
            requests[next] = request
            errors[next] = error
            next = (next + 1) % TrafficHistory.seconds
        }
    }

    fileprivate func ordered(_ ring: [UInt32]) -> [Int] {
        (ring[next...] + ring[..<next]).map(Int.init)
    }
}
