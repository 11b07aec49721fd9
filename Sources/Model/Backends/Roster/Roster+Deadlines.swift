// Roster+Deadlines: when time has an effect on a backend, or on the whole service. Backends are in
// a heap by the time at which they are due, so that a service of thousands, each of which is due at
// a moment of its own, costs no walk over all of them at each moment.
//
// Each backend is in the heap once at most as `Backend.queuedAt`; other entries of its number are
// stale. One that is due later than it was when it was put there stays: it comes up early, and goes
// back.

extension Roster {
    /// Puts a backend into the heap, if it is due before it comes up there. The caller stores it.
    func queue(_ backend: inout Backend) {
        guard backend.id != dueNow, let due = backend.deadline(options) else { return }
        if let queued = backend.queuedAt, queued <= due { return }
        backend.queuedAt = due
        dueBackends.insert(.init(due: due, number: UInt64(backend.id.rawValue)))
        arm(due)
    }

    /// Removes from the heap the backends that are due, and returns them, the oldest first.
    /// - Complexity: O(k log n) for k of them.
    func takeDue(now: ContinuousClock.Instant) -> [BackendID] {
        var due: [BackendID] = []
        while let first = dueBackends.first, first.due <= now {
            dueBackends.removeFirst()
            let id = BackendID(rawValue: UInt32(first.number))
            guard let index = table.index(of: id),
                table.read(index, { $0.queuedAt }) == first.due
            else { continue }
            table[index: index].queuedAt = nil
            due.append(id)
        }
        return due.sorted()
    }

    /// Makes sure that `advance` is called at `deadline`.
    func arm(_ deadline: ContinuousClock.Instant) {
        nextDeadline = min(nextDeadline ?? deadline, deadline)
    }

    /// Finds the earliest deadline again.
    /// - Complexity: O(log n), amortised.
    func rearm() {
        nextDeadline = nil
        // Stale entries go when they come up, which a long hold may put off for a day.
        if dueBackends.count > 2 * count + 64 { requeueAll() }
        while let first = dueBackends.first {
            let id = BackendID(rawValue: UInt32(first.number))
            if let index = table.index(of: id), table.read(index, { $0.queuedAt }) == first.due {
                arm(first.due)
                break
            }
            dueBackends.removeFirst()
        }
        if let deadline = emergencyDeadline { arm(deadline) }
        for source in sources {
            if let end = source.returnsAt { arm(end) }
            guard let outage = source.outage, !outage.isOver else { continue }
            arm(outage.until)
            if outage.mayFailOver, !outage.hasWaitedForFailover {
                arm(outage.kindSince + options.holds.withFailover)
            }
        }
    }

    /// Finds out again when each backend is due, since the options have changed.
    /// - Complexity: O(n log n).
    func requeueAll() {
        var elements: [DueHeap.Element] = []
        for id in table.ids {
            guard let index = table.index(of: id) else { continue }
            let due = table.read(index) { $0.deadline(options) }
            table[index: index].queuedAt = due
            if let due { elements.append(.init(due: due, number: UInt64(id.rawValue))) }
        }
        dueBackends = DueHeap(elements)
    }
}

extension Backend {
    /// When it is released although discovery stopped naming it long before; nil if it is named, is
    /// missing for other reasons, or leaves anyway.
    var heldUntil: ContinuousClock.Instant? {
        guard !state.isLeaving else { return nil }
        switch naming {
        case .held(let until), .replaced(let until): return until
        case .named, .missing: return nil
        }
    }

    /// When time has an effect on it; nil for never.
    fileprivate func deadline(_ options: RosterOptions) -> ContinuousClock.Instant? {
        var earliest = state.deadline
        func consider(_ deadline: ContinuousClock.Instant?) {
            guard let deadline else { return }
            earliest = min(earliest ?? deadline, deadline)
        }
        consider(heldUntil)
        consider(missingUntil)
        consider(operatorStreamsEnd ?? operatorDrainEnd)
        consider(options.slowStart.flatMap { ramp?.deadline(over: $0) })
        return earliest
    }
}
