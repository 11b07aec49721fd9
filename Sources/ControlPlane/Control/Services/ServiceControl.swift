// ServiceControl: one service on the control thread: its sources feed its roster, checks, live
// requests and operators decide its backends, and every change of the rotation goes to the workers.

internal import Backends
internal import Configuration
internal import Endpoints
internal import Events
internal import Health
internal import InstanceSources
internal import Proxy
internal import Stats
internal import TLS
internal import Traffic

/// Wires a service's sources, roster, checks and rotation together. Control thread only.
final class ServiceControl {
    /// The service as the configuration has it.
    private(set) var settings: Service
    let roster: Roster
    let sources: ServiceSources
    private let rotations: RotationPublisher
    private var evidence: ServiceEvidence
    private var operatorCommands = OperatorCommands()
    private let surroundings: ServiceSurroundings
    private var checks: ServiceChecks?
    private var deadlineTimer: Timer?
    private var drainTimer: Timer?

    /// How often draining backends are looked at, to see whether they still have requests. Also the
    /// least time a drain takes: by then every worker has applied the new rotation.
    static let drainLook = Duration.milliseconds(500)

    /// A service whose backends are on `roster`, fed by `sources`. Nothing is asked before `start`.
    init(
        _ settings: Service, roster: Roster, sources: [any Source],
        in surroundings: ServiceSurroundings
    ) {
        self.settings = settings
        self.roster = roster
        self.surroundings = surroundings
        self.sources = ServiceSources(sources, of: settings.name, roster, in: surroundings)
        rotations = RotationPublisher(of: roster, in: surroundings)
        evidence = ServiceEvidence(rules: settings.outliers)
        deadlineTimer = Timer(on: surroundings.loop) { [unowned self] in
            roster.advance(to: .now)
            settle()
        }
        drainTimer = Timer(on: surroundings.loop) { [unowned self] in lookAtDrains() }
        self.sources.onAnswer = { [unowned self] in settle() }
        rotations.onMembers = { [unowned self] in membersChanged() }
        roster.setOverrides(settings.overrides, now: .now)
        check()
    }

    var id: ServiceID { roster.service }
    var name: String { settings.name }
    /// Whether it asks and checks.
    var isRunning: Bool { sources.isRunning }

    private func check() {
        let registry = surroundings.registry
        checks = surroundings.checker.watch(
            roster, options: settings.check, tls: settings.tls.client.map(TLSClient.init(checked:)),
            speaks: settings.policy.speaks,
            liveAnswers: { UInt64(registry.liveFigures($0.rawValue).goodAnswers) },
            onChange: { [unowned self] in settle() })
    }

    /// Begins to ask and to check.
    func start() {
        settle()
        sources.start()
    }

    // MARK: - Changes

    /// Applies `new` settings. Backends are kept, with what is known about them, also those that
    /// new `sources` name as well. `sources` is nil when they stay the same.
    func update(to new: Service, sources: [any Source]?) {
        let change = ConfigurationChange.ServiceChange(from: settings, to: new)
        settings = new
        evidence.rules = new.outliers
        if change.checks { checks?.stop() }
        roster.setOptions(new.rosterOptions, now: .now)
        if change.checks { check() }
        override(by: .store)
        if change.roster || change.checks || change.proxy { roster.optionsChanged(now: .now) }
        if let sources { self.sources.replace(with: sources) }
        settle()
    }

    /// Has other sources name the instances: those of a deploy, or those of the settings again.
    func replaceSources(with new: [any Source]) {
        sources.replace(with: new)
        settle()
    }

    // MARK: - What an operator says

    /// Applies an operator's command to a backend.
    func apply(_ command: OperatorCommand, to backend: Backend, by origin: OperatorOrigin) {
        let written = settings.overrides[backend.endpoint]
        operatorCommands.record(command, about: backend, written: written)
        override(by: origin)
        settle()
    }

    /// Checks a backend as soon as possible. Returns whether the service has checks.
    func checkNow(_ id: BackendID, by origin: OperatorOrigin) -> Bool {
        guard roster.options.checks != nil else { return false }
        roster.checkOrdered(id, by: origin, now: .now)
        checks?.checkSoon(id)
        return true
    }

