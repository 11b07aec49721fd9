// Roster+Answers: discovery is advice, health is evidence.
//
// | what discovery says               | what happens to a backend                                 |
// |-----------------------------------|-----------------------------------------------------------|
// | a good answer names it            | it stays, or comes back from its drain                    |
// | … as another process than before  | it is gone at once, and a new backend has its place       |
// | … as healthy, by the source's own | a new one is up at once; its own checks, which begin at   |
// |  check                            |  once too, decide from then on                            |
// | a good answer misses it           | it drains, after `missesToDrain` such answers             |
// | it names others instead, or less  | those lost serve on, or wait behind the others, and go at |
// |  than half as many                |  once when not up (Roster+Losses)                         |
// | it is of a file that lists none   | all drain: somebody meant that                            |
// | nothing yet, but an earlier      | the same, as if it had run all the while: for what is left |
// |  process was told of instances    |  of the hold                                              |
// | no good answer: NXDOMAIN, timeout | held for that kind; one that fails its checks is down, and|
// |  …, or an empty answer            | comes back by itself; nothing leaves the roster           |
// | … for longer than the hold        | goes when not up; or all go, if nothing checks them       |

package import Endpoints

extension Roster {
    /// Applies the result of one lookup of the source at `place`. It concerns the backends of that
    /// place only: what other sources name stays as it is. An answer that `stands` holds until
    /// another one comes, so that time confirms an absence as further answers would. An answer that
    /// `isDeliberate` was written by somebody, so that no loss in it is a mistake. Instances that a
    /// good answer lists besides are `critical` by the registry's own checks, or `withdrawn` by
    /// somebody.
    /// - Precondition: `place` is below the number of sources.
    /// - Complexity: O(n) in backends and instances.
    package func apply(
        _ answer: DiscoveryAnswer, from place: Int = 0, stands: Bool = false,
        isDeliberate: Bool = false, critical: Set<Endpoint> = [],
        withdrawn: [Endpoint: String] = [:],
        now: ContinuousClock.Instant
    ) {
        precondition(sources.indices.contains(place))
        sources[place].answersStand = stands
        sources[place].isDeliberate = isDeliberate
        let place = UInt8(place)
        advance(to: now)
        switch answer {
        case .instances([]) where !isDeliberate: fail(.nodata, place, now: now)
        case .instances(let instances):
            accept(
                instances, .init(critical: critical, withdrawn: withdrawn), place, now: now)
        case .failure(let failure): fail(failure, place, now: now)
        }
        settle(now: now)
    }

    /// Begins with what the source at `place` named `age` ago, to an earlier process: it fails now,
    /// as `failure` says, and has given this process no good answer. Nothing happens if it has, or
    /// if no process would hold those instances any more. `apply` of the failure follows, and holds
    /// them for what is left of the hold.
    /// - Precondition: `place` is below the number of sources.
    package func recall(
        _ instances: [Instance], age: Duration, for failure: DiscoveryFailure, from place: Int,
        now: ContinuousClock.Instant
    ) {
        precondition(sources.indices.contains(place))
        guard sources[place].lastGoodAnswer == nil, age < options.holds[failure.kind] else {
            return
        }
        sources[place].recalledAge = age
        sources[place].lastGoodAnswer = .init(at: now - age, instances: instances.count)
        let place = UInt8(place)
        record(.sourceRecalled(title(place), instances: instances.count, age: age), now: now)
        see(all: Instance.merged(instances), place, now: now)
        settle(now: now)
    }

    /// How a journal entry calls the source at `place`.
    func title(_ place: UInt8) -> JournalEvent.SourceTitle {
        .init(number: Int(place) + 1, of: sources.count)
    }

    // MARK: A good answer

    private func accept(
        _ answer: [Instance], _ listed: Listed, _ place: UInt8,
        now: ContinuousClock.Instant
    ) {
        let index = Int(place)
        // The same array as before compares in no time, and need not be merged.
        let settled = sources[index].settled.flatMap { $0.namings == namings ? $0 : nil }
        let isRepeated = settled?.answer == answer
        let instances =
            if isRepeated, let settled { settled.instances } else { Instance.merged(answer) }
        if sources[index].outage != nil {
            sources[index].outage = nil
            record(.sourceRecovered(title(place), instances: instances.count), now: now)
        }
        sources[index].goodAnswers += 1
        sources[index].recalledAge = .zero
        sources[index].lastGoodAnswer = .init(at: now, instances: instances.count)

        if isRepeated || settled?.instances == instances {
            sources[index].peak.add(instances.count, now: now, window: options.lossWindow)
            return
        }
        let named = Set(instances.map(\.endpoint))
        let new = instances.map(\.endpoint).filter { isArrival($0, place) }
        // The absent first: those that leave at once make room for new ones.
        let absent = backends { $0.place == place && !named.contains($0.endpoint) }
        lose(
            absent, naming: instances.count, arrivals: new.count,
            listed.besides(named), place, now: now)
        see(all: instances, place, now: now)
        if sources[index].loss != nil {
            for endpoint in new {
                if let id = idsByEndpoint[endpoint] { recordArrival(id, place) }
            }
            reconsiderLoss(place, now: now)
        }
        let isSettled = absent.isEmpty && !sources[index].isRefusing
        sources[index].settled =
            isSettled ? .init(answer: answer, instances: instances, namings: namings) : nil
    }

