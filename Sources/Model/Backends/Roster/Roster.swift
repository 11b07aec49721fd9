// Roster: every backend of one service, whatever its state, and the rotation that follows from it.
// It takes what discovery says (Roster+Answers, Roster+Losses) and what checks and live traffic
// show (Roster+Evidence), knows what to do when none is up (Roster+Emergency), and answers three
// questions: which backends may get traffic (`rotation`), which to check (`checkTargets`), and when
// to come back (`nextDeadline`). It never reads a clock and does no I/O.

package import Endpoints

/// The backends of one service. Control thread only.
package final class Roster {
    /// Whose backends these are.
    package let service: ServiceID
    /// How answers and evidence are judged.
    package internal(set) var options: RosterOptions {
        didSet {
            rules = options.rules
            isPublishedStale = true
        }
    }
    /// The operator's overrides of single backends, whether or not they are there.
    package internal(set) var overrides = BackendOverrides()
    /// How each source is doing, by its place; at least one.
    package internal(set) var sources: [SourceStatus]
    /// Live failures that ejected no backend: the backend was the last one, or too many were
    /// ejected.
    package internal(set) var ejectionsRefused: UInt64 = 0
    /// The emergency while no backend is up, and until enough are up again; nil in ordinary times.
    package internal(set) var emergency: Emergency?
    /// How many emergencies there were.
    package internal(set) var emergencies: UInt64 = 0
    /// Changes exactly when a backend comes to the roster or leaves it, so that the caller need not
    /// compare `checkTargets` after every event.
    package private(set) var membership: UInt64 = 0
    /// When `advance` has to be called; nil for never. Never late; early if its reason has gone
    /// meanwhile, in which case `advance` only finds the next one.
    package internal(set) var nextDeadline: ContinuousClock.Instant?

    /// When an ejection was refused last; nil for never.
    var lastEjectionRefused: ContinuousClock.Instant?
    /// Whether a backend that discovery lost may have become worth a recall.
    var mayRecall = false
    /// Whether as many new backends may be up as were lost.
    var mayReplace = false
    /// Whether a source's backends may have come up that others were waiting for.
    var mayFailOver = false
    /// Changes whenever an answer changes what discovery says about a backend.
    var namings: UInt64 = 0
    private(set) var census = Census()
    private var expelled: [BackendID] = []
    private var streamEnds: [StreamEnds] = []
    private var random: any RandomNumberGenerator
    private var rules: BackendState.Rules
    private let numbers: BackendIDs
    private let journal: Journal
    var table = BackendTable()
    private(set) var idsByEndpoint: [Endpoint: BackendID] = [:]
    var published: Rotation
    var isPublishedStale = false
    /// When backends are due, by their numbers; see Roster+Deadlines.
    var dueBackends = DueHeap()
    /// The backend whose deadline is being handled: it goes back when that is done.
    var dueNow: BackendID?
    /// All backends in the order of the rotation; see Roster+Rotation.
    var order: [BackendID] = []
    var isOrderStale = false

    /// The most sources of one service: datacentres to fail over to, in most cases one or two.
    package static let placesMax = 16

    /// An empty roster fed by so many sources. `ids` and `journal` are those of the process, shared
    /// by all rosters; `random` varies how long ejections last.
    /// - Precondition: `options` are as `RosterOptions.isValid` says; `places` is 1 to `placesMax`.
    package init(
        service: ServiceID, options: RosterOptions = RosterOptions(), places: Int = 1,
        ids: BackendIDs, journal: Journal,
        random: some RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        precondition(options.isValid && (1...Self.placesMax).contains(places))
        sources = Array(repeating: SourceStatus(), count: places)
        self.service = service
        self.options = options
        self.random = random
        rules = options.rules
        numbers = ids
        self.journal = journal
        published = Rotation(service: service, generation: 0, tiers: [])
    }

    // MARK: What follows

    /// How many backends are up; O(1).
    package var upCount: Int { census.up }

    /// How many backends are down or ejected; O(1).
    package var outCount: Int { census.out }

    /// How many backends are still in their first checks, or before them; O(1).
    package var pendingCount: Int { census.pending }

    /// How many backends drain in order to leave; O(1).
    package var leavingCount: Int { census.leaving }

    /// How many backends are new and have nothing against them; O(1).
    var untriedCount: Int { census.untried }

    /// How many backends do not drain; O(1).
    package var stayingCount: Int { count - census.draining }

    /// Whether there is no backend for requests, up or not: discovery names none, or all of them
    /// drain.
    package var isWithoutBackends: Bool { stayingCount == 0 && upCount == 0 && untriedCount == 0 }

    /// How many backends there are; O(1).
    package var count: Int { table.count }

    /// All backends, the oldest first.
    /// - Complexity: O(n log n).
    package var backends: [Backend] {
        // Sorting moves numbers, and not whole backends.
        table.ids.sorted().compactMap { table[$0] }
    }

    /// The backends that `isWanted` wants, the oldest first.
    /// - Complexity: O(n), and O(k log k) for the k that are wanted.
    package func backends(where isWanted: (Backend) -> Bool) -> [Backend] {
        table.filter(isWanted).sorted { $0.id < $1.id }
    }

    /// Whether the source at this place names a backend, or named one that is still here.
    /// - Complexity: O(n), but the first backend answers if there is only one source.
    package func hasBackends(from place: Int) -> Bool {
        table.contains { Int($0.place) == place }
    }

    /// The numbers of all backends.
    /// - Complexity: O(n).
    package var ids: Set<BackendID> { Set(table.ids) }

    /// The backend with this number; nil if it is gone or another service's.
    package func backend(_ id: BackendID) -> Backend? {
        table[id]
    }

    /// The backend at this endpoint; nil if there is none.
    package func backend(at endpoint: Endpoint) -> Backend? {
        idsByEndpoint[endpoint].flatMap { table[$0] }
    }

    /// A backend to check.
    package struct CheckTarget: Sendable, Hashable {
        /// Under which number to report the result.
        package let id: BackendID
        /// Where to connect, unless checks have a port of their own.
        package let endpoint: Endpoint
        /// The name that the endpoint was resolved from; empty for none.
        package let hostName: String
    }

    /// The backends to check: all, so that the state of one that stops draining is known; none when
    /// checks are off. See `membership`.
    /// - Complexity: O(n).
    package var checkTargets: Set<CheckTarget> {
        guard options.checks != nil else { return [] }
        var targets: Set<CheckTarget> = []
        table.forEach {
            targets.insert(
                CheckTarget(
                    id: $0.id, endpoint: $0.endpoint, hostName: $0.instance.hostName))
        }
        return targets
    }

    /// The holds without which backends would leave now.
    /// - Complexity: O(n).
    package var holds: [SourceStatus.Hold] {
        var holds: [SourceStatus.Hold] = []
        for (place, source) in sources.enumerated() {
            guard let outage = source.outage, !outage.isOver else { continue }
            let kept = table.count {
                $0.place == place && $0.state.phase != .draining
            }
            holds.append(.init(kind: outage.kind, until: outage.until, backends: kept))
        }
        var last: ContinuousClock.Instant?
        let heldCount = table.count {
            guard let end = $0.heldUntil else { return false }
            last = max(last ?? end, end)
            return true
        }
        if let last { holds.append(.init(kind: .massLoss, until: last, backends: heldCount)) }
        return holds
    }

    /// The backends whose drain reached its limit, or whose process has ended, since this was last
    /// asked: what still runs on them has to be closed. They are gone, but for those that only an
    /// operator drains.
    package func takeExpelled() -> [BackendID] {
        defer { expelled = [] }
        return expelled
    }

    /// The streams that have to end, found since the last call.
    package func takeStreamEnds() -> [StreamEnds] {
        defer { streamEnds = [] }
        return streamEnds
    }

    // MARK: Changing backends

    /// Adds a backend; nil when the limit is reached.
    func add(
        _ instance: Instance, from place: UInt8, now: ContinuousClock.Instant
    ) -> BackendID? {
        guard count < options.backendsMax, let id = numbers.allocate() else { return nil }
        var backend = Backend(id: id, instance: instance, state: BackendState(now: now))
        backend.place = place
        backend.isElsewhere = options.isElsewhere(instance)
        let eligibility = eligibility
        table.insert(backend)
        census.add(backend.state)
        recordChange(from: nil, to: backend.state, since: eligibility)
        idsByEndpoint[instance.endpoint] = id
        membership += 1
        isOrderStale = true
        record(.phase(from: nil, to: .discovered, .named), backend, now: now)
        override(backend, by: overrides[instance.endpoint], now: now)
        if options.checks == nil {
            send(.admittedUnchecked, to: id, now: now)
        } else if instance.isPassing {
            send(.admittedAsPassing, to: id, now: now)
        }
        return id
    }

    /// Changes a backend apart from its state; does nothing if it is gone.
    func update(_ id: BackendID, _ change: (inout Backend) -> Void) {
        guard let index = table.index(of: id) else { return }
        let (before, naming) = table.read(index) { ($0.contender, $0.naming) }
        change(&table[index: index])
        queue(&table[index: index])
        let (after, newNaming, state) = table.read(index) { ($0.contender, $0.naming, $0.state) }
        let (place, newPlace) = (before.member.tier.place, after.member.tier.place)
        if newNaming != naming || newPlace != place { namings += 1 }
        if newPlace != place, state.phase == .up { moveUp(from: place, to: newPlace) }
        if after != before, eligibility.admits(state) { isPublishedStale = true }
        if after.member.tier != before.member.tier {
            isOrderStale = true
            if options.failoverPercent > 0 { isPublishedStale = true }
        }
    }

    /// Passes an event to a backend's state, and does what follows from the change. `jitter` is 0
    /// to 1, see `BackendState.handle`.
    func send(
        _ event: BackendState.Event, to id: BackendID, jitter: Double = 0,
        now: ContinuousClock.Instant
    ) {
        guard let index = table.index(of: id) else { return }
        let before = table.read(index) { $0.state }
        let transition = table[index: index].state.handle(
            event, now: now, rules: rules, jitter: jitter)
        let after = table.read(index) { $0.state }
        if after.upSince != before.upSince { table[index: index].ramp = newRamp(now: now) }
        let eligibility = eligibility
        queue(&table[index: index])
        census.remove(before)
        census.add(after)
        recordChange(from: before, to: after, since: eligibility)
        if after.isWorthRecall, !before.isWorthRecall { mayRecall = true }
        if after.isLeaving != before.isLeaving { namings += 1 }
        let isUp = after.phase == .up
        if isUp != (before.phase == .up) {
            recordArrival(table[index: index], isUp: isUp)
            // Backends of an earlier source may no longer have to be held.
            if isUp, table.read(index, { $0.place > 0 }) { mayFailOver = true }
            countUp(isUp ? 1 : -1, of: table.read(index) { $0.place }, now: now)
        }
        if after.endsStreams, !before.endsStreams {
            endStreams(on: id, within: StreamEnds.time(withLeft: after.drainLeft(now: now)))
        }
        guard transition != nil || before.isOnProbation != after.isOnProbation else { return }
        let backend = table[index: index]
        guard let transition else {
            if before.isOnProbation, !after.isOnProbation {
                record(.probationEnded(isProven: event == .liveProven), backend, now: now)
            }
            return
        }
        record(
            .phase(from: transition.from, to: transition.to, transition.cause), backend, now: now)
        if options.endsStreamsWhenDown, transition.to == .down || transition.to == .ejected {
            endStreams(on: id, within: StreamEnds.whenDown)
        }
        if transition.to == .gone { remove(backend, transition.cause) }
    }

    private func remove(_ backend: Backend, _ cause: Cause) {
        census.remove(backend.state)
        table.remove(backend.id)
        idsByEndpoint[backend.endpoint] = nil
        membership += 1
        isOrderStale = true
        namings += 1
        if cause == .drainLimit || cause == .succeeded { expel(backend.id) }
    }

    /// The streams on this backend have to end, one by one within `time`.
    func endStreams(on id: BackendID, within time: Duration) {
        streamEnds.append(StreamEnds(backend: id, within: time))
    }

    /// What runs on this backend has to be closed.
    func expel(_ id: BackendID) { expelled.append(id) }

    /// The slow start of a backend that comes up now; nil in an emergency, in which it was in use
    /// all along, and where there is no slow start.
    private func newRamp(now: ContinuousClock.Instant) -> Ramp? {
        guard options.slowStart != nil, emergency?.mode != .routingToUnhealthy else { return nil }
        return Ramp(began: now)
    }

    /// Marks the rotation as stale: something changed that concerns more than one backend.
    func emergencyChanged(to emergency: Emergency?) {
        self.emergency = emergency
        isPublishedStale = true
    }

    /// A random number from 0 to below 1, for `send`.
    func drawJitter() -> Double {
        Double.random(in: 0..<1, using: &random)
    }

    /// Writes into the journal.
    func record(_ event: JournalEvent, _ backend: Backend? = nil, now: ContinuousClock.Instant) {
        journal.write(event, service: service, backend: backend, at: now)
    }
}
