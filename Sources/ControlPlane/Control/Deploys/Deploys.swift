// Deploys: the deploys of all services. An operator's deploy takes the place of a list that the
// configuration has, and of nothing else: who the instances of a service are is the business of its
// source, and where that is a registry or an engine, a second opinion would be a fight.
//
// | what happens meanwhile            | what becomes of a deploy under way                     |
// |-----------------------------------|--------------------------------------------------------|
// | its client goes away              | it goes on: a lost terminal decides nothing            |
// | another one of the service        | that is refused; the very same one joins this one      |
// | a reload that leaves the list     | it goes on                                             |
// | a reload with another list        | it is undone, and the configuration's list holds       |
// | a stop, an upgrade                | it is undone first, so that the next process begins    |
// |                                   | with instances that are known to serve                 |

internal import Admin
internal import Backends
internal import Configuration
internal import DNSWire
internal import Endpoints
internal import InstanceSources
internal import WallClock
internal import Wording

/// Begins deploys, and remembers what came of them. Control thread only.
final class Deploys {
    private let services: ServiceSet
    private let memory: DeployMemory
    private let journalLog: JournalLog
    /// The last deploy of each service, by its name.
    private var runs: [String: DeployRun] = [:]
    /// What the deploys of each service came to, by its name.
    private var tallies: [String: DeployTally] = [:]
    /// Whether no deploy begins any more: the process stops.
    private var isStopped = false

    /// Has begun none.
    init(_ services: ServiceSet, _ journalLog: JournalLog) {
        self.services = services
        memory = services.surroundings.deployed
        self.journalLog = journalLog
    }

    // MARK: - What clients ask for

    /// Begins a deploy on behalf of the client at that address, or says what it would do.
    func begin(
        _ request: AdminDeployRequest, of name: String, from client: IPAddress
    ) -> AdminDeployOutcome {
        guard let service = services[name] else { return .unknownService }
        if let refusal = refusal(of: service, to: request.to) { return refusal }
        if let run = runs[name], run.isUnderWay {
            if run.state.plan.to == request.to { return shown(run) }
            return .refused(
                "A deploy of \(name) to \(Self.list(run.state.plan.to)) is under way.",
                expected: "its end; or /services/\(name)/deploy/undo, which calls it off")
        }
        let plan = DeployPlan(
            before: instances(of: service), to: request.to, timeout: request.timeout,
            watch: request.watch, drain: request.drain)
        if request.isTrial || plan.isEmpty {
            var shown = AdminDeploy(
                service: name, plan, beganAt: UTCTime.now.secondsSince1970,
                isLasting: memory.isLasting)
            shown.isTrial = request.isTrial
            if plan.isEmpty { shown.phase = .done }
            return .shown(shown)
        }
        return begin(plan, of: service, from: client)
    }

    /// Calls off the deploy of this service; or, if none is under way, deploys what it had before
    /// the last one.
    func undo(_ name: String, from client: IPAddress) -> AdminDeployOutcome {
        guard let service = services[name] else { return .unknownService }
        if let run = runs[name], run.isUnderWay {
            guard run.undo("called off by \(client)") else {
                return .refused(
                    "The deploy of \(name) is over but for the drain of the old ones.",
                    expected: "its end; then another undo, which deploys those before")
            }
            return shown(run)
        }
        guard let deployed = memory[service.settings] else {
            return .refused(
                "\(name) has the instances of the configuration: there is nothing to undo.",
                expected: "a deploy before")
        }
        guard let before = deployed.before ?? service.settings.listedInstances else {
            return .refused(
                "Before its deploy \(name) had the instances of host names, whose addresses may be "
                    + "others by now.",
                expected: "a deploy to addresses; or a reload with another list of backends")
        }
        if let refusal = refusal(of: service, to: before.map(\.endpoint)) { return refusal }
        let usual = AdminDeployRequest(to: before.map(\.endpoint))
        return begin(
            DeployPlan(
                before: instances(of: service), to: usual.to, timeout: usual.timeout,
                watch: usual.watch), of: service, from: client)
    }

    /// The deploy of this service that is under way, or was last.
    func last(of name: String) -> AdminDeployOutcome {
        guard services[name] != nil else { return .unknownService }
        return runs[name].map(shown) ?? .none
    }

    /// What operators should know of a deploy of this service, as a sentence without its end: one
    /// under way, or one that holds; nil for none.
    func sentence(about service: ServiceControl) -> String? {
        if let run = runs[service.name], run.isUnderWay {
            return "a deploy of \(run.client): \(run.shown(isLasting: memory.isLasting).sentence)"
        }
        return memory[service.settings].map { deployed in
            let at = UTCTime(secondsSince1970: deployed.at).iso8601
            return "deployed to \(Self.list(deployed.instances.map(\.endpoint))) at \(at) by "
                + "\(deployed.by), in place of the configuration's list"
        }
    }

    /// What the deploys of this service came to in this process; nil where none can be begun.
    func tally(of service: ServiceControl) -> DeployTally? {
        guard service.settings.configuredList != nil else { return tallies[service.name] }
        var tally = tallies[service.name] ?? DeployTally()
        tally.isUnderWay = runs[service.name]?.isUnderWay ?? false
        return tally
    }

    // MARK: - What else happens

    /// Undoes what is under way for this reason, a clause.
    func cutShort(_ why: String) {
        for run in runs.values where run.isUnderWay { _ = run.undo(why) }
    }

