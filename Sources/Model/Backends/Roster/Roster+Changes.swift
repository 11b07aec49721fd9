// Roster+Changes: a service is reconfigured while it runs. Its backends carry on, with their
// numbers, states and counters: what has changed is how they are judged, or who names them.

extension Roster {
    /// Judges answers and evidence by `options` from now on. A hold in force is as long as if it
    /// had begun with them; a drain or an ejection under way keeps its length. If there are no
    /// checks from now on, backends that only checks kept out get traffic again.
    ///
    /// - Precondition: as for `init`.
    /// - Complexity: O(n).
    package func setOptions(_ options: RosterOptions, now: ContinuousClock.Instant) {
        let old = self.options
        guard options != old else { return }
        precondition(options.isValid)
        self.options = options
        for place in sources.indices {
            guard let outage = sources[place].outage, !outage.isOver else { continue }
            sources[place].outage?.until += options.holds[outage.kind] - old.holds[outage.kind]
        }
        for backend in backends {
            if case .held(let until) = backend.naming {
                let changed = until + (options.holds.massLoss - old.holds.massLoss)
                update(backend.id) { $0.naming = .held(until: changed) }
            }
            update(backend.id) { backend in
                backend.isElsewhere = options.isElsewhere(backend.instance)
                if options.slowStart == nil { backend.ramp = nil }
            }
            if old.checks != nil, options.checks == nil {
                send(.checksEnded, to: backend.id, now: now)
            }
        }
        if options.failoverReturn == nil { dropWaits() }
        settle(now: now)
        requeueAll()
        rearm()
        advance(to: now)
    }

    /// From now on `places` other sources name the backends. All backends stay until the first good
    /// answers; those that these do not name drain then, however many they are: the loss is no
    /// accident when the operator asked for another source. The old sources' failures no longer
    /// count.
    ///
    /// - Precondition: `places` is 1 to `placesMax`.
    /// - Complexity: O(n).
    package func sourcesChanged(places: Int, now: ContinuousClock.Instant) {
        precondition((1...Self.placesMax).contains(places))
        record(.sourceChanged, now: now)
        sources = Array(repeating: SourceStatus(), count: places)
        for backend in backends {
            update(backend.id) { backend in
                backend.place = min(backend.place, UInt8(places - 1))
                backend.lostAt = nil
                if !backend.state.isLeaving { backend.naming = .missing(answers: 0) }
            }
        }
        recountUp()
        settle(now: now)
        rearm()
        advance(to: now)
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

    /// What is odd about the answers of the source at `place` has changed; for the journal.
    package func sourceNoted(_ text: String, from place: Int, now: ContinuousClock.Instant) {
        record(.note("\(title(UInt8(place))): \(text)"), now: now)
    }
}
