// ServiceControl: one service on the control thread: its sources feed its roster, checks and failed
// dials decide its backends, and every change of the rotation goes to the workers.

internal import Backends
internal import Configuration
internal import Endpoints
internal import Events
internal import Evidence
internal import Health
internal import InstanceSources
internal import Proxy
internal import Stats

/// A service's sources, roster and checks, wired together. Control thread only.
final class ServiceControl {
    /// The service as the configuration has it.
    private(set) var settings: Service
    let roster: Roster
    /// In the order of fail-over; their places on the roster.
    private(set) var sources: [any Source]
    private let surroundings: Surroundings
    private var published: Rotation?
    private var members: Set<BackendID> = []
    private var membership: UInt64?
    private var checks: ServiceChecks?
    private var outliers: OutlierWatch
    private var operatorCommands = OperatorCommands()
    /// What was odd about the last answer of each source, by its place.
    private var findings: [Int: [String]] = [:]
    /// Requests in flight, over the last seconds.
    private var loads = RecentMean()
    /// What each backend had of them before discovery lost most; as many as now while it has not.
    private var usualLoad = 0.0
    private var deadlineTimer: Timer?
    private var drainTimer: Timer?
    private var follower: Pacer?
    /// Whether it asks and checks.
    private(set) var isRunning = false
    private var leftOutByPlace: [Int: [LeftOut]] = [:]

    /// An instance that is no backend.
    struct LeftOut: Equatable, CustomStringConvertible {
        /// Where it is.
        let endpoint: Endpoint
        /// Why, as a phrase.
        let why: String
        /// A sentence without its end.
        var description: String { "\(endpoint) is left out: \(why)" }
    }

    /// What the last answers name and is no backend, since it is this process itself.
    var leftOut: [LeftOut] { leftOutByPlace.sorted { $0.key < $1.key }.flatMap(\.value) }

    /// How often backends that drain are looked at, to see whether they still have requests. Also
    /// the least time a drain takes, in which every worker has long taken up the new rotation.
    static let drainLook = Duration.milliseconds(500)
    /// Up to so many backends, each change is followed at once.
    private static let pacedCount = 100
    /// With more of them the least time between two rotations, and what each backend adds to it:
    /// when thousands are checked one by one, that shall not make thousands of rotations of
    /// thousands.
    private static let paceMin = Duration.milliseconds(10)
    private static let pacePerBackend = Duration.microseconds(50)

    /// What all services have in common.
    struct Surroundings {
        let checker: HealthChecker
        let registry: StatsRegistry
        let loop: EventLoop
        /// Where good answers are kept for the next process; nil for nowhere.
        let stateFile: () -> StateFile?
        /// Makes a rotation what the workers pick from.
        let publish: (Rotation) -> Void
        /// Ends what is still under way on backends whose drains have lasted as long as they may.
        let expel: ([BackendID]) -> Void
        /// Says for the service of that name why an instance can't be a backend of it, as a phrase;
        /// nil when it can.
        let objections: (String) -> (Endpoint) -> String?
        /// Takes note of an instance that is none, as a sentence without its end.
        let noteLeftOut: (String) -> Void
        /// Ends the streams on a backend.
        let endStreams: (StreamEnds) -> Void
        /// Called after every change, for what looks at all services.
        let onChange: () -> Void
    }

    init(
        _ settings: Service, roster: Roster, sources: [any Source], in surroundings: Surroundings
    ) {
        self.settings = settings
        self.roster = roster
        self.sources = sources
        self.surroundings = surroundings
        outliers = OutlierWatch(rules: settings.outliers)
        deadlineTimer = Timer(on: surroundings.loop) { [unowned self] in
            roster.advance(to: .now)
            settle()
        }
        drainTimer = Timer(on: surroundings.loop) { [unowned self] in lookAtDrains() }
        follower = Pacer(on: surroundings.loop) { [unowned self] in follow() }
        roster.setOverrides(settings.overrides, now: .now)
        check()
    }

    var id: ServiceID { roster.service }
    var name: String { settings.name }