    /// Undoes what is under way, and begins nothing more.
    func stop() {
        isStopped = true
        cutShort("Fairlead was stopped")
    }

    /// Another configuration runs. What it says of a list goes before what was deployed.
    func configurationChanged(_ change: ConfigurationChange) {
        let replaced = change.changed.filter(\.sources).map(\.service.name)
        for name in change.removed + replaced {
            runs[name]?.abandon("the configuration has changed where its instances come from")
        }
        for name in change.removed {
            runs[name] = nil
            tallies[name] = nil
        }
        for name in memory.forget(unlessOf: services.all.map(\.settings)) {
            note("\(name): the configuration has another list, so what was deployed is over")
        }
    }

    // MARK: - A deploy's course

    private func begin(
        _ plan: DeployPlan, of service: ServiceControl, from client: IPAddress
    ) -> AdminDeployOutcome {
        let source =
            service.sources.all.first as? DeployedSource
            ?? DeployedSource(plan.before, inPlaceOf: service.sources.all.first?.summary ?? "")
        let run = DeployRun(
            plan, of: service, by: source, client: "\(client)",
            in: services.surroundings)
        run.onPhase = { [unowned self] in phaseChanged($0, service) }
        runs[service.name] = run
        note("\(service.name): deploy to \(Self.list(plan.to)) begun by \(client)")
        if service.sources.all.first !== source { service.replaceSources(with: [source]) }
        run.begin()
        return shown(run)
    }

    private func phaseChanged(_ run: DeployRun, _ service: ServiceControl) {
        note("\(service.name): deploy: \(run.shown(isLasting: memory.isLasting).sentence)")
        switch run.state.phase {
        case .checking, .watching: break
        case .draining: remember(run, of: service)
        case .done, .undone:
            count(run.state, of: service.name)
            restoreConfigured(service, after: run)
        }
    }

    private func count(_ state: DeployState, of name: String) {
        let seconds = (state.timeToEnd ?? .zero) / .seconds(1)
        if state.phase == .done {
            tallies[name, default: DeployTally()].done.add(seconds)
        } else {
            tallies[name, default: DeployTally()].undone.add(seconds)
        }
    }

    /// From now on what was deployed holds.
    private func remember(_ run: DeployRun, of service: ServiceControl) {
        let (plan, settings) = (run.state.plan, service.settings)
        guard let configured = settings.configuredList else { return }
        // Back where it began.
        if let listed = settings.listedInstances, Set(listed.map(\.endpoint)) == Set(plan.to) {
            memory.set(nil, of: service.name)
            return
        }
        let before = memory[settings] == nil ? nil : plan.before
        memory.set(
            DeployedSet(
                plan.after, before: before, configured: configured, by: run.client,
                at: UTCTime.now.secondsSince1970), of: service.name)
    }

    /// The configuration's own list names the instances again, unless something else was deployed.
    private func restoreConfigured(_ service: ServiceControl, after run: DeployRun) {
        // After a reload it has another source already. The names in the list were good when it
        // was taken up.
        guard memory[service.settings] == nil, service.sources.all.first === run.source,
            let sources = try? services.makeSources(service.settings)
        else { return }
        service.replaceSources(with: sources)
    }

    // MARK: - Parts

    private func refusal(
        of service: ServiceControl, to endpoints: [Endpoint]
    ) -> AdminDeployOutcome? {
        guard !isStopped else {
            return .refused("Fairlead is stopping.", expected: "another Fairlead")
        }
        guard service.settings.configuredList != nil else {
            let sources = service.sources.all.map(\.summary).joined(separator: ", ")
            return .refused(
                "The instances of \(service.name) are those of \(sources), which decides on them.",
                expected: "a service with backends; register the new instances there, and Fairlead "
                    + "moves the requests once they pass their checks")
        }
        let objection = services.surroundings.objections(service.name)
        for endpoint in endpoints {
            guard let why = objection(endpoint) else { continue }
            return .refused("\(endpoint) can't be a backend: \(why).", expected: "another address")
        }
        return nil
    }

    /// The instances that the service has now.
    private func instances(of service: ServiceControl) -> [Instance] {
        if let source = service.sources.all.first as? DeployedSource { return source.instances }
        if let listed = service.settings.listedInstances { return listed }
        return service.roster.backends(where: { $0.naming == .named && !$0.state.isLeaving })
            .map(\.instance)
    }

    private func shown(_ run: DeployRun) -> AdminDeployOutcome {
        .shown(run.shown(isLasting: memory.isLasting))
    }

    private func note(_ text: String) {
        services.surroundings.journal.write(note: text, at: .now)
        journalLog.write()
    }

    private static func list(_ endpoints: [Endpoint]) -> String {
        let some = endpoints.prefix(4).map { "\($0)" }.joined(separator: ", ")
        return endpoints.count > 4 ? "\(some) and \(endpoints.count - 4) more" : some
    }
}

extension Service {
    /// The instances of its configured list; nil unless it is one of addresses alone.
    var listedInstances: [Instance]? {
        guard sources.count == 1, case .backends(let backends) = sources[0] else { return nil }
        var instances: [Instance] = []
        for backend in backends {
            guard let address = IPAddress(backend.address.host) else { return nil }
            instances.append(
                Instance(
                    Endpoint(address, backend.address.port), priority: backend.priority,
                    weight: backend.weight))
        }
        return instances
    }
}
