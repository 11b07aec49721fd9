// Registrar: registers the containers of an engine with a Consul agent. What is wanted is
// RegistrationPlan's to say, and what to do RegistrarLedger's: here are the sockets and the clock.
//
// Nothing is kept on disk. What this machine has registered is read from the agent, by the name of
// its owner in the metadata of each service: so a process that was killed at any point goes on
// where it was, an agent that lost its data gets all of it again, and a machine that comes back
// removes what its last life has left.

package import Consul
internal import Containers
package import Docker
internal import Endpoints
package import Events
internal import Lookups

/// Keeps an agent at what an engine runs. Loop thread only.
package final class Registrar {
    /// Requests that are under way at a time: an agent writes each registration to its disk.
    private static let requestsMax = 4
    /// How long it is between two plans at least: a storm of events must not become one of plans.
    private static let planInterval = Duration.milliseconds(10)
    /// Changes that may come at once before `rate` counts.
    private static let burst = 20
    /// How long `stop` takes at most.
    package static let stopLimit = Duration.seconds(10)

    /// What was done so far. Any thread.
    package struct Counts: Sendable, Equatable {
        /// Services that were registered, the same one each time.
        package internal(set) var registrations: UInt64 = 0
        /// Services that were removed.
        package internal(set) var deregistrations: UInt64 = 0
        /// Reports that the agent took.
        package internal(set) var reports: UInt64 = 0
        /// Lists that the agent gave.
        package internal(set) var lists: UInt64 = 0
        /// Requests of any kind that failed.
        package internal(set) var failures: UInt64 = 0
        /// How often services were found forgotten by the agent.
        package internal(set) var forgotten: UInt64 = 0
    }

    /// How it works.
    package let options: RegistrarOptions
    /// The engine.
    package let engine: DockerWatch
    /// What was done so far.
    package private(set) var counts = Counts()
    private let services: ConsulAgentServices
    private unowned let loop: EventLoop
    private let onNews: ([RegistrarNews]) -> Void
    private var plan: RegistrationPlan
    private var ledger: RegistrarLedger
    private var requests = 0
    /// Changes that may be made now, and when that was reckoned.
    private var allowance: (count: Double, at: ContinuousClock.Instant)
    private var planTimer: Timer?
    private var plannedAt = ContinuousClock.now - Registrar.planInterval
    private var timer: Timer?
    private var stopTimer: Timer?
    private var engineFailure: EngineFailure?
    /// The ids of the containers that changed since the last plan; nil for all.
    private var changed: Set<String>?
    /// Problems that were told, by the id of the container.
    private var told: [String: [String]] = [:]
    /// How it ends; nil before `stop`, and after.
    private var ending: RegistrarPolicy.Ending?
    private var onStopped: ((Bool) -> Void)?

    /// A registrar of the containers of `engine` with the first of `agents`. `onNews` is called
    /// with what happened, from the loop.
    ///
    /// - Precondition: The options are within their ranges.
    package init(
        _ options: RegistrarOptions, engine: DockerWatch, agents: ConsulAgents, on loop: EventLoop,
        onNews: @escaping ([RegistrarNews]) -> Void
    ) {
        precondition(!options.node.isEmpty && options.policy.rate > 0)
        precondition(options.policy.reportLife >= .seconds(1) && options.policy.resync > .zero)
        self.options = options
        self.engine = engine
        self.loop = loop
        self.onNews = onNews
        services = ConsulAgentServices(agents)
        plan = RegistrationPlan(options)
        let now = ContinuousClock.now
        ledger = RegistrarLedger(options, now: now)
        allowance = (Double(Self.burst), now)
        planTimer = Timer(on: loop) { [unowned self] in renewPlan() }
        timer = Timer(on: loop) { [unowned self] in act() }
    }

    deinit { services.cancel() }

    /// Begins.
    package func start() {
        engine.add(self) { [weak self] in self?.planSoon($0) }
        act()
    }

    private func planSoon(_ changes: DockerWatch.Changes) {
        switch changes {
        case .all: changed = nil
        case .containers(let containers): changed?.formUnion(containers.ids)
        }
        guard planTimer?.isScheduled == false else { return }
        planTimer?.schedule(after: max(.zero, plannedAt + Self.planInterval - .now))
    }

    /// Compares all that the agent holds with all that is wanted, now.
    package func resync() {
        ledger.listSoon(now: .now)
        act()
    }

    /// Why the engine or the agent can't be asked now, that one has not answered yet, or that this
    /// ends; empty when all goes well.
    package var troubles: [String] {
        var troubles: [String] = []
        if onStopped != nil { troubles.append("the registrar ends") }
        if let failure = engine.failure {
            troubles.append("\(failure)")
        } else if !engine.isKnown {
            troubles.append("the engine has not said yet which containers it runs")
        }
        if let failure = ledger.agentFailure {
            troubles.append("\(failure)")
        } else if !ledger.isListed {
            troubles.append("the agent has not said yet what it holds")
        }
        return troubles
    }

    /// Every service that is wanted or held, by id.
    package var rows: [RegistrarLedger.Row] { ledger.rows }
    /// What can't be done as a container asks, by its name.
    package var problems: [String: [String]] { plan.problems }
    /// Why nothing of a container that runs is registered, by its name.
    package var leftOut: [String: String] { plan.leftOut }

    /// Ends: does what the policy says of the registrations, and calls `completion` once, within
    /// `stopLimit`, with whether all of it was done.
    package func stop(completion: @escaping (Bool) -> Void) {
        guard onStopped == nil else { return }
        onStopped = completion
        let ending = options.policy.ending
        self.ending = ending
        engine.remove(self)
        planTimer?.cancel()
        switch ending {
        case .leave: ledger.renewReports(now: .now)
        case .deregister: ledger.want([:]) { _ in "the registrar ends" }
        }
        let limit = Timer(on: loop) { [unowned self] in finishStop(false) }
        stopTimer = limit
        limit.schedule(after: Self.stopLimit)
        act()
    }

    private func finishStop(_ isComplete: Bool) {
        guard let completion = onStopped else { return }
        stopTimer?.cancel()
        timer?.cancel()
        services.cancel()
        onStopped = nil
        ending = nil
        completion(isComplete)
    }

    // MARK: - The plan

    private func renewPlan() {
        guard ending == nil else { return }
        plannedAt = .now
        var news: [RegistrarNews] = []
        defer { if !news.isEmpty { onNews(news) } }
        if let failure = engine.failure {
            if failure != engineFailure { news.append(.engineFailed(failure)) }
            engineFailure = failure
            return
        }
        guard engine.isKnown else { return }
        if engineFailure != nil {
            engineFailure = nil
            news.append(.engineFollowed)
        }
        var machine: IPAddress?
        if case .remote(let address) = engine.vantage { machine = address }
        let difference = plan.update(engine.inventory, of: machine, changed: changed)
        changed = []
        ledger.want(plan.registrations, changed: difference.services) { [unowned self] in
            plan.absence(of: $0)
        }
        for id in difference.containers.sorted() {
            let known = plan.problems(of: id)
            for problem in known?.problems ?? [] where told[id]?.contains(problem) != true {
                news.append(.problem(container: known?.name ?? "", problem))
            }
            told[id] = known?.problems
        }
        act()
    }

    // MARK: - Requests

    /// Asks what is to be asked, as far as the pace allows, and sees that it is called again.
    private func act() {
        let now = ContinuousClock.now
        let passed = (now - allowance.at) / .seconds(1)
        allowance = (
            min(Double(Self.burst), allowance.count + passed * Double(options.policy.rate)), now
        )
        let free = min(Self.requestsMax - requests, Int(allowance.count))
        for action in ledger.next(now: now, max: free) {
            allowance.count -= 1
            send(action)
        }
        let news = ledger.takeNews()
        for case .forgotten(let count, _) in news { counts.forgotten += UInt64(count) }
        if !news.isEmpty { onNews(news) }
        if let ending, requests == 0, ledger.isSettled(now: now) || ending == .leave && isBlind {
            return finishStop(true)
        }
        arm(now)
    }

    /// Whether there is nothing to renew, or nobody to tell.
    private var isBlind: Bool {
        !ledger.isListed || !ledger.isPlanned || ledger.agentFailure != nil
    }

    private func arm(_ now: ContinuousClock.Instant) {
        // An answer calls `act` as well.
        guard requests < Self.requestsMax, let deadline = ledger.nextDeadline(now: now) else {
            timer?.cancel()
            return
        }
        let wait: Duration =
            allowance.count >= 1
            ? .zero : .seconds((1 - allowance.count) / Double(options.policy.rate))
        timer?.schedule(after: max(deadline - now, wait, .zero))
    }

    private func send(_ action: RegistrarLedger.Action) {
        requests += 1
        switch action {
        case .list:
            services.list { [unowned self] result in
                requests -= 1
                if case .success = result { counts.lists += 1 } else { counts.failures += 1 }
                ledger.finishList(result, now: .now)
                act()
            }
        case .find(let id): services.find(id) { [unowned self] in finish(action, $0) }
        case .register(let service, let replacesChecks):
            services.register(service, replacesChecks: replacesChecks) { [unowned self] in
                finish(action, $0)
            }
        case .report(let report, _):
            services.report(report.status, of: report.check, output: report.text) {
                [unowned self] in finish(action, $0)
            }
        case .deregister(let id):
            services.deregister(id) { [unowned self] in finish(action, $0) }
        }
    }

    private func finish(
        _ action: RegistrarLedger.Action, _ outcome: ConsulAgentServices.Outcome
    ) {
        requests -= 1
        switch (outcome, action) {
        case (.failed, _): counts.failures += 1
        case (_, .register): counts.registrations += 1
        case (_, .deregister): counts.deregistrations += 1
        case (_, .report): counts.reports += 1
        case (_, .list), (_, .find): break
        }
        ledger.finish(action, outcome, now: .now)
        act()
    }
}
