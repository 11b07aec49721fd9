// ShareCount: how many processes are believed to share limits, out of what a registry lists.
//
// | what the registry says                    | what is believed                              |
// |-------------------------------------------|-----------------------------------------------|
// | more than before                          | that, at once                                 |
// | less                                      | the most of what it says within `fallHold`,   |
// |                                           | once that is over                             |
// | nobody, while there were others           | what was believed before: an empty list is    |
// |                                           | that of a registry which has lost its data,   |
// |                                           | or of a check that fails everywhere           |
// | nothing that can be read                  | what was believed before                      |
//
// The two directions differ since the errors do: to divide by too many for a moment refuses a few
// requests, and to divide by too few lets through several times as many as may come. A process that
// is not in the list, since its check fails or it has just begun, counts itself.

/// How many processes share limits. Value type; takes `now`, and keeps no clock.
package struct ShareCount: Sendable, Equatable {
    /// How long a registry has to list fewer before that counts: longer than the checks of a
    /// process that restarts, or of an agent that does, take to pass again.
    package static let fallHold = Duration.seconds(10)

    /// What is believed; at least 1.
    package private(set) var count = 1
    private var fall: Fall?

    /// A time in which fewer were listed.
    private struct Fall: Equatable {
        /// When it counts.
        let endsAt: ContinuousClock.Instant
        /// The most that were listed meanwhile.
        var most: Int
        /// What was listed last.
        var last: Int
    }

    /// One process, which knows of no other.
    package init() {}

    /// When to `look` again; nil for when the registry says something.
    package var nextLook: ContinuousClock.Instant? { fall?.endsAt }

    /// The registry lists so many processes in good health, this one among them or not. Returns
    /// whether the list can be believed.
    package mutating func listed(
        _ instances: Int, hasOwn: Bool, now: ContinuousClock.Instant
    ) -> Bool {
        look(now: now)
        guard instances > 0 || count == 1 else {
            fall = nil
            return false
        }
        let listed = max(1, instances + (hasOwn ? 0 : 1))
        guard listed < count else {
            count = listed
            fall = nil
            return true
        }
        var fall = fall ?? Fall(endsAt: now + Self.fallHold, most: listed, last: listed)
        fall.most = max(fall.most, listed)
        fall.last = listed
        self.fall = fall
        return true
    }

    /// The registry can't be asked, or what it says can't be read.
    package mutating func unknown(now: ContinuousClock.Instant) {
        look(now: now)
        fall = nil
    }

    /// Believes that there are fewer, if it is time for that.
    package mutating func look(now: ContinuousClock.Instant) {
        while let ended = fall, now >= ended.endsAt {
            count = ended.most
            fall =
                ended.last < ended.most
                ? Fall(endsAt: ended.endsAt + Self.fallHold, most: ended.last, last: ended.last)
                : nil
        }
    }
}
