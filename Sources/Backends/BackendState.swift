// BackendState: the one state machine of a backend. Pure: events in, at most one transition out.
//
//                 checkStarted          checkPassed
//   discovered ─────────────▶ checking ─────────────▶ up ◀──────────────────────────┐
//       │ ╲   checkPassed, or    │                   │  │                           │
//       │  ╲  admittedUnchecked  │ fall × checkFailed│  │ dialFailed, not the last  │
//       │   ╲────────▶ up        ▼                   │  ▼                           │
//       │                      down ◀────────────────┘ ejected ── rise × passed ────┤
//       │                        │ ▲   fall × checkFailed │       (or, without       │
//       │                        │ └──────────────────────┘        checks, back-off) │
//       │                        └──────── rise × checkPassed ──────────────────────┘
//       │
//       │ leave: discovered, checking ──▶ gone (nothing is known that would speak for them)
//       │        up, ejected, down ─────▶ draining
//       │ draining: named ─▶ where the evidence puts it by now
//       │           idle, once a second answer confirmed the absence ─▶ gone
//       └           timePassed beyond the drain limit ─▶ gone
//
// It is three questions in one: what does the evidence say (`Standing`, moved by checks and dials,
// while draining too), is it leaving (`Drain`), and has an operator drained it? So a record that comes
// back, or a drain that an operator lifts, finds its backend as the checks see it at that time, with
// its number, counters and connections. An operator's drain ends no life: while discovery names the
// backend it stays on the roster, draining.