    /// Whether an instance is new to a source: not on the roster, or on its way out.
    private func isArrival(_ endpoint: Endpoint, _ place: UInt8) -> Bool {
        guard let backend = backend(at: endpoint) else { return true }
        if backend.state.isLeaving { return true }
        if case .missing = backend.naming { return true }
        return backend.place > place
    }

    private func see(all instances: [Instance], _ place: UInt8, now: ContinuousClock.Instant) {
        var refused = 0
        let isRescaled = isRescaled(instances, place)
        for instance in instances
        where !see(bounded(instance, place), place, isRescaled: isRescaled, now: now) {
            refused += 1
        }
        refuse(refused, place, now: now)
    }

    /// Whether an answer gives all backends another weight and none another share: all had one, and
    /// all have one. Kubernetes' DNS says 100 divided by the number of pods, so that each scaling
    /// changes every weight, which is no news of any backend.
    private func isRescaled(_ instances: [Instance], _ place: UInt8) -> Bool {
        guard let share = instances.first?.share,
            instances.allSatisfy({ $0.share == share })
        else { return false }
        var before: JournalEvent.Share?
        for backend in instances.lazy.compactMap({ self.backend(at: $0.endpoint) })
        where backend.place == place && backend.instance.share != share {
            let old = backend.instance.share
            guard old.priority == share.priority, before ?? old == old else { return false }
            before = old
        }
        return before != nil
    }

    /// Applies one named instance; false when it was refused. A share that only follows from the
    /// number of instances (`isRescaled`) is not told.
    private func see(
        _ instance: Instance, _ place: UInt8, isRescaled: Bool, now: ContinuousClock.Instant
    ) -> Bool {
        guard let backend = backend(at: instance.endpoint) else {
            return add(instance, from: place, now: now) != nil
        }
        if backend.place == place, backend.naming == .named, !backend.state.isLeaving,
            backend.instance == instance
        {
            return true
        }
        // A better source that names it as well decides; once that one no longer does, this one
        // may.
        let isLeft = backend.state.isLeaving || backend.naming != .named
        guard backend.place >= place || isLeft else { return true }
        let old = backend.instance
        if old.isSucceeded(by: instance) {
            send(.succeeded, to: backend.id, now: now)
            return add(instance, from: place, now: now) != nil
        }
        if old.share != instance.share, !isRescaled {
            record(.share(from: old.share, to: instance.share), backend, now: now)
        }
        let wasLeaving = backend.state.isLeaving
        update(backend.id) { backend in
            if case .missing = backend.naming {
                if wasLeaving { backend.flaps = min(backend.flaps + 1, 16) }
                backend.lastFlap = now
            }
            // The drain has not ended yet; what it waited for no longer counts.
            backend.naming = .named
            backend.isReserve = false
            backend.missingUntil = nil
            backend.lostAt = nil
        }
        send(.named, to: backend.id, now: now)
        guard self.backend(backend.id) != nil else {
            return add(instance, from: place, now: now) != nil
        }
        update(backend.id) { backend in
            backend.instance = instance
            backend.isElsewhere = options.isElsewhere(instance)
            backend.place = place
        }
        if instance.isPassing { send(.admittedAsPassing, to: backend.id, now: now) }
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

    // MARK: No good answer

    private func fail(
        _ failure: DiscoveryFailure, _ place: UInt8, now: ContinuousClock.Instant
    ) {
        let kind = failure.kind
        let index = Int(place)
        sources[index].failures[kind, default: 0] += 1
        sources[index].lastFailure = .init(at: now, failure: failure)
        let hold = options.holds[kind] - sources[index].recalledAge
        var outage =
            sources[index].outage
            ?? SourceStatus.Outage(
                since: now, kind: kind, kindSince: now, until: now + hold, kindsSeen: [])
        if outage.kindsSeen.insert(kind).inserted {
            let holds = table.contains { $0.place == place }
            record(.sourceFailed(title(place), failure, hold: holds ? hold : nil), now: now)
        }
        // Once a hold is over, another way of failing is no news that could begin a new one.
        if outage.kind != kind, !outage.isOver {
            outage.kind = kind
            outage.kindSince = now
            outage.hasWaitedForFailover = false
            outage.until = min(now + hold, outage.since + options.holds.longest)
        }
        sources[index].outage = outage
        if outage.mayFailOver, !outage.isOver { loseAll(place, until: outage.until, now: now) }
        if !outage.isOver {
            arm(outage.until)
            // Each failure looks again whether others could take over by now.
            if outage.mayFailOver { arm(max(now, outage.kindSince + options.holds.withFailover)) }
        }
        advance(to: now)
    }
}

extension Instance {
    fileprivate var share: JournalEvent.Share { .init(priority: priority, weight: weight) }
}
