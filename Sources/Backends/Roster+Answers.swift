// Roster+Answers: discovery is advice, health is evidence.
//
// | what discovery says               | what happens to a backend                                 |
// |-----------------------------------|-----------------------------------------------------------|
// | a good answer names it            | it stays, or comes back from its drain                    |
// | a good answer misses it           | it drains, after `missesToDrain` such answers             |
// | one misses more than half (of 3+) | held for `massLoss`; goes at once when not up             |
// | no good answer: NXDOMAIN, timeout | held for that kind; one that fails its checks is down, and|
// |  …, or an empty answer            | comes back by itself; nothing leaves the roster           |
// | … for longer than the hold        | goes when not up; or all go, if nothing checks them       |

internal import Endpoints

extension Roster {
    /// Takes what one lookup of the source at `place` came to. It speaks for the backends of that
    /// place only: what other sources name stays as they left it. An answer that `stands` holds until
    /// another one comes, so that time confirms an absence as further answers do.
    /// - Precondition: `place` is below the number of sources.
    /// - Complexity: O(n) in backends and instances.
    package func apply(
        _ answer: DiscoveryAnswer, from place: Int = 0, stands: Bool = false,
        now: ContinuousClock.Instant
    ) {
        precondition(sources.indices.contains(place))
        sources[place].answersStand = stands
        let place = UInt8(place)
        advance(to: now)
        switch answer {
        case .instances([]): fail(.nodata, place, now: now)
        case .instances(let instances): accept(Instance.merged(instances), place, now: now)
        case .failure(let failure): fail(failure, place, now: now)
        }
    }

    /// How a journal entry calls the source at `place`.
    func title(_ place: UInt8) -> JournalEvent.SourceTitle {
        .init(number: Int(place) + 1, of: sources.count)
    }

    // MARK: A good answer

    private func accept(
        _ instances: [Instance], _ place: UInt8, now: ContinuousClock.Instant
    ) {
        let index = Int(place)
        if sources[index].outage != nil {
            sources[index].outage = nil
            record(.sourceRecovered(title(place), instances: instances.count), now: now)
        }
        sources[index].goodAnswers += 1
        sources[index].lastGoodAnswer = .init(at: now, instances: instances.count)

        let before = backends.filter { $0.place == place }
        let named = Set(instances.map(\.endpoint))
        // The absent first: those that leave at once make room for new ones.
        lose(before.filter { !named.contains($0.endpoint) }, of: before, place, now: now)
        var refused = 0
        for instance in instances where !see(bounded(instance, place), place, now: now) {
            refused += 1
        }
        refuse(refused, place, now: now)
    }

    /// Takes note of one named instance; false when it was refused.
    private func see(
        _ instance: Instance, _ place: UInt8, now: ContinuousClock.Instant
    ) -> Bool {
        guard let backend = backend(at: instance.endpoint) else {
            return add(instance, from: place, now: now) != nil
        }
        // A better source that names it as well decides; once it no longer does, this one may.
        let isLeft = backend.state.isLeaving || backend.naming != .named
        guard backend.place >= place || isLeft else { return true }
        let old = backend.instance
        if old.share != instance.share {
            record(.share(from: old.share, to: instance.share), backend, now: now)
        }
        update(backend.id) { backend in
            backend.instance = instance
            backend.place = place
            if case .missing = backend.naming {
                if backend.isLeaving { backend.flaps = min(backend.flaps + 1, 16) }
                backend.lastFlap = now
            }
            backend.naming = .named
            backend.missingUntil = nil
        }
        send(.named, to: backend.id, now: now)
        return true
    }

    private func bounded(_ instance: Instance, _ place: UInt8) -> Instance {
        guard instance.textBytes > options.metadataBytesMax else { return instance }
        sources[Int(place)].metadataDropped += 1
        var bounded = instance
        bounded.hostName = ""
        bounded.metadata = [:]
        return bounded
    }

