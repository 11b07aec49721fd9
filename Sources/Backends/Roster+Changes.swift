// Roster+Changes: a service is configured anew while it runs. Its backends carry on, with their
// numbers, states and counters: what has changed is how they are judged, or who names them.

extension Roster {
    /// Judges answers and evidence by `options` from now on. A hold in force is as long as if it had
    /// begun with them; a drain or an ejection under way keeps its length. Without checks from now on,
    /// what checks kept out gets traffic again.
    ///
    /// - Precondition: as for `init`.
    /// - Complexity: O(n).
    package func setOptions(_ options: RosterOptions, now: ContinuousClock.Instant) {
        let old = self.options
        guard options != old else { return }
        let rules = options.rules
        precondition(rules.rise >= 1 && rules.fall >= 1 && options.missesToDrain >= 1)
        precondition(options.backendsMax >= 1)
        self.options = options
        if let outage = source.outage, !outage.isOver {
            source.outage?.until += options.holds[outage.kind] - old.holds[outage.kind]
        }
        for backend in backends {
            if case .held(let until) = backend.naming {
                let changed = until + (options.holds.massLoss - old.holds.massLoss)
                update(backend.id) { $0.naming = .held(until: changed) }
            }
            if old.checks != nil, options.checks == nil {
                send(.checksEnded, to: backend.id, now: now)
            }
        }
        rearm()
        advance(to: now)
    }

    /// Another source names the backends from now on. Until its first good answer all stay; those that
    /// this does not name drain then, however many they are: what is lost in one answer is no
    /// accident when the operator asked for another source. What the old source's failures meant is
    /// over.
    ///
    /// - Complexity: O(n).
    package func sourceChanged(now: ContinuousClock.Instant) {
        record(.sourceChanged, now: now)
        source.outage = nil
        for backend in backends where !backend.state.isLeaving {
            update(backend.id) { $0.naming = .missing(answers: 0) }
        }
        rearm()
    }

    /// The service is checked, judged or talked to in another way from now on; for the journal.
    package func optionsChanged(now: ContinuousClock.Instant) {
        record(.optionsChanged, now: now)
    }

    /// The service was added while the program runs; for the journal.
    package func serviceAdded(now: ContinuousClock.Instant) {
        record(.serviceAdded, now: now)
    }

    /// No request comes to the service any more; for the journal. The roster changes no more.
    package func serviceRemoved(now: ContinuousClock.Instant) {
        record(.serviceRemoved, now: now)
    }
}
