// FailureRun: how many answers of a backend failed in a row, and when that is more than chance.
//
// A failed answer means little by itself: a request may be bad, or a database behind all backends.
// So a run of failures counts as evidence when chance would not make it, given how often the other
// backends fail: with p the share of their answers that failed, n in a row have the probability
// p^n, and as many are asked for as make that less than one in a million; three when the others
// (nearly) never fail, nine at 20 %, and no number at all when everyone fails.

internal import Glibc

/// One backend's answers as one worker saw them. Value type.
package struct FailureRun {
    /// Answers in a row that failed.
    package private(set) var count = 0
    // The share of the last answers that failed, in 65536ths: each answer counts an eighth, to
    // notice soon that everything fails, and a 32nd, to remember.
    private var recentShare = 0
    private var longShare = 0

    /// A share of all.
    package static let one = 65_536
    private static let recentShift = 3
    private static let longShift = 5
    /// A share below this says no more than "never": 1 %.
    private static let shareMin = 0.01
    /// From this share on nobody can be told from the others.
    private static let shareMax = 0.98
    /// So many other backends are enough to know how often others fail.
    private static let othersMax = 16

    /// No answers yet.
    package init() {}

    /// The share of the last answers that failed, in 65536ths.
    package var share: Int { max(recentShare, longShare) }

    /// A good answer. Cheap, since it is what happens with every request.
    package mutating func addGood() {
        count = 0
        recentShare -= recentShare >> Self.recentShift
        longShare -= longShare >> Self.longShift
    }

    /// A failed one.
    package mutating func addFailed() {
        count += 1
        recentShare += (Self.one - recentShare) >> Self.recentShift
        longShare += (Self.one - longShare) >> Self.longShift
    }

    /// Whether the failures in a row speak against the backend, when others fail with this share,
    /// in 65536ths; `runMin` are asked for at least. One on probation has no credit: a single
    /// failure is enough, unless half of the others' answers fail as well.
    package func isEvidence(othersShare share: Int, runMin: Int, isOnProbation: Bool) -> Bool {
        if isOnProbation, count > 0, share < Self.one / 2 { return true }
        guard count >= runMin else { return false }
        return count >= Self.length(atShare: share, runMin: runMin)
    }

    /// Failures in a row that chance would not make, at this share of failures, in 65536ths.
    package static func length(atShare share: Int, runMin: Int) -> Int {
        let share = max(Double(share) / Double(one), shareMin)
        guard share < shareMax else { return .max }
        // shareMin^runMin is what is held to be impossible.
        return Int((Double(runMin) * log(shareMin) / log(share)).rounded(.up))
    }

    /// The share of failed answers of backends other than the one at `place` of a rotation of
    /// `count`, in 65536ths: of up to 16 of those next to it. `share` gives that of the backend at
    /// a place. All of them for a backend that is alone, since nobody is better.
    package static func othersShare(
        besides place: Int?, of count: Int, share: (_ place: Int) -> Int
    ) -> Int {
        let place = place ?? 0
        let others = min(count - 1, othersMax)
        guard others > 0 else { return one }
        var sum = 0
        for step in 1...others { sum += share((place + step) % count) }
        return sum / others
    }
}
