// One worker's evidence on a few backends, with a clock that only the test moves.

import Backends
import Evidence

/// A service on one worker. Times are milliseconds since its clock began.
struct Service {
    var evidence = LiveEvidence()
    var backends: [BackendRecord]
    var now = 1_000

    /// Backends at the places 0 and up, none on probation; silence is 750 ms, a run three failures.
    init(count: Int = 3) {
        backends = (0..<count).map { BackendRecord(BackendID(rawValue: UInt32($0))) }
        evidence.failuresMin = 3
        evidence.silence.limit = Self.nanoseconds(750)
        for place in 0..<count { enter(place) }
    }

    static func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(milliseconds) * 1_000_000 }

    private var clock: UInt64 { Self.nanoseconds(now) }

    /// A rotation has the backend at its place.
    mutating func enter(_ place: Int, isOnProbation: Bool = false) {
        backends[place].enter(at: place, isOnProbation: isOnProbation, now: clock)
    }

    /// So many requests go to a backend.
    mutating func begin(_ count: Int = 1, on place: Int) {
        for _ in 0..<count { backends[place].begin(now: clock) }
    }

    /// An answer comes to a request that was sent `wait` ago and has begun.
    mutating func answer(_ status: Int = 200, by place: Int, after wait: Int = 10)
        -> LiveEvidence.Answer
    {
        let answer = evidence.answered(
            status: status, by: &backends[place], after: Self.nanoseconds(wait), now: clock)
        backends[place].end(.request)
        return answer
    }

    /// A backend gives a good answer to a request of its own, `wait` after it was sent.
    mutating func serve(by place: Int, after wait: Int = 10) {
        begin(on: place)
        _ = answer(by: place, after: wait)
    }

    /// A request that was sent `wait` ago fails; returns what is reported.
    mutating func fail(_ status: Int = 500, at place: Int, sentBefore wait: Int = 10)
        -> LiveFailure?
    {
        let shares = backends.map(\.answers.share)
        return evidence.failed(
            status: status, of: &backends[place], sentAt: Self.nanoseconds(now - wait), now: clock,
            count: backends.count, share: { shares[$0] })
    }

    /// Looks at a backend on which a request has waited since `since`.
    mutating func look(
        at place: Int, since: Int, isWithinBody: Bool = false, resumedAt: Int = 0
    ) -> SilenceWatch.Verdict {
        evidence.silence.look(
            at: &backends[place], since: Self.nanoseconds(since), isWithinBody: isWithinBody,
            Moment(now: clock, resumedAt: Self.nanoseconds(resumedAt)))
    }

    /// Looks at a backend whose host has acknowledged nothing of a request for so long.
    mutating func cutOff(_ place: Int, for time: Int) -> SilenceWatch.Verdict {
        evidence.silence.cutOff(
            &backends[place], unacknowledged: Self.nanoseconds(time), now: clock)
    }

    /// Whether a request would rather go elsewhere.
    func isDoubtful(_ place: Int, isRepeatable: Bool) -> Bool {
        evidence.silence.isDoubtful(
            backends[place], isRepeatable: isRepeatable, Moment(now: clock))
    }
}
