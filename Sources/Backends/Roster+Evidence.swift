// Roster+Evidence: what checks, live traffic and the passing of time do to the backends. Reports
// about a backend that is gone are ignored: they come from other threads and may be late.

extension Roster {
    /// A check of this backend has begun; matters for the first one only.
    package func checkStarted(_ id: BackendID, now: ContinuousClock.Instant) {
        send(.checkStarted, to: id, now: now)
    }

    /// A check passed, and how long it took.
    package func checkPassed(_ id: BackendID, took: Duration, now: ContinuousClock.Instant) {
        update(id) { $0.lastCheck = .init(at: now, took: took, failure: nil) }
        weigh(.checkPassed, id, now: now)
    }

    /// A check failed, why, and how long it took.
    package func checkFailed(
        _ id: BackendID, _ failure: CheckFailure, took: Duration, now: ContinuousClock.Instant
    ) {
        update(id) { $0.lastCheck = .init(at: now, took: took, failure: failure) }
        weigh(.checkFailed(failure), id, now: now)
    }

    /// A live request could not connect: the backend is ejected at once, unless it is the last one
    /// in the rotation. A dead one would answer no more than an empty rotation does, and one that
    /// only stumbled serves on; a check may still put it down.
    package func dialFailed(
        _ id: BackendID, _ failure: DialFailure, now: ContinuousClock.Instant
    ) {
        guard let phase = backend(id)?.state.phase else { return }
        update(id) { $0.lastDialFailure = .init(at: now, failure: failure) }
        let isLast = phase == .up && upCount == 1
        if isLast { lastBackendKept += 1 }
        weigh(.dialFailed(failure, isLast: isLast), id, now: now)
    }

    /// No worker has a request in flight on this backend any more; ends its drain once the absence
    /// is confirmed. Ignored unless it is draining.
    package func drained(_ id: BackendID, now: ContinuousClock.Instant) {
        send(.idle, to: id, now: now)
    }

    /// Lets time pass: ends drains, ejections and holds that are due. Call it at `nextDeadline`, or
    /// at any time.
    /// - Complexity: O(1) before `nextDeadline`, else O(n).
    package func advance(to now: ContinuousClock.Instant) {
        guard let deadline = nextDeadline, deadline <= now else { return }
        for backend in backends {
            send(.timePassed, to: backend.id, now: now)
            if let until = backend.heldUntil, until <= now {
                send(.leave(.holdEnded(.massLoss)), to: backend.id, now: now)
            }
            if let until = backend.missingUntil, until <= now { leaveAsMissing(backend, now: now) }
        }
        for place in sources.indices { endHold(UInt8(place), now: now) }
        rearm()
    }

    /// Time has confirmed an absence.
    private func leaveAsMissing(_ backend: Backend, now: ContinuousClock.Instant) {
        update(backend.id) { $0.missingUntil = nil }
        guard case .missing(let answers) = backend.naming else { return }
        send(.leave(.missing(answers: answers)), to: backend.id, now: now)
        send(.absenceConfirmed, to: backend.id, now: now)
    }

    // MARK: Held backends

    /// Passes evidence on, and lets a backend go that only the evidence kept.
    private func weigh(_ event: BackendState.Event, _ id: BackendID, now: ContinuousClock.Instant) {
        send(event, to: id, now: now)
        guard let backend = backend(id) else { return }
        if backend.heldUntil != nil {
            leaveUnlessUp(id, .massLossConfirmed, now: now)
        } else if let outage = sources[Int(backend.place)].outage, outage.isOver {
            leaveUnlessUp(id, .holdEnded(outage.kind), now: now)
        }
    }

    /// Lets a backend go that is not up, for this cause.
    func leaveUnlessUp(_ id: BackendID, _ cause: Cause, now: ContinuousClock.Instant) {
        guard let backend = backend(id), backend.state.phase != .up else { return }
        send(.leave(cause), to: id, now: now)
    }

    private func endHold(_ place: UInt8, now: ContinuousClock.Instant) {
        guard let outage = sources[Int(place)].outage, !outage.isOver, outage.until <= now
        else { return }
        sources[Int(place)].outage?.isOver = true
        record(.holdEnded(outage.kind), now: now)
        let keepsUp = options.checks != nil && options.keepsPassingAfterHold
        for backend in backends where backend.place == place {
            if keepsUp {
                leaveUnlessUp(backend.id, .holdEnded(outage.kind), now: now)
            } else {
                send(.leave(.holdEnded(outage.kind)), to: backend.id, now: now)
            }
        }
    }
}
