// DeployRun: carries out one deploy: it looks at the new backends ten times a second, and has the
// service's source name what the phase asks for.

internal import Admin
internal import Backends
internal import Endpoints
internal import Events
internal import Health
internal import InstanceSources
internal import Stats
internal import WallClock
internal import Wording

/// A deploy under way, or the last one of its service. Control thread only.
final class DeployRun {
    /// How far it is.
    private(set) var state: DeployState
    /// The address that asked for it.
    let client: String
    /// The source that names the service's instances while it is under way.
    let source: DeployedSource
    private let service: ServiceControl
    private let registry: StatsRegistry
    private let beganAt = UTCTime.now.secondsSince1970
    /// Called after each change of the phase.
    var onPhase: (DeployRun) -> Void = { _ in }
    private var timer: Timer?
    private let checker: HealthChecker
    /// The new ones that have accepted a connection, where the service has no checks; nil where it
    /// has.
    private var accepted: Set<Endpoint>?
    /// The new ones to which a connection is under way.
    private var tried: Set<Endpoint> = []
    /// Why the last connection to each of the others failed, as a clause.
    private var refusals: [Endpoint: String] = [:]

    /// How long a connection to a new one may take.
    private static let connectLimit = Duration.seconds(2)
    /// How often the new ones are looked at.
    private static let interval = Duration.milliseconds(100)

    /// A deploy of `service` by `plan`, on behalf of `client`. The service has `source` by now, or
    /// gets it next; nothing is named differently before `begin`.
    init(
        _ plan: DeployPlan, of service: ServiceControl, by source: DeployedSource,
        client: String, in surroundings: ServiceSurroundings
    ) {
        let registry = surroundings.registry
        self.service = service
        self.source = source
        self.client = client
        self.registry = registry
        checker = surroundings.checker
        let old = plan.before.compactMap { service.roster.backend(at: $0.endpoint) }
        let usual = old.map { registry.liveFigures($0.id.rawValue) }
        state = DeployState(
            plan,
            usual: (usual.reduce(0) { $0 + $1.answers }, usual.reduce(0) { $0 + $1.failures }),
            drainLimit: plan.drain ?? service.roster.options.drainLimit, now: .now)
        timer = Timer(on: surroundings.loop) { [unowned self] in look() }
    }

    /// Whether it has not ended.
    var isUnderWay: Bool { !state.phase.isEnd }

    /// Names the new ones, and follows them from now on.
    func begin() {
        source.set(state.plan.instances(in: .checking))
        if service.roster.options.checks == nil { accepted = [] }
        look()
    }

    /// Has those of the new ones that have accepted no connection so far tried again.
    private func connect() {
        guard let accepted, state.phase == .checking else { return }
        for endpoint in state.plan.arrivals
        where !accepted.contains(endpoint) && tried.insert(endpoint).inserted {
            checker.tryConnecting(to: endpoint, within: Self.connectLimit) { [weak self] in
                self?.record($0, of: endpoint)
            }
        }
    }

    private func record(_ result: ProbeResult, of endpoint: Endpoint) {
        tried.remove(endpoint)
        switch result {
        case .passed: accepted?.insert(endpoint)
        case .failed(let failure): refusals[endpoint] = "no connection: \(failure)"
        case .inconclusive: refusals[endpoint] = "Fairlead has no descriptor left to try"
        }
    }

    /// Calls it off for this reason, a clause. Returns whether it did: the old ones may be on their
    /// way out already.
    func undo(_ why: String) -> Bool {
        guard state.undo(why, now: .now) else { return false }
        enterPhase()
        return true
    }

    /// Ends it, since the service has other sources by now. Nothing is named.
    func abandon(_ why: String) {
        timer?.cancel()
        if !state.undo(why, now: .now) { return }
        onPhase(self)
    }

    private func look() {
        connect()
        while state.look(sights, inFlight: requestsOnOldOnes, now: .now) { enterPhase() }
        if isUnderWay { timer?.schedule(after: Self.interval) }
    }

    private func enterPhase() {
        timer?.cancel()
        let plan = state.plan
        switch state.phase {
        case .checking, .watching: source.set(plan.instances(in: state.phase))
        case .draining:
            let why = "the deploy of \(client) has put others in its place"
            withdraw(plan.leavers, for: why, leaving: plan.after)
        case .done: break
        case .undone:
            let why = "its deploy was undone: \(state.failure ?? "")"
            withdraw(plan.arrivals, for: why, leaving: plan.before)
        }
        onPhase(self)
    }

    /// Has `endpoints` drain for this reason, a clause, so that `instances` are left.
    private func withdraw(
        _ endpoints: [Endpoint], for why: String, leaving instances: [Instance]
    ) {
        source.set(
            instances, withdrawn: Dictionary(uniqueKeysWithValues: endpoints.map { ($0, why) }))
        if let limit = state.plan.drain { service.limitDrains(of: endpoints, to: limit) }
    }

    private var sights: [DeployState.Sight] {
        state.plan.arrivals.compactMap { endpoint in
            guard let backend = service.roster.backend(at: endpoint) else { return nil }
            let figures = registry.liveFigures(backend.id.rawValue)
            let isAccepted = accepted?.contains(endpoint) ?? true
            return DeployState.Sight(
                endpoint, isUp: backend.state.phase == .up && isAccepted,
                why: isAccepted ? Self.why(backend) : refusals[endpoint] ?? "not tried yet",
                answers: figures.answers, failures: figures.failures)
        }
    }

    /// Why a backend is in its state, with the check that failed last.
    private static func why(_ backend: Backend) -> String {
        let state = "\(backend.state.phase.rawValue), \(backend.state.cause)"
        guard backend.state.phase != .up, let failure = backend.lastCheck?.failure else {
            return state
        }
        return "\(backend.state.phase.rawValue), its last check failed: \(failure)"
    }

    private var requestsOnOldOnes: Int {
        state.plan.leavers.reduce(0) { sum, endpoint in
            guard let backend = service.roster.backend(at: endpoint) else { return sum }
            return sum + registry.backendTotals(backend.id.rawValue, hasTimes: false)[.inFlight]
        }
    }

    /// The deploy as it is shown.
    func shown(isLasting: Bool) -> AdminDeploy {
        var shown = AdminDeploy(
            service: service.name, state.plan, beganAt: beganAt, isLasting: isLasting)
        let sights = sights
        shown.comes = state.plan.arrivals.map { endpoint in
            let sight = sights.first { $0.endpoint == endpoint }
            return (endpoint, sight?.isUp ?? false, sight?.why ?? "not there")
        }
        shown.phase = state.phase
        let took = state.timeToEnd ?? state.began.duration(to: .now)
        shown.seconds = took / .seconds(1)
        shown.secondsToMove = state.timeToMove.map { $0 / .seconds(1) }
        shown.secondsLeft = state.deadline.map { end in
            max(0, ContinuousClock.now.duration(to: end) / .seconds(1))
        }
        shown.failure = state.failure
        return shown
    }
}