    private func check() {
        let registry = surroundings.registry
        checks = surroundings.checker.watch(
            roster, options: settings.check,
            liveAnswers: { UInt64(registry.liveFigures($0.rawValue).goodAnswers) },
            onChange: { [unowned self] in settle() })
    }

    /// Begins to ask and to check.
    func start() {
        isRunning = true
        settle()
        ask()
    }

    private func ask() {
        for (place, source) in sources.enumerated() {
            let key = AnswerMemory.Key(service: name, source: source.summary)
            source.start { [unowned self] answer in
                let answer = withoutOwn(answer, at: place)
                remember(answer, of: key, at: place)
                // By then it may be another's place.
                let isCurrent = sources.indices.contains(place)
                roster.apply(
                    answer, from: place, stands: isCurrent && sources[place].answersStand,
                    isDeliberate: isCurrent && sources[place].isDeliberate,
                    critical: isCurrent ? sources[place].findings.critical : [],
                    withdrawn: isCurrent ? sources[place].findings.withdrawn : [], now: .now)
                noteFindings(of: source, at: place)
                settle()
            }
        }
    }

    /// Writes down what has become odd about a source's answers, and that it is no more.
    private func noteFindings(of source: any Source, at place: Int) {
        let found = source.findings
        guard found.kinds != findings[place, default: []] else { return }
        findings[place] = found.kinds
        let text =
            found.sentences.isEmpty
            ? "nothing is odd any more"
            : found.sentences
                .joined(separator: "; ")
        roster.sourceNoted(text, from: place, now: .now)
    }

    /// The answer without instances that are this process itself.
    private func withoutOwn(_ answer: DiscoveryAnswer, at place: Int) -> DiscoveryAnswer {
        guard case .instances(let instances) = answer else { return answer }
        var out: [LeftOut] = []
        let objection = surroundings.objections(name)
        for instance in instances {
            guard let why = objection(instance.endpoint) else { continue }
            let left = LeftOut(endpoint: instance.endpoint, why: why)
            if !out.contains(left) { out.append(left) }
        }
        if out != leftOutByPlace[place, default: []] {
            leftOutByPlace[place] = out
            for left in out { surroundings.noteLeftOut("\(name): \(left)") }
        }
        guard !out.isEmpty else { return answer }
        let own = Set(out.map(\.endpoint))
        return .instances(instances.filter { !own.contains($0.endpoint) })
    }

    /// Keeps a good answer for the next process; begins with that of the last one if the source
    /// fails from the start.
    private func remember(_ answer: DiscoveryAnswer, of key: AnswerMemory.Key, at place: Int) {
        guard let stateFile = surroundings.stateFile() else { return }
        let failure: DiscoveryFailure
        switch answer {
        case .instances(let instances) where !instances.isEmpty:
            stateFile.remember(instances, of: key)
            return
        case .instances: failure = .nodata
        case .failure(let why): failure = why
        }
        guard roster.sources[place].lastGoodAnswer == nil,
            let (instances, age) = stateFile.recall(key)
        else { return }
        let objection = surroundings.objections(name)
        let others = instances.filter { objection($0.endpoint) == nil }
        roster.recall(others, age: age, for: failure, from: place, now: .now)
    }

    // MARK: - Changes

