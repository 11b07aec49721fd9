// BackendState: the one state machine of a backend. Pure: events in, at most one transition out.
//
//                 checkStarted          checkPassed
//   discovered ─────────────▶ checking ─────────────▶ up ◀──────────────────────────┐
//       │ ╲   checkPassed, or    │                   │  │                           │
//       │  ╲  admitted           │ fall × checkFailed│  │ dialFailed, liveFailed,   │
//       │   ╲────────▶ up        ▼                   │  ▼ unless spared             │
//       │                      down ◀────────────────┘ ejected ── timePassed ───────┤
//       │                        │ ▲   fall × checkFailed │    or rise × checkPassed │
//       │                        │ └──────────────────────┘    (see below)           │
//       │                        └──────── rise × checkPassed ──────────────────────┘
//       │
//       │ leave: discovered, checking ──▶ gone (nothing is known that would speak for them)
//       │        up, ejected, down ─────▶ draining
//       │ draining: named, recalled ─▶ where the evidence puts it by now
//       │           idle and a second answer confirmed the absence: over. Then timePassed, the loss
//       │                 being too old to be recalled, or named, as another life begins ─▶ gone
//       │           timePassed beyond the drain limit ─▶ gone
//       └ succeeded, from any ─▶ gone
//
// It is three questions in one: what does the evidence say (`Standing`, moved by checks, dials and
// live answers, while draining too), is it leaving (`Drain`), and has an operator drained it? So a
// record that comes back, or a drain that an operator lifts, finds its backend as the checks see it
// at that time, with its number, counters and connections. An operator's drain does not remove a
// backend: while discovery names it, it stays on the roster, draining.
//
// What ends an ejection depends on what began it (`EjectionRecord`):
//
// | began by                          | ends by                   | up again                        |
// |-----------------------------------|---------------------------|---------------------------------|
// | dialFailed, with checks           | rise × checkPassed        | as before: a check asks the same|
// | dialFailed without checks, or on  | its time, twice as long   | on probation, until a live      |
// |  probation; liveFailed            |  with each repetition     |  answer proves it or time passes|
//
// A passing check does not end the latter: live evidence outranks it, since a backend that fails
// its requests often has a /health that says 200. A backend whose time ends while its checks fail
// waits for them. Failing checks put an ejected backend down; it is on probation when they readmit
// it. One passed check is enough while a service refuses all requests, and for a backend that has
// refused every connection until now: it has only begun to listen.

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
        /// Gets no new requests because discovery no longer wants it, or an operator does not;
        /// those in flight finish.
        case draining
        /// No longer on the roster. Final.
        case gone
    }

    /// What can happen to a backend.
    package enum Event: Sendable, Equatable {
        /// The service has no checks.
        case admittedUnchecked
        /// The source says that a check of its own passed. Evidence for as long as there is none of
        /// our own.
        case admittedAsPassing
        /// A check has begun.
        case checkStarted
        /// A check passed.
        case checkPassed
        /// A check passed while the service refuses all requests, so that the backend is needed.
        case checkPassedInNeed
        /// A check failed, and why.
        case checkFailed(CheckFailure)
        /// A live request could not connect; `isSpared` when it stays anyway, since the roster
        /// can't do without it.
        case dialFailed(DialFailure, isSpared: Bool)
        /// Live requests failed after they had connected; `isSpared` as above.
        case liveFailed(LiveFailure, isSpared: Bool)
        /// A live request had a good answer.
        case liveProven
        /// A good answer names it.
        case named
        /// A good answer names another process at its endpoint.
        case succeeded
        /// The roster decided that it has to go, and why.
        case leave(Cause)
        /// The drain that has begun may take so long from now on, in place of the usual limit.
        case drainLimited(Duration)
        /// The backend was lost with most others within seconds, which is more likely a mistake.
        case recalled
        /// A further good answer without it.
        case absenceConfirmed
        /// No request is in flight on it.
        case idle
        /// An operator wants no new requests on it.
        case drainOrdered(OperatorOrigin)
        /// The operator lets it have requests again.
        case drainLifted(OperatorOrigin)
        /// An operator wants it ejected; ignored unless it is up.
        case ejectOrdered(OperatorOrigin)
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

    /// When the phase began.
    package private(set) var since: ContinuousClock.Instant
    /// Why the phase began.
    package private(set) var cause: Cause = .named
    /// Checks passed in a row; 0 after a failed one, and after an ejection.
    package private(set) var consecutivePasses = 0
    /// Checks failed in a row; 0 after a passed one.
    package private(set) var consecutiveFailures = 0
    /// When it last came up, also before a drain; nil for never.
    package private(set) var upSince: ContinuousClock.Instant?

    private var ejection = EjectionRecord()
    private var standing = Standing.discovered
    private var drain: Drain?
    /// Why an operator drains it; nil while none does.
    private var operatorDrain: Cause?
    private var isGone = false
    /// Whether it was ever up, or failed a check by more than a refused connection. Until then it
    /// has not begun to listen, as a container that has just been started.
    private var wasReached = false

    private enum Standing {
        case discovered, checking, up, ejected, down
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

    /// Whether it drains and has come to the time before the drain's limit in which streams end.
    var endsStreams: Bool { drain.map { $0.endsStreamsAt == nil && !$0.isOver } ?? false }

    /// How long its drain may take from now on; zero when it does not drain.
    func drainLeft(now: ContinuousClock.Instant) -> Duration {
        drain.map { max(.zero, now.duration(to: $0.endsAt)) } ?? .zero
    }

    /// Whether discovery no longer wants it: it is gone as soon as its drain is over. One that only
    /// an operator drains is not leaving.
    package var isLeaving: Bool { drain != nil && !isGone }

    /// When `timePassed` will have an effect; nil for never.
    package var deadline: ContinuousClock.Instant? {
        if isGone { return nil }
        return [drain?.deadline, ejection.deadline].compactMap(\.self).min()
    }

    /// Ejections since it was last up for long.
    package var ejections: Int { ejection.count }

    /// When its ejection ends by time; nil when it is not ejected, or passing checks end that.
    package var ejectionEnd: ContinuousClock.Instant? { phase == .ejected ? ejection.endsAt : nil }

    /// Whether it is up on trial: ejected before, and not proven by a live answer since.
    package var isOnProbation: Bool { phase == .up && ejection.isOnProbation }

    /// Whether its present ejection is one of those whose share is limited: by what its live
    /// requests came to, not by a dial.
    package var isEjectedByAnswers: Bool { phase == .ejected && ejection.isByAnswers }

    private var isDrainedByOperator: Bool { operatorDrain != nil }

    /// Whether it is new and no evidence speaks against it.
    var isUntried: Bool {
        switch phase {
        case .discovered, .checking: consecutiveFailures == 0
        case .up, .ejected, .down, .draining, .gone: false
        }
    }

    /// Whether nothing but failing checks, or none yet, keep it out: no live request failed on it
    /// lately.
    var isOutByChecksAlone: Bool {
        switch phase {
        case .discovered, .checking, .down: !ejection.isSuspect
        case .up, .ejected, .draining, .gone: false
        }
    }

    /// Whether it drains because discovery lost it, and nothing else speaks against it.
    var isUpBehindDrain: Bool {
        isLeaving && !isDrainedByOperator && standing == .up
    }

    /// Whether it drains because discovery lost it, and no live request failed on it lately.
    var isWorthRecall: Bool {
        isUpBehindDrain
            || (isLeaving && !isDrainedByOperator && standing == .down && !ejection.isSuspect)
    }

    /// Handles one event. Returns the change of phase, or nil if there is none: events that mean
    /// nothing in a phase (a late report, an echo) are ignored, since they come from other threads.
    /// `jitter`, a random number from 0 to 1, prolongs an ejection that begins by that share of a
    /// quarter, so that those that began together do not end together.
    package mutating func handle(
        _ event: Event, now: ContinuousClock.Instant, rules: Rules, jitter: Double = 0
    ) -> Transition? {
        guard !isGone else { return nil }
        let before = phase
        let reason = react(to: event, now: now, rules: rules, jitter: jitter)
        let after = phase
        guard after != before, let reason else { return nil }
        since = now
        cause = reason
        return Transition(from: before, to: after, cause: reason)
    }

    /// Changes what the phase follows from. Returns the cause, for the case that the phase changes.
    private mutating func react(
        to event: Event, now: ContinuousClock.Instant, rules: Rules, jitter: Double
    ) -> Cause? {
        switch event {
        case .admittedUnchecked: return admit(.unchecked, now: now, rules: rules)
        case .admittedAsPassing: return admit(.passedElsewhere, now: now, rules: rules)
        case .checkStarted: return startCheck()
        case .checkPassed: return passCheck(isNeeded: false, now: now, rules: rules)
        case .checkPassedInNeed: return passCheck(isNeeded: true, now: now, rules: rules)
        case .checkFailed(let failure): return failCheck(failure, now: now, rules: rules)
        case .dialFailed(let failure, let isSpared):
            // A check tests what a dial tests, so checks may end what a failed dial begins; on
            // probation they have passed before, and were wrong.
            let byTime = !rules.isChecked || ejection.isOnProbation
            let eviction = EjectionRecord.Eviction(byAnswers: false, byTime: byTime, jitter: jitter)
            return failLive(
                .dialFailed(failure), isSpared ? nil : eviction, now: now, rules: rules)
        case .liveFailed(let failure, let isSpared):
            let eviction = EjectionRecord.Eviction(byAnswers: true, byTime: true, jitter: jitter)
            return failLive(
                .liveFailed(failure), isSpared ? nil : eviction, now: now, rules: rules)
        case .liveProven:
            if standing != .ejected { ejection.clear() }
            return nil
        case .named: return beNamed()
        case .succeeded:
            isGone = true
            return .succeeded
        case .recalled: return cancelDrain(.recalled)
        case .leave(let cause): return startDrain(cause, now: now, rules: rules)
        case .drainLimited(let limit):
            drain?.end(within: limit, now: now)
            return nil
        case .absenceConfirmed:
            drain?.isConfirmed = true
            return endFinishedDrain(now: now)
        case .idle:
            drain?.isIdle = true
            return endFinishedDrain(now: now)
        case .drainOrdered(let origin):
            operatorDrain = Cause(drainBy: origin)
            return operatorDrain
        case .drainLifted(let origin):
            operatorDrain = nil
            return Cause(drainLiftedBy: origin)
        case .ejectOrdered(let origin):
            guard phase == .up else { return nil }
            let eviction = EjectionRecord.Eviction(byAnswers: false, byTime: true, jitter: jitter)
            return failLive(.ejectedBy(origin), eviction, now: now, rules: rules)
        case .checksEnded: return endChecks(now: now, rules: rules)
        case .timePassed: return passTime(now: now, rules: rules)
        }
    }

    // MARK: Evidence

    private mutating func admit(
        _ cause: Cause, now: ContinuousClock.Instant, rules: Rules
    ) -> Cause? {
        switch standing {
        case .discovered, .checking:
            rise(now: now, rules: rules)
            return cause
        case .up, .ejected, .down:
            return nil
        }
    }

    /// Nothing would ever bring back what checks put down.
    private mutating func endChecks(now: ContinuousClock.Instant, rules: Rules) -> Cause? {
        consecutivePasses = 0
        consecutiveFailures = 0
        switch standing {
        case .discovered, .checking, .down:
            rise(now: now, rules: rules)
        case .ejected:
            // A backend that time readmits comes back at its time.
            guard ejection.endsAt == nil else { return nil }
            rise(now: now, rules: rules)
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

    private mutating func passCheck(
        isNeeded: Bool, now: ContinuousClock.Instant, rules: Rules
    ) -> Cause? {
        consecutiveFailures = 0
        consecutivePasses += 1
        // `rise` is for backends that lost trust; one that begins to listen has lost none.
        let isTrusted = isNeeded || !wasReached || consecutivePasses >= rules.rise
        switch standing {
        case .discovered, .checking:
            rise(now: now, rules: rules)
        case .ejected:
            guard isNeeded || (isTrusted && ejection.endsAt == nil) else { return nil }
            rise(now: now, rules: rules)
        case .down:
            guard isTrusted else { return nil }
            rise(now: now, rules: rules)
        case .up:
            return nil
        }
        return .checksPassed(consecutivePasses)
    }

    private mutating func failCheck(
        _ failure: CheckFailure, now: ContinuousClock.Instant, rules: Rules
    ) -> Cause? {
        consecutivePasses = 0
        consecutiveFailures += 1
        if failure != .refused { wasReached = true }
        let before = standing
        let isOver = consecutiveFailures >= rules.fall
        // A port that is closed to checks is closed to requests: that counts like a failed request,
        // and makes the backend suspect when it comes up again.
        let isTrusted = before == .up || before == .ejected
        if failure == .refused, rules.checksWhatIsServed, isOver || !isTrusted {
            ejection.suspect(now: now, rules: rules)
        }
        switch standing {
        case .discovered:
            standing = isOver ? .down : .checking
        case .checking, .up, .ejected:
            guard isOver else { return nil }
            ejection.deferToChecks(isEjected: standing == .ejected, now: now, rules: rules)
            standing = .down
        case .down:
            break
        }
        return before == .down ? nil : .checksFailed(consecutiveFailures, last: failure)
    }

    /// Handles a failed live request; without an eviction the backend is spared.
    private mutating func failLive(
        _ cause: Cause, _ eviction: EjectionRecord.Eviction?, now: ContinuousClock.Instant,
        rules: Rules
    ) -> Cause? {
        switch standing {
        case .discovered, .checking:
            // It had the request because no backend was up; it gets no other before a check passes.
            consecutiveFailures += 1
            ejection.suspect(now: now, rules: rules)
            return nil
        case .down:
            consecutivePasses = 0
            ejection.suspect(now: now, rules: rules)
            return nil
        case .ejected:
            // Another worker noticed, or a request was late: that is no second ejection, but no
            // trust either.
            consecutivePasses = 0
            return nil
        case .up:
            guard let eviction else {
                ejection.suspect(now: now, rules: rules)
                return nil
            }
            let upTime = upSince?.duration(to: now) ?? .zero
            ejection.begin(eviction, after: upTime, now: now, rules: rules)
            standing = .ejected
            consecutivePasses = 0
            return cause
        }
    }

    private mutating func rise(now: ContinuousClock.Instant, rules: Rules) {
        standing = .up
        wasReached = true
        upSince = now
        ejection.end(now: now, rules: rules)
    }

    // MARK: Leaving

    private mutating func startDrain(
        _ cause: Cause, now: ContinuousClock.Instant, rules: Rules
    ) -> Cause? {
        guard drain == nil else { return nil }
        switch standing {
        case .discovered, .checking: isGone = true
        case .up, .ejected, .down:
            var keptUntil = now
            switch cause {
            case .missing where !isDrainedByOperator, .massLossConfirmed where !isDrainedByOperator:
                keptUntil += min(rules.lossWindow, rules.drainLimit)
            default: break
            }
            drain = Drain(within: rules.drainLimit, keptUntil: keptUntil, now: now)
        }
        // No change of phase when an operator drains it already, but a better reason.
        if isDrainedByOperator { self.cause = cause }
        return cause
    }

    /// After its drain the backend was only kept for a recall: what has this name now is most
    /// likely another process, about which nothing is known.
    private mutating func beNamed() -> Cause? {
        guard let drain, drain.isOver else { return cancelDrain(.namedAgain) }
        isGone = true
        return .idle
    }

    private mutating func cancelDrain(_ cause: Cause) -> Cause? {
        guard drain != nil else { return nil }
        drain = nil
        if let operatorDrain { self.cause = operatorDrain }
        return cause
    }

    private mutating func endFinishedDrain(now: ContinuousClock.Instant) -> Cause? {
        guard let drain, drain.isOver, drain.keptUntil <= now else { return nil }
        isGone = true
        return .idle
    }

    private mutating func passTime(now: ContinuousClock.Instant, rules: Rules) -> Cause? {
        if let cause = endFinishedDrain(now: now) { return cause }
        if let drain, drain.endsAt <= now {
            isGone = true
            return .drainLimit
        }
        if let at = drain?.endsStreamsAt, at <= now { drain?.endsStreamsAt = nil }
        ejection.passTime(now: now)
        guard standing == .ejected, let end = ejection.endsAt, end <= now else { return nil }
        guard consecutiveFailures == 0 else {
            ejection.leaveToChecks()
            return nil
        }
        rise(now: now, rules: rules)
        return .ejectionEnded
    }
}
