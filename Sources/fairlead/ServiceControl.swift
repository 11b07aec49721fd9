// ServiceControl: one service on the control thread: its sources feed its roster, checks and failed
// dials decide its backends, and every change of the rotation goes to the workers.

import Backends
import Discovery
import Events
import Health
import Proxy
import Stats

/// A service's sources, roster and checks, wired together. Control thread only.
final class ServiceControl {
    let name: String
    let roster: Roster
    /// In the order of fail-over; their places on the roster.
    let sources: [any Source]
    private let registry: StatsRegistry
    private let publish: (Rotation) -> Void
    /// Called after every change, for what looks at all services.
    private let onChange: () -> Void
    private var published: Rotation?
    private var members: Set<BackendID> = []
    private var membership: UInt64?
    private var checks: ServiceChecks?
    private var deadlineTimer: Timer?
    private var drainTimer: Timer?

    /// How often backends that drain are looked at, to see whether they still have requests. Also
    /// the least time a drain takes, in which every worker has long taken up the new rotation.
    private static let drainLook = Duration.milliseconds(500)

    init(
        name: String, roster: Roster, sources: [any Source], checker: HealthChecker,
        health: HealthOptions, registry: StatsRegistry, on loop: EventLoop,
        publish: @escaping (Rotation) -> Void, onChange: @escaping () -> Void
    ) {
        self.name = name
        self.roster = roster
        self.sources = sources
        self.registry = registry
        self.publish = publish
        self.onChange = onChange
        deadlineTimer = Timer(on: loop) { [unowned self] in
            roster.advance(to: .now)
            settle()
        }
        drainTimer = Timer(on: loop) { [unowned self] in lookAtDrains() }
        checks = checker.watch(roster, options: health) { [unowned self] in settle() }
    }

    /// Begins to ask and to check.
    func start() {
        settle()
        for (place, source) in sources.enumerated() {
            source.start { [unowned self] answer in
                roster.apply(answer, from: place, now: .now)
                settle()
            }
        }
    }

    /// Takes notice of a dial that failed in a worker.
    func dialFailed(_ id: BackendID, _ error: Errno) {
        roster.dialFailed(id, DialFailure(error), now: .now)
        checks?.checkSoon(id)
        settle()
    }

    /// Draws the consequences of whatever changed in the roster.
    private func settle() {
        let rotation = roster.rotation
        if published !== rotation {
            published = rotation
            publish(rotation)
        }
        if membership != roster.membership {
            membership = roster.membership
            checks?.reconcile()
            forgetGone()
        }
        if let deadline = roster.nextDeadline {
            deadlineTimer?.schedule(after: deadline - .now)
        } else {
            deadlineTimer?.cancel()
        }
        if roster.drainingCount > 0, drainTimer?.isScheduled == false {
            drainTimer?.schedule(after: Self.drainLook)
        }
        onChange()
    }

    /// Ends the series of backends that are gone.
    private func forgetGone() {
        let now = Set(roster.backends.map(\.id))
        for id in members.subtracting(now) { registry.removeBackend(id.rawValue) }
        members = now
    }

    private func lookAtDrains() {
        for backend in roster.backends where backend.state.phase == .draining {
            if registry.backendTotals(backend.id.rawValue).inFlight == 0 {
                roster.drained(backend.id, now: .now)
            }
        }
        settle()
    }
}

extension DialFailure {
    fileprivate init(_ error: Errno) {
        switch error {
        case .connectionRefused: self = .refused
        case .timedOut: self = .timeout
        case .connectionReset: self = .reset
        case .hostUnreachable, .networkUnreachable: self = .unreachable
        default: self = .other
        }
    }
}