/// The state of one backend. Value type, control thread.
package struct BackendState: Sendable, Equatable {
    /// The state's name, as the admin port shows it.
    package enum Phase: String, Sendable, CaseIterable {
        /// Named by the source; no check has begun.
        case discovered
        /// Checks have begun; none passed, and fewer than `fall` failed.
        case checking
        /// Gets traffic, if its tier does.
        case up
        /// Out of the rotation because live traffic failed.
        case ejected
        /// Out of the rotation because checks failed.
        case down
        /// Gets no new requests because discovery no longer wants it, or an operator does not; those in
        /// flight finish.
        case draining
        /// No longer on the roster. Final.
        case gone
    }

    /// What can happen to a backend.
    package enum Event: Sendable, Equatable {
        /// The service has no checks.
        case admittedUnchecked
        /// A check has begun.
        case checkStarted
        /// A check passed.
        case checkPassed
        /// A check failed, and why.
        case checkFailed(CheckFailure)
        /// A live request could not connect; `isLast` when nothing else is left in the rotation.
        case dialFailed(DialFailure, isLast: Bool)
        /// A good answer names it.
        case named
        /// The roster decided that it has to go, and why.
        case leave(Cause)
        /// A further good answer without it.
        case absenceConfirmed
        /// No request is in flight on it.
        case idle
        /// An operator wants no new requests on it.
        case drainOrdered
        /// The operator lets it have requests again.
        case drainLifted
        /// Its service has no checks any more.
        case checksEnded
        /// A deadline may have passed.
        case timePassed
    }

    /// A change of phase, for the journal.
    package struct Transition: Sendable, Equatable {
        /// The phase before.
        package let from: Phase
        /// The phase since.
        package let to: Phase
        /// Why it changed.
        package let cause: Cause
    }

    /// The numbers that the transitions depend on.
    package struct Rules: Sendable, Equatable {
        /// Passed checks in a row that readmit a backend; at least 1.
        package let rise: Int
        /// Failed checks in a row that put it down; at least 1.
        package let fall: Int
        /// Whether anything checks it. If not, an ejection ends by time.
        package let isChecked: Bool
        /// The first ejection without checks lasts so long, each further one twice as long …
        package let backOff: Duration
        /// … up to this; a backend that was up for so long starts anew.
        package let backOffMax: Duration
        /// How long a drain may take.
        package let drainLimit: Duration

        /// Rise and fall at least 1; durations not negative.
        package init(
            rise: Int, fall: Int, isChecked: Bool = true, backOff: Duration = .seconds(5),
            backOffMax: Duration = .seconds(60), drainLimit: Duration = .seconds(60)
        ) {
            self.rise = rise
            self.fall = fall
            self.isChecked = isChecked
            self.backOff = backOff
            self.backOffMax = backOffMax
            self.drainLimit = drainLimit
        }
    }

    /// When the phase began.
    package private(set) var since: ContinuousClock.Instant
    /// Why the phase began.
    package private(set) var cause: Cause = .named
    /// Checks passed in a row; 0 after a failed one, and after an ejection.
    package private(set) var consecutivePasses = 0
    /// Checks failed in a row; 0 after a passed one.
    package private(set) var consecutiveFailures = 0
    /// Ejections since it was last up for long.
    package private(set) var ejections = 0

    private var standing = Standing.discovered
    private var drain: Drain?
    private var isDrainedByOperator = false
    private var isGone = false
    private var upSince: ContinuousClock.Instant?
    /// When an ejection without checks ends.
    private var returnsAt: ContinuousClock.Instant?

    private enum Standing {
        case discovered, checking, up, ejected, down
    }

    private struct Drain: Equatable {
        let endsAt: ContinuousClock.Instant
        var isConfirmed = false
        var isIdle = false
    }

    /// A backend just named by its source.
    package init(now: ContinuousClock.Instant) {
        since = now
    }

    /// The state by name.
    package var phase: Phase {
        if isGone { return .gone }
        if drain != nil || isDrainedByOperator { return .draining }
        switch standing {
        case .discovered: return .discovered
        case .checking: return .checking
        case .up: return .up
        case .ejected: return .ejected
        case .down: return .down
        }
    }

    /// Whether discovery no longer wants it: it is gone as soon as its drain is over. One that only an
    /// operator drains is not leaving.
    package var isLeaving: Bool { drain != nil && !isGone }

    /// When `timePassed` will have an effect; nil for never.
    package var deadline: ContinuousClock.Instant? {
        if isGone { return nil }
        return [drain?.endsAt, returnsAt].compactMap(\.self).min()
    }

    /// Whether it is new and no evidence speaks against it.
    var isUntried: Bool {
        switch phase {
        case .discovered, .checking: consecutiveFailures == 0
        case .up, .ejected, .down, .draining, .gone: false
        }
    }

    /// Takes one event. Returns the change of phase, or nil if there is none: events that mean
    /// nothing in a phase (a late report, an echo) are ignored, for they come from other threads.
    package mutating func handle(_ event: Event, now: ContinuousClock.Instant, rules: Rules)
        -> Transition?
    {
        guard !isGone else { return nil }
        let before = phase
        let reason: Cause?
        switch event {
        case .admittedUnchecked: reason = admitUnchecked(now: now)
        case .checkStarted: reason = startCheck()
        case .checkPassed: reason = passCheck(now: now, rules: rules)
        case .checkFailed(let failure): reason = failCheck(failure, rules: rules)
        case .dialFailed(let failure, let isLast):
            reason = failDial(failure, isLast: isLast, now: now, rules: rules)
        case .named: reason = cancelDrain()
        case .leave(let cause): reason = startDrain(cause, now: now, rules: rules)
        case .absenceConfirmed:
            drain?.isConfirmed = true
            reason = endIdleDrain()
        case .idle:
            drain?.isIdle = true
            reason = endIdleDrain()
        case .drainOrdered:
            isDrainedByOperator = true
            reason = .drainedByOperator
        case .drainLifted:
            isDrainedByOperator = false
            reason = .drainLifted
        case .checksEnded: reason = endChecks(now: now)
        case .timePassed: reason = passTime(now: now)
        }
        let after = phase
        guard after != before, let reason else { return nil }
        since = now
        cause = reason
        return Transition(from: before, to: after, cause: reason)
    }

    // MARK: Evidence

    private mutating func admitUnchecked(now: ContinuousClock.Instant) -> Cause? {
        switch standing {
        case .discovered, .checking:
            rise(now: now)
            return .unchecked
        case .up, .ejected, .down:
            return nil
        }
    }

    /// Nothing would ever bring back what checks put down.
    private mutating func endChecks(now: ContinuousClock.Instant) -> Cause? {
        consecutivePasses = 0
        consecutiveFailures = 0
        switch standing {
        case .discovered, .checking, .down:
            rise(now: now)
        case .ejected:
            // One that was ejected before there were checks comes back when it was to.
            guard returnsAt == nil else { return nil }
            rise(now: now)
        case .up:
            return nil
        }
        return .unchecked
    }

    private mutating func startCheck() -> Cause? {
        switch standing {
        case .discovered:
            standing = .checking
            return .checkBegun
        case .checking, .up, .ejected, .down:
            return nil
        }
    }

    private mutating func passCheck(now: ContinuousClock.Instant, rules: Rules) -> Cause? {
        consecutiveFailures = 0
        consecutivePasses += 1
        switch standing {
        case .discovered, .checking:
            // `rise` is for those who lost trust; a new backend has lost none.
            rise(now: now)
        case .ejected, .down:
            guard consecutivePasses >= rules.rise else { return nil }
            rise(now: now)
        case .up:
            return nil
        }
        return .checksPassed(consecutivePasses)
    }

    private mutating func failCheck(_ failure: CheckFailure, rules: Rules) -> Cause? {
        consecutivePasses = 0
        consecutiveFailures += 1
        let isOver = consecutiveFailures >= rules.fall
        switch standing {
        case .discovered:
            standing = isOver ? .down : .checking
        case .checking, .up, .ejected:
            guard isOver else { return nil }
            standing = .down
            returnsAt = nil
        case .down:
            return nil
        }
        return .checksFailed(consecutiveFailures, last: failure)
    }

    private mutating func failDial(
        _ failure: DialFailure, isLast: Bool, now: ContinuousClock.Instant, rules: Rules
    ) -> Cause? {
        switch standing {
        case .discovered, .checking:
            // It had the request because no backend was up; it gets no other before a check passes.
            consecutiveFailures += 1
            return nil
        case .ejected, .down:
            // More workers notice, or a request was late: no second ejection, but no trust either.
            consecutivePasses = 0
            return nil
        case .up:
            // A draining backend is not in the rotation, so it can't be the last there.
            if isLast, phase == .up { return nil }
            eject(now: now, rules: rules)
            return .dialFailed(failure)
        }
    }

    private mutating func rise(now: ContinuousClock.Instant) {
        standing = .up
        upSince = now
        returnsAt = nil
    }

    private mutating func eject(now: ContinuousClock.Instant, rules: Rules) {
        if let upSince, upSince.duration(to: now) >= rules.backOffMax { ejections = 0 }
        // 2^10 times any back-off is beyond every sensible maximum; the limit keeps the shift small.
        let backOff = min(rules.backOff * (1 << min(ejections, 10)), rules.backOffMax)
        ejections += 1
        standing = .ejected
        consecutivePasses = 0
        returnsAt = rules.isChecked ? nil : now + backOff
    }

    // MARK: Leaving

    private mutating func startDrain(
        _ cause: Cause, now: ContinuousClock.Instant, rules: Rules
    ) -> Cause? {
        guard drain == nil else { return nil }
        switch standing {
        case .discovered, .checking: isGone = true
        case .up, .ejected, .down: drain = Drain(endsAt: now + rules.drainLimit)
        }
        // No change of phase when an operator drains it already, but a better reason.
        if isDrainedByOperator { self.cause = cause }
        return cause
    }

    private mutating func cancelDrain() -> Cause? {
        guard drain != nil else { return nil }
        drain = nil
        if isDrainedByOperator { cause = .drainedByOperator }
        return .namedAgain
    }

    private mutating func endIdleDrain() -> Cause? {
        guard let drain, drain.isConfirmed, drain.isIdle else { return nil }
        isGone = true
        return .idle
    }

    private mutating func passTime(now: ContinuousClock.Instant) -> Cause? {
        if let drain, drain.endsAt <= now {
            isGone = true
            return .drainLimit
        }
        if let returnsAt, returnsAt <= now {
            rise(now: now)
            return .backOffEnded
        }
        return nil
    }
}