    /// Ejects a backend, unless it is the last.
    func orderEjection(_ id: BackendID, by origin: OperatorOrigin) -> OperatorEjection {
        defer { settle() }
        return roster.eject(id, by: origin, now: .now)
    }

    private func override(by origin: OperatorOrigin) {
        let all = operatorCommands.merged(with: settings.overrides)
        roster.setOverrides(all, by: origin, now: .now)
    }

    // MARK: - Leaving

    /// Stops asking and checking: no request is sent here from now on.
    func retire() {
        sources.stop()
        checks?.stop()
        deadlineTimer?.cancel()
        drainTimer?.cancel()
        rotations.stop()
    }

    /// Whether a request is in flight, waiting here or at a backend.
    var isBusy: Bool {
        surroundings.registry.serviceTotals(id.index)[.inFlight] > 0
    }

    /// Ends the counters of the service and of all its backends.
    func forget() { rotations.forget() }

    /// The drains of the backends at `endpoints` may take `limit` from now on.
    func limitDrains(of endpoints: [Endpoint], to limit: Duration) {
        for endpoint in endpoints {
            guard let backend = roster.backend(at: endpoint) else { continue }
            roster.limitDrain(backend.id, to: limit, now: .now)
        }
        settle()
    }

    // MARK: - What live requests show

    /// A dial to a backend failed in a worker.
    func dialFailed(_ id: BackendID, _ error: DialError) {
        roster.dialFailed(id, DialFailure(error), now: .now)
        checks?.checkSoon(id)
        settle()
    }

    /// A worker's live requests speak against a backend.
    func liveFailed(_ id: BackendID, _ failure: LiveFailure) {
        roster.liveFailed(id, failure, now: .now)
        checks?.checkSoon(id)
        settle()
    }

    /// A backend that was on probation has given a good answer.
    func proven(_ id: BackendID) {
        roster.liveProven(id, now: .now)
        settle()
    }

    /// Looks at what live requests came to within the last second; call it once a second.
    func weighTraffic() {
        guard isRunning else { return }
        evidence.weigh(roster, rotations.members, by: surroundings.registry, now: .now)
        settle()
    }

    // MARK: - What follows

    /// Does what follows from any change of the roster.
    private func settle() {
        rotations.rosterChanged()
        // After the rotation without these backends, so that ended streams don't come back to them.
        let ends = roster.takeStreamEnds()
        let expelled = roster.takeExpelled()
        if !ends.isEmpty || !expelled.isEmpty { publishNow() }
        for ends in ends {
            surroundings.workers.endStreams(to: [ends.backend], within: ends.within)
        }
        if !expelled.isEmpty { surroundings.workers.expel(expelled) }
        if let deadline = roster.nextDeadline {
            deadlineTimer?.schedule(after: deadline - .now)
        } else {
            deadlineTimer?.cancel()
        }
        if roster.leavingCount > 0, drainTimer?.isScheduled == false {
            drainTimer?.schedule(after: Self.drainLook)
        }
        surroundings.onChange()
    }

    /// Publishes now what waits, so that what is shown is what is in force.
    func publishNow() { rotations.publishNow() }

    /// Checks the backends that are on the roster now, and forgets commands about others.
    private func membersChanged() {
        if operatorCommands.keepOnly({ roster.backend($0) != nil }) { override(by: .store) }
        checks?.reconcile()
    }

    private func lookAtDrains() {
        for backend in roster.backends where backend.state.isLeaving {
            if surroundings.registry.backendTotals(backend.id.rawValue)[.inFlight] == 0 {
                roster.drained(backend.id, now: .now)
            }
        }
        settle()
    }
}

extension DialFailure {
    fileprivate init(_ error: DialError) {
        let errno: Errno
        switch error {
        case .tls(let fault):
            self = .insecure("\(fault)")
            return
        case .notHTTP2:
            self = .notHTTP2
            return
        case .system(let error): errno = error
        }
        switch errno {
        case .connectionRefused: self = .refused
        case .timedOut: self = .timeout
        case .connectionReset: self = .reset
        case .hostUnreachable, .networkUnreachable: self = .unreachable
        default: self = .other
        }
    }
}
