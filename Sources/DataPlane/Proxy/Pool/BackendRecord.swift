// BackendRecord: what a worker has seen of a backend's answers, and when that is enough to speak
// against it. Pure arithmetic; what is done about it is the control thread's business.
//
// A failed answer means little by itself: a request may be bad, or a database behind all backends.
// So a run of failures counts as evidence when chance would not make it, given how often the other
// backends fail: with p the share of their answers that failed, n in a row have the probability
// p^n, and as many are asked for as make that less than one in a million; three when the others
// (nearly) never fail, nine at 20 %, and no number at all when everyone fails.

internal import Glibc

/// A backend's answers as one worker saw them. Value type.
package struct BackendRecord {
    /// Answers in a row that failed.
    package private(set) var failures = 0
    // The share of the last answers that failed, in 65536ths: each answer counts an eighth, to
    // notice soon that everything fails, and a 32nd, to remember.
    private var recentShare = 0
    private var longShare = 0
    /// When a byte came from it last, in the loop's nanoseconds.
    var heardAt: UInt64 = 0
    /// Since when requests have waited for a byte of it, in the loop's nanoseconds; of no meaning
    /// while none does.
    var busySince: UInt64 = 0
    /// When a dial last failed, in the loop's nanoseconds; 0 for never.
    var dialFailedAt: UInt64 = 0
    // Requests that were answered by another backend, asked later, while nothing came from this
    // one.
    private var outrunCount = 0
    private var outrunSince: UInt64 = 0
    /// It was found silent, and nothing has been heard from it since.
    var isSilent = false
    /// It was ejected, and has to show that it answers.
    package var isOnProbation = false
    /// Since when, in the loop's nanoseconds.
    var probationSince: UInt64 = 0
    /// When it was last reported, so that a dead backend is not reported a thousand times before
    /// the control thread can say so.
    var reportedAt: UInt64 = 0

    /// A share of all.
    package static let one = 65_536
    private static let recentShift = 3
    private static let longShift = 5
    /// A share below this says no more than "never": 1 %.
    private static let shareMin = 0.01

    /// Nothing seen.
    package init() {}

    /// The share of the last answers that failed, in 65536ths.
    package var failureShare: Int { max(recentShare, longShare) }

    /// A good answer. Cheap, since it is what happens with every request.
    package mutating func noteGood() {
        failures = 0
        recentShare -= recentShare >> Self.recentShift
        longShare -= longShare >> Self.longShift
    }

    /// A failed one.
    package mutating func noteFailed() {
        failures += 1
        recentShare += (Self.one - recentShare) >> Self.recentShift
        longShare += (Self.one - longShare) >> Self.longShift
    }

    /// Requests that would still wait on it if they had not been answered by another backend: how
    /// many, and since when; nil if something was heard from it since they were sent.
    var outrun: (count: Int, since: UInt64)? {
        outrunSince > heardAt ? (outrunCount, outrunSince) : nil
    }

    /// A request that was sent to it at `sentAt` was answered by another, asked later.
    mutating func noteOutrun(sentAt: UInt64) {
        if outrun == nil {
            outrunCount = 0
            outrunSince = max(sentAt, heardAt + 1)
        }
        outrunCount += 1
    }

    /// Whether the failures in a row speak against the backend, when others fail with this share,
    /// in 65536ths; `runMin` are asked for at least. One on probation has no credit.
    package func isOutlier(othersFailureShare share: Int, runMin: Int) -> Bool {
        if isOnProbation, failures > 0, share < Self.one / 2 { return true }
        guard failures >= runMin else { return false }
        return failures >= Self.run(atShare: share, runMin: runMin)
    }

    /// Failures in a row that chance would not make, at this share of failures, in 65536ths.
    package static func run(atShare share: Int, runMin: Int) -> Int {
        let share = max(Double(share) / Double(one), shareMin)
        guard share < 0.98 else { return .max }
        // shareMin^runMin is what is held to be impossible.
        return Int((Double(runMin) * log(shareMin) / log(share)).rounded(.up))
    }
}
