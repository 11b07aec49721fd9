// EjectionRecord: what live traffic has shown against one backend, as four instants and a count:
// how long its ejection lasts, the probation behind it, and how long it is suspect after a failed
// request that did not eject it. The state machine says when, this says how long.

/// The ejections of one backend. Value type, control thread.
struct EjectionRecord: Sendable, Equatable {
    /// How an ejection is to be.
    struct Eviction {
        /// Whether failed live requests began it, and not a failed dial.
        let byAnswers: Bool
        /// Whether time ends it, and not a check.
        let byTime: Bool
        /// 0 to 1: how much of a quarter of its time comes on top.
        let jitter: Double
    }

    /// Ejections since the backend was last up for long.
    private(set) var count = 0
    /// When time ends the ejection; nil without one, or when passing checks end it.
    private(set) var endsAt: ContinuousClock.Instant?
    /// Whether the ejection was by what live requests came to; false without one.
    private(set) var isByAnswers = false

    /// Whether it was ejected by time, and no live answer has spoken for it since.
    private var needsProof = false
    private var probationEndsAt: ContinuousClock.Instant?
    private var suspicionEndsAt: ContinuousClock.Instant?

    /// Whether it is up on trial.
    var isOnProbation: Bool { probationEndsAt != nil }

    /// Whether a live request failed on it lately, and none has succeeded since.
    var isSuspect: Bool { suspicionEndsAt != nil }

    /// When `passTime`, or the end of the ejection, will have an effect; nil for never.
    var deadline: ContinuousClock.Instant? {
        [endsAt, probationEndsAt, suspicionEndsAt].compactMap(\.self).min()
    }

    /// Begins one, after the backend was up for `upTime`.
    mutating func begin(
        _ eviction: Eviction, after upTime: Duration, now: ContinuousClock.Instant,
        rules: BackendState.Rules
    ) {
        if upTime >= rules.ejectTimeMax { count = 0 }
        // 2^10 times any time is beyond every sensible maximum; the limit keeps the shift small.
        let time = min(rules.ejectTime * (1 << min(count, 10)), rules.ejectTimeMax)
        count += 1
        isByAnswers = eviction.byAnswers
        // Jitter comes on top of the maximum too: those that fail for long would meet there.
        endsAt = eviction.byTime ? now + time + time * (eviction.jitter / 4) : nil
        if eviction.byTime { needsProof = true }
        probationEndsAt = nil
        suspicionEndsAt = nil
    }

    /// Ends it, if there is one: the backend is up, on probation if it needs a proof. What only
    /// checks spoke against, or what they may clear, is forgotten.
    mutating func end(now: ContinuousClock.Instant, rules: BackendState.Rules) {
        endsAt = nil
        isByAnswers = false
        suspicionEndsAt = nil
        if needsProof { probationEndsAt = now + rules.ejectTime }
    }

    /// Lets passing checks end it from now on.
    mutating func leaveToChecks() {
        endsAt = nil
    }

    /// Failing checks put the backend down: they end what time was to end. It still needs its
    /// proof, and stays suspect for a while of what it was ejected for or on trial for.
    mutating func deferToChecks(
        isEjected: Bool, now: ContinuousClock.Instant, rules: BackendState.Rules
    ) {
        if isEjected || isOnProbation { suspect(now: now, rules: rules) }
        endsAt = nil
        isByAnswers = false
        probationEndsAt = nil
    }

    /// A live request failed and the backend is not ejected for it, or a check found its port
    /// closed. A probation starts over.
    mutating func suspect(now: ContinuousClock.Instant, rules: BackendState.Rules) {
        suspicionEndsAt = now + rules.ejectTime
        if isOnProbation { probationEndsAt = now + rules.ejectTime }
    }

    /// A live answer was good.
    mutating func clear() {
        needsProof = false
        probationEndsAt = nil
        suspicionEndsAt = nil
    }

    /// Ends what is over by time, but for the ejection. A probation without any live answer is of a
    /// service whose requests can't be repeated: it would last forever otherwise.
    mutating func passTime(now: ContinuousClock.Instant) {
        if let end = probationEndsAt, end <= now {
            needsProof = false
            probationEndsAt = nil
        }
        if let end = suspicionEndsAt, end <= now { suspicionEndsAt = nil }
    }
}
