// Roster+Evidence: what checks, live traffic and the passing of time do to the backends. Reports
// about a backend that is gone are ignored: they come from other threads and may be late.

extension Roster {
    /// A check of this backend has begun; matters for the first one only.
    package func checkStarted(_ id: BackendID, now: ContinuousClock.Instant) {
        send(.checkStarted, to: id, now: now)
        settle(now: now)
    }

    /// A check passed, and how long it took.
    package func checkPassed(_ id: BackendID, took: Duration, now: ContinuousClock.Instant) {
        update(id) { backend in
            backend.lastCheck = .init(at: now, took: took, failure: nil)
            backend.recentChecks.add(passed: true)
        }
        let isNeeded = emergency?.mode == .failingFast
        weigh(isNeeded ? .checkPassedInNeed : .checkPassed, id, now: now)
    }

    /// A check failed, why, and how long it took.
    package func checkFailed(
        _ id: BackendID, _ failure: CheckFailure, took: Duration, now: ContinuousClock.Instant
    ) {
        update(id) { backend in
            backend.lastCheck = .init(at: now, took: took, failure: failure)
            backend.recentChecks.add(passed: false)
        }
        weigh(.checkFailed(failure), id, now: now)
    }

    /// A live request could not connect: the backend is ejected at once, unless it is the last that
    /// is up and its last check passed. A dead last backend is no worse than an empty rotation, and
    /// one that only stumbled serves on; a failed check and a failed dial together are believed.
    package func dialFailed(
        _ id: BackendID, _ failure: DialFailure, now: ContinuousClock.Instant
    ) {
        guard let state = backend(id)?.state else { return }
        update(id) { $0.lastDialFailure = .init(at: now, failure: failure) }
        let isSpared = state.phase == .up && upCount == 1 && state.consecutiveFailures == 0
        if isSpared { refuseEjection(of: id, .last, now: now) }
        weigh(.dialFailed(failure, isSpared: isSpared), id, jitter: drawJitter(), now: now)
    }

    /// Live requests on this backend failed after they had connected, and a worker has seen enough
    /// failures to report them; on probation one failure is enough, of a request sent since it
    /// began. The backend is ejected at once, for a time that no passing check shortens, unless it
    /// is the last that is up and not on probation, or as many are ejected for such reasons as are
    /// allowed.
    package func liveFailed(
        _ id: BackendID, _ failure: LiveFailure, now: ContinuousClock.Instant
    ) {
        guard let state = backend(id)?.state else { return }
        update(id) { $0.lastLiveFailure = .init(at: now, failure: failure) }
        let refusal = refusal(ofEjecting: state)
        if let refusal { refuseEjection(of: id, refusal, now: now) }
        let event = BackendState.Event.liveFailed(failure, isSpared: refusal != nil)
        weigh(event, id, jitter: drawJitter(), now: now)
    }

    /// A live request, sent while the backend was on probation, had a good answer; ends that. It
    /// need not be reported for members that are not on probation.
    package func liveProven(_ id: BackendID, now: ContinuousClock.Instant) {
        send(.liveProven, to: id, now: now)
        settle(now: now)
    }

    /// No worker has a request in flight on this backend any more; ends its drain once the absence
    /// is confirmed. Ignored unless it is draining.
    package func drained(_ id: BackendID, now: ContinuousClock.Instant) {
        send(.idle, to: id, now: now)
        settle(now: now)
        // It may have stayed for this alone.
        advance(to: now)
    }

    /// The drain of this backend, which has begun because discovery does not want it any more, may
    /// take `limit` from now on, in place of the service's; not negative.
    package func limitDrain(_ id: BackendID, to limit: Duration, now: ContinuousClock.Instant) {
        send(.drainLimited(limit), to: id, now: now)
        advance(to: now)
    }

    /// Lets time pass: ends drains, ejections, probations and holds that are due. Call it at
    /// `nextDeadline`, or at any time.
    /// - Complexity: O(1) before `nextDeadline`, else O(k log n) for k backends that are due; O(n
    ///   log n) when the hold of a source ends.
    package func advance(to now: ContinuousClock.Instant) {
        guard let deadline = nextDeadline, deadline <= now else { return }
        for id in takeDue(now: now) {
            guard let backend = backend(id) else { continue }
            dueNow = id
            send(.timePassed, to: backend.id, now: now)
            if let until = backend.heldUntil, until <= now {
                send(.leave(.holdEnded(.massLoss)), to: backend.id, now: now)
            }
            if let until = backend.missingUntil, until <= now { leaveAsMissing(backend, now: now) }
            if backend.ramp != nil { climb(backend.id, now: now) }
            endOperatorDrain(backend, now: now)
            dueNow = nil
            update(id) { _ in }
        }
        for place in sources.indices { endHold(UInt8(place), now: now) }
        endWaits(now: now)
        settle(now: now)
        rearm()
    }