    private func refuse(_ count: Int, _ place: UInt8, now: ContinuousClock.Instant) {
        let index = Int(place)
        sources[index].instancesRefused += UInt64(count)
        // Once, not with every answer: the journal is for what changes.
        if count > 0, !sources[index].isRefusing {
            record(.instancesRefused(count: count, limit: options.backendsMax), now: now)
        }
        sources[index].isRefusing = count > 0
    }

    // MARK: Missing from a good answer

    private func lose(
        _ absent: [Backend], of all: [Backend], _ place: UInt8, now: ContinuousClock.Instant
    ) {
        // A loss is measured against the last good answer: what was missing or held before is none.
        let wereNamed = all.count { $0.naming == .named && !$0.isLeaving }
        let lost = absent.filter { $0.naming == .named && !$0.isLeaving }
        if wereNamed >= 3, lost.count > wereNamed / 2 {
            sources[Int(place)].failures[.massLoss, default: 0] += 1
            record(
                .massLoss(lost: lost.count, of: wereNamed, hold: options.holds.massLoss), now: now)
            let until = now + options.holds.massLoss
            for backend in lost {
                update(backend.id) { $0.naming = .held(until: until) }
                leaveUnlessUp(backend.id, .massLossConfirmed, now: now)
            }
            arm(until)
            for backend in absent where backend.naming != .named || backend.isLeaving {
                miss(backend, now: now)
            }
        } else {
            for backend in absent { miss(backend, now: now) }
        }
    }

    private func miss(_ backend: Backend, now: ContinuousClock.Instant) {
        if backend.isLeaving {
            send(.absenceConfirmed, to: backend.id, now: now)
            return
        }
        let answers: Int
        switch backend.naming {
        case .held: return
        case .named: answers = 1
        case .missing(let before): answers = before + 1
        }
        var flaps = backend.flaps
        if let last = backend.lastFlap, last.duration(to: now) >= options.flapMemory { flaps = 0 }
        let stands = sources[Int(backend.place)].answersStand
        let waits = options.misses(afterFlaps: flaps) - answers
        // One that leaves at once has its absence confirmed a little later.
        let until = stands ? now + options.missingTime * max(1, waits) : nil
        update(backend.id) { backend in
            backend.naming = .missing(answers: answers)
            backend.missingUntil = backend.missingUntil ?? until
            backend.flaps = flaps
        }
        if let until { arm(until) }
        if answers >= options.misses(afterFlaps: flaps) {
            send(.leave(.missing(answers: answers)), to: backend.id, now: now)
            // The answers that a flapping record had to be missing from have confirmed it already.
            if answers > 1 { send(.absenceConfirmed, to: backend.id, now: now) }
        }
    }

    // MARK: No good answer

    private func fail(
        _ failure: DiscoveryFailure, _ place: UInt8, now: ContinuousClock.Instant
    ) {
        let kind = failure.kind
        let index = Int(place)
        sources[index].failures[kind, default: 0] += 1
        sources[index].lastFailure = .init(at: now, failure: failure)
        let hold = options.holds[kind]
        var outage =
            sources[index].outage
            ?? SourceStatus.Outage(since: now, kind: kind, until: now + hold, kindsSeen: [])
        if outage.kindsSeen.insert(kind).inserted {
            let holds = backends.contains { $0.place == place }
            record(.sourceFailed(title(place), failure, hold: holds ? hold : nil), now: now)
        }
        // Once a hold is over, another way of failing is no news that could begin a new one.
        if outage.kind != kind, !outage.isOver {
            outage.kind = kind
            outage.until = min(now + hold, outage.since + options.holds.longest)
        }
        sources[index].outage = outage
        if !outage.isOver { arm(outage.until) }
        advance(to: now)
    }
}

extension Backend {
    fileprivate var isLeaving: Bool { state.isLeaving }
}

extension Instance {
    fileprivate var share: JournalEvent.Share { .init(priority: priority, weight: weight) }
}
