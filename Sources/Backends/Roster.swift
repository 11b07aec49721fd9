// Roster: every backend of one service, whatever its state, and the rotation that follows from it.
// It takes what discovery says (Roster+Answers) and what checks and live traffic show
// (Roster+Evidence), and answers three questions: who may get traffic (`rotation`), whom to check
// (`checkTargets`), and when to come back (`nextDeadline`). It never reads a clock and does no I/O.

package import Endpoints

/// The backends of one service. Control thread only.
package final class Roster {
    /// Whose backends these are.
    package let service: ServiceID
    /// How answers and evidence are judged.
    package internal(set) var options: RosterOptions { didSet { rules = options.rules } }
    /// What an operator says of single backends, whether or not they are there.
    package internal(set) var overrides = BackendOverrides()
    /// How each source is doing, by its place; at least one.
    package internal(set) var sources: [SourceStatus]
    /// Dials that failed on the last backend in the rotation, which stayed for that.
    package internal(set) var lastBackendKept: UInt64 = 0
    /// Changes exactly when a backend comes to the roster or leaves it, so that the caller need not
    /// compare `checkTargets` after every event.
    package private(set) var membership: UInt64 = 0
    /// When `advance` has to be called; nil for never. Never late; early if what it was for has been
    /// settled meanwhile, in which case `advance` does nothing but find the next one.
    package private(set) var nextDeadline: ContinuousClock.Instant?

    private var rules: BackendState.Rules
    private let ids: BackendIDs
    private let journal: Journal
    private var backendsByID: [BackendID: Backend] = [:]
    private var idsByEndpoint: [Endpoint: BackendID] = [:]
    private var published: Rotation
    private var isPublishedStale = false

    /// The most sources of one service: datacentres to fail over to, in most cases one or two.
    package static let placesMax = 16

    /// An empty roster fed by so many sources. `ids` and `journal` are those of the process, shared
    /// by all rosters.
    /// - Precondition: rise, fall, misses and limits of `options` are at least 1; `places` is 1 to
    ///   `placesMax`.
    package init(
        service: ServiceID, options: RosterOptions = RosterOptions(), places: Int = 1,
        ids: BackendIDs, journal: Journal
    ) {
        let rules = options.rules
        precondition(rules.rise >= 1 && rules.fall >= 1 && options.missesToDrain >= 1)
        precondition(options.backendsMax >= 1 && (1...Self.placesMax).contains(places))
        precondition((0...100).contains(options.failoverPercent))
        sources = Array(repeating: SourceStatus(), count: places)
        self.service = service
        self.options = options
        self.rules = rules
        self.ids = ids
        self.journal = journal
        published = Rotation(service: service, generation: 0, tiers: [])
    }

    // MARK: What follows

    /// The backends that may get new traffic: those that are up. While none is, those of which
    /// nothing is known yet, neither good nor bad: at the start a request is better tried on them
    /// than refused, and a dial that fails goes on to the next.
    ///
    /// The same object as before unless something changed that matters to traffic. Built when asked
    /// for: take it once per turn of the loop, not per event.
    /// - Complexity: O(1) if nothing changed, else O(n log n).
    package var rotation: Rotation {
        guard isPublishedStale else { return published }
        isPublishedStale = false
        let usable = backendsByID.values.filter {
            upCount > 0 ? $0.state.phase == .up : $0.state.isUntried
        }
        let tiers = Rotation.tiers(of: usable.map(\.member), strength)
        if tiers != published.tiers {
            published = Rotation(
                service: service, generation: published.generation + 1, tiers: tiers)
        }
        return published
    }

    private var strength: Rotation.Strength {
        var strength = Rotation.Strength(failoverPercent: options.failoverPercent)
        guard options.failoverPercent > 0 else { return strength }
        for backend in backendsByID.values where backend.state.phase != .draining {
            strength.totals[backend.tier, default: 0] += 1
        }
        return strength
    }

    /// How many backends are up; O(1).
    package private(set) var upCount = 0

    /// How many backends drain in order to leave; O(1).
    package private(set) var leavingCount = 0

    /// How many backends there are; O(1).
    package var count: Int { backendsByID.count }

    /// All backends, the oldest first.
    /// - Complexity: O(n log n).
    package var backends: [Backend] {
        backendsByID.values.sorted { $0.id < $1.id }
    }

    /// The backend with this number; nil if it is gone or another service's.
    package func backend(_ id: BackendID) -> Backend? {
        backendsByID[id]
    }

    /// The backend at this endpoint; nil if there is none.
    package func backend(at endpoint: Endpoint) -> Backend? {
        idsByEndpoint[endpoint].flatMap { backendsByID[$0] }
    }

    /// Something to check.
    package struct CheckTarget: Sendable, Hashable {
        /// Under which number to report the result.
        package let id: BackendID
        /// Where to connect, unless checks have a port of their own.
        package let endpoint: Endpoint
    }

    /// Whom to check: every backend, so that one which stops draining is found in the state that it
    /// deserves; none when checks are off. See `membership`.
    /// - Complexity: O(n).
    package var checkTargets: Set<CheckTarget> {
        guard options.checks != nil else { return [] }
        return Set(backendsByID.values.map { CheckTarget(id: $0.id, endpoint: $0.endpoint) })
    }

    /// The holds without which backends would leave now.
    /// - Complexity: O(n).
    package var holds: [SourceStatus.Hold] {
        var holds: [SourceStatus.Hold] = []
        for (place, source) in sources.enumerated() {
            guard let outage = source.outage, !outage.isOver else { continue }
            let kept = backendsByID.values.count {
                $0.place == place && $0.state.phase != .draining
            }
            holds.append(.init(kind: outage.kind, until: outage.until, backends: kept))
        }
        let ends = backendsByID.values.compactMap(\.heldUntil)
        if let last = ends.max() {
            holds.append(.init(kind: .massLoss, until: last, backends: ends.count))
        }
        return holds
    }

    // MARK: Changing backends

    /// Adds a backend; nil when the limit is reached.
    func add(
        _ instance: Instance, from place: UInt8, now: ContinuousClock.Instant
    ) -> BackendID? {
        guard count < options.backendsMax, let id = ids.take() else { return nil }
        var backend = Backend(id: id, instance: instance, state: BackendState(now: now))
        backend.place = place
        backendsByID[id] = backend
        idsByEndpoint[instance.endpoint] = id
        membership += 1
        if upCount == 0 || options.failoverPercent > 0 { isPublishedStale = true }
        record(.phase(from: nil, to: .discovered, .named), backend, now: now)
        override(backend, by: overrides[instance.endpoint], now: now)
        if options.checks == nil { send(.admittedUnchecked, to: id, now: now) }
        return id
    }

    /// Changes what is not state; nothing if the backend is gone.
    func update(_ id: BackendID, _ change: (inout Backend) -> Void) {
        guard var backend = backendsByID[id] else { return }
        let before = backend.member
        change(&backend)
        backendsByID[id] = backend
        if backend.member != before { isPublishedStale = true }
    }

    /// Passes an event to a backend's state, and does what follows from the change.
    func send(_ event: BackendState.Event, to id: BackendID, now: ContinuousClock.Instant) {
        guard var backend = backendsByID[id] else { return }
        let wasUntried = backend.state.isUntried
        let wasLeaving = backend.state.isLeaving
        let transition = backend.state.handle(event, now: now, rules: rules)
        backendsByID[id] = backend
        if wasLeaving { leavingCount -= 1 }
        if backend.state.isLeaving { leavingCount += 1 }
        if upCount == 0, backend.state.isUntried != wasUntried { isPublishedStale = true }
        if let deadline = backend.state.deadline { arm(deadline) }
        guard let transition else { return }
        record(
            .phase(from: transition.from, to: transition.to, transition.cause), backend, now: now)
        if transition.from == .up { upCount -= 1 }
        if transition.to == .up { upCount += 1 }
        if transition.from == .up || transition.to == .up || options.failoverPercent > 0 {
            isPublishedStale = true
        }
        if transition.to == .gone {
            backendsByID[id] = nil
            idsByEndpoint[backend.endpoint] = nil
            membership += 1
        }
    }

    /// Writes into the journal.
    func record(_ event: JournalEvent, _ backend: Backend? = nil, now: ContinuousClock.Instant) {
        journal.write(event, service: service, backend: backend, at: now)
    }

    // MARK: Deadlines

    /// Makes sure that `advance` is called at `deadline`.
    func arm(_ deadline: ContinuousClock.Instant) {
        nextDeadline = min(nextDeadline ?? deadline, deadline)
    }

    /// Finds the earliest deadline anew.
    func rearm() {
        nextDeadline = nil
        for backend in backendsByID.values {
            if let deadline = backend.state.deadline { arm(deadline) }
            if let until = backend.heldUntil { arm(until) }
            if let until = backend.missingUntil { arm(until) }
        }
        for source in sources {
            if let outage = source.outage, !outage.isOver { arm(outage.until) }
        }
    }
}

extension Backend {
    /// When its hold for mass loss ends; nil if it has none, or left all the same.
    var heldUntil: ContinuousClock.Instant? {
        guard !state.isLeaving, case .held(let until) = naming else { return nil }
        return until
    }
}