    /// Time has confirmed an absence.
    private func leaveAsMissing(_ backend: Backend, now: ContinuousClock.Instant) {
        update(backend.id) { $0.missingUntil = nil }
        guard case .missing(let answers) = backend.naming else { return }
        send(.leave(.missing(answers: answers)), to: backend.id, now: now)
        send(.absenceConfirmed, to: backend.id, now: now)
    }

    /// Takes the steps of a slow start that are due.
    private func climb(_ id: BackendID, now: ContinuousClock.Instant) {
        guard let slowStart = options.slowStart else { return }
        update(id) { backend in
            backend.ramp?.advance(to: now, over: slowStart)
            if backend.ramp?.sixteenths == Ramp.full { backend.ramp = nil }
        }
    }

    // MARK: Ejections refused

    /// Why a live failure may not eject a backend; nil if it may, or is not in the rotation anyway.
    private func refusal(ofEjecting state: BackendState) -> EjectionRefusal? {
        guard state.phase == .up else { return nil }
        // The evidence against those on probation is worse than the new evidence against this one.
        let isLastTrusted = !state.isOnProbation && census.trusted == 1
        if isLastTrusted || upCount == 1 { return .last }
        let share = options.ejectShareMax
        let most = share == 0 ? 0 : max(1, stayingCount * share / 100)
        let ejected = census.ejectedByAnswers
        return ejected < most ? nil : .share(ejected: ejected, of: stayingCount)
    }

    private func refuseEjection(
        of id: BackendID, _ refusal: EjectionRefusal, now: ContinuousClock.Instant
    ) {
        ejectionsRefused += 1
        // Journalled once until it has been quiet for long: meanwhile every failed request may
        // report it.
        let isNews = lastEjectionRefused.map { $0 + options.ejectTimeMax <= now } ?? true
        lastEjectionRefused = now
        if isNews { record(.ejectionRefused(refusal), backend(id), now: now) }
    }

    // MARK: Held backends

    /// Passes evidence on, and releases a backend that only the evidence kept.
    private func weigh(
        _ event: BackendState.Event, _ id: BackendID, jitter: Double = 0,
        now: ContinuousClock.Instant
    ) {
        defer { settle(now: now) }
        send(event, to: id, jitter: jitter, now: now)
        guard let backend = backend(id) else { return }
        if backend.heldUntil != nil {
            leaveHeld(id, now: now)
        } else if let outage = sources[Int(backend.place)].outage, outage.isOver {
            leaveUnlessUp(id, .holdEnded(outage.kind), now: now)
        }
    }

    /// Releases a backend that is not up, for this cause.
    func leaveUnlessUp(_ id: BackendID, _ cause: Cause, now: ContinuousClock.Instant) {
        guard let backend = backend(id), backend.state.phase != .up else { return }
        send(.leave(cause), to: id, now: now)
    }

    /// Whether a source after the one at `place` has a backend that is up.
    private func hasUp(below place: UInt8) -> Bool {
        Int(place) + 1 < sources.count
            && table.contains { $0.place > place && $0.state.phase == .up }
    }

    /// Ends holds that are not needed any more, since a source further down has a backend that is
    /// up.
    func failOver(now: ContinuousClock.Instant) {
        guard mayFailOver else { return }
        mayFailOver = false
        for place in sources.indices where sources[place].outage?.mayFailOver == true {
            endHold(UInt8(place), now: now)
        }
    }

    private func endHold(_ place: UInt8, now: ContinuousClock.Instant) {
        guard var outage = sources[Int(place)].outage, !outage.isOver else { return }
        if outage.mayFailOver, outage.kindSince + options.holds.withFailover <= now {
            sources[Int(place)].outage?.hasWaitedForFailover = true
            if hasUp(below: place) { outage.until = min(outage.until, now) }
        }
        guard outage.until <= now else { return }
        sources[Int(place)].outage?.isOver = true
        record(.holdEnded(outage.kind), now: now)
        let keepsUp = options.checks != nil && options.keepsPassingAfterHold
        for backend in backends(where: { $0.place == place }) {
            if keepsUp {
                leaveUnlessUp(backend.id, .holdEnded(outage.kind), now: now)
            } else {
                send(.leave(.holdEnded(outage.kind)), to: backend.id, now: now)
            }
        }
    }
}