    /// Makes the service what `new` says. Its backends carry on, with what is known of them; so do
    /// those that other `sources` name as well, which are nil when they stay the same.
    func update(to new: Service, sources: [any Source]?) {
        let change = ConfigurationChange.ServiceChange(from: settings, to: new)
        settings = new
        outliers.rules = new.outliers
        if change.checks { checks?.stop() }
        roster.setOptions(new.rosterOptions, now: .now)
        if change.checks { check() }
        override(by: .store)
        if change.roster || change.checks || change.proxy { roster.optionsChanged(now: .now) }
        if let sources {
            for source in self.sources { source.stop() }
            self.sources = sources
            leftOutByPlace = [:]
            roster.sourcesChanged(places: sources.count, now: .now)
            if isRunning { ask() }
        }
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

    /// Checks a backend as soon as may be. Returns whether there are checks.
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

    /// Asks and checks no more: no request is sent here from now on.
    func retire() {
        isRunning = false
        for source in sources { source.stop() }
        checks?.stop()
        deadlineTimer?.cancel()
        drainTimer?.cancel()
        follower?.cancel()
    }

    /// Whether a request is in flight, here or on its way to a backend.
    var isBusy: Bool {
        surroundings.registry.serviceTotals(id.index)[.inFlight] > 0
    }

    /// Ends the series of the service and of all its backends.
    func forget() {
        for backend in members { surroundings.registry.removeBackend(backend.rawValue) }
        members = []
        surroundings.registry.removeService(id.index)
    }

    /// Takes notice of a dial that failed in a worker.
    func dialFailed(_ id: BackendID, _ error: Errno) {
        roster.dialFailed(id, DialFailure(error), now: .now)
        checks?.checkSoon(id)
        settle()
    }

    /// Takes notice of what a worker's live requests show against a backend.
    func liveFailed(_ id: BackendID, _ failure: LiveFailure) {
        roster.liveFailed(id, failure, now: .now)
        checks?.checkSoon(id)
        settle()
    }

    /// Takes notice of a good answer of a backend that was on probation.
    func proven(_ id: BackendID) {
        roster.liveProven(id, now: .now)
        settle()
    }

    /// Looks at what live requests came to within the last second; call it once a second.
    func weighTraffic() {
        guard isRunning else { return }
        let now = ContinuousClock.now
        let figures = members.map { id in
            (id, OutlierWatch.Figures(surroundings.registry.liveFigures(id.rawValue)))
        }
        for outlier in outliers.update(now: now, figures: figures) {
            roster.liveFailed(outlier.backend, outlier.failure, now: now)
        }
        weighLosses(now: now)
        if roster.emergency != nil {
            let recent = outliers.recent
            roster.liveWeight(
                answered: Int(recent.answers - recent.failures), failed: Int(recent.failures),
                now: now)
        }
        settle()
    }

    /// Compares the load of those that discovery names with what each backend had before it lost
    /// others.
    private func weighLosses(now: ContinuousClock.Instant) {
        guard roster.hasReserve else {
            loads.note(Double(surroundings.registry.serviceTotals(id.index)[.inFlight]))
            usualLoad = loads.mean / Double(max(1, roster.rotation.tiers.first?.count ?? 1))
            return
        }
        let serving = roster.rotation.tiers.first ?? []
        let inFlight = serving.reduce(0) {
            $0 + surroundings.registry.backendTotals($1.id.rawValue, hasTimes: false)[.inFlight]
        }
        loads.note(Double(inFlight))
        roster.weighLoad(
            now: loads.mean / Double(max(1, serving.count)), before: usualLoad, now: now)
    }

    /// Draws the consequences of whatever changed in the roster.
    private func settle() {
        follower?.ask(every: pace)
        // Behind the rotation without them, so that what goes elsewhere does not come back.
        let ends = roster.takeStreamEnds()
        let expelled = roster.takeExpelled()
        if !ends.isEmpty || !expelled.isEmpty { publishNow() }
        for ends in ends { surroundings.endStreams(ends) }
        if !expelled.isEmpty { surroundings.expel(expelled) }
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

    /// Publishes what waits to be published, so that what is shown is what is in force.
    func publishNow() { follower?.doNow() }

    /// The least time between two rotations.
    private var pace: Duration {
        let count = roster.count
        return count < Self.pacedCount ? .zero : max(Self.paceMin, Self.pacePerBackend * count)
    }

    /// Checks and counts who is on the roster now, and tells the workers who may get traffic.
    private func follow() {
        if membership != roster.membership {
            membership = roster.membership
            if operatorCommands.keepOnly({ roster.backend($0) != nil }) { override(by: .store) }
            checks?.reconcile()
            countMembers()
        }
        // Behind the above: a worker has to find the counters of those that it hears of.
        let rotation = roster.rotation
        guard published !== rotation else { return }
        published = rotation
        surroundings.publish(rotation)
    }

    /// Begins the series of backends that came, and ends those of backends that are gone.
    private func countMembers() {
        let now = roster.ids
        for id in now.subtracting(members) { surroundings.registry.addBackend(id.rawValue) }
        for id in members.subtracting(now) { surroundings.registry.removeBackend(id.rawValue) }
        members = now
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
