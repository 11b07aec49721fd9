// Simulation: a service of which everything is real but the network, the instances and the clock: a
// roster, its rotations, the watch for outliers, two workers with their balancers and their rules
// for what speaks against a backend and for when a request is repeated. Checks, lookups, reports
// and rotations take the time that they take in Fairlead, about.
//
// This file is the control thread's side; clients are in Simulation+Traffic, what must hold in
// Invariants.

import Backends
import Balancing
import Endpoints
import Evidence
import Random

/// What is simulated.
struct SimulationOptions {
    var policy = Policy.roundRobin
    var instances = 3
    var clients = 12
    /// How long a client waits after an answer, on average, in microseconds.
    var thinkTime = 100_000
    /// Between two checks of a backend, and between two lookups, in microseconds.
    var checkInterval = 2_000_000
    var lookupInterval = 1_000_000
    /// From something that the control thread learns to the rotation that follows, in microseconds;
    /// more for many backends, where each rotation costs the simulation a while.
    var publishDelay = 1_000
    /// Requests that a worker may have in flight on one backend; nil is no limit.
    var inFlightMax: Int?
    /// While some pages are slow, one in so many is.
    var pagesPerSlowOne = 300
    var seed: UInt64 = 1
}

/// One service under a clock that jumps.
final class Simulation {
    enum Event {
        case send(client: Int)
        case answered(Int)
        case looked(Int)
        case reported(Report)
        case checked(BackendID, timedOut: Bool)
        case lookedUp
        case publishing
        case delivered(worker: Int, Rotation)
        case secondOver
        case planned((Simulation) -> Void)
    }

    let options: SimulationOptions
    let roster: Roster
    let journal = Journal(capacity: 200)
    let workers: [SimulatedWorker]
    var world: World
    var agenda = Agenda<Event>()
    var random: SplitMix64
    var invariants: Invariants
    var traffic = Traffic()
    /// In microseconds since the start.
    private(set) var now = 0
    /// When an emergency ended last; in one, requests go to backends that are out.
    private(set) var emergencyEnd = 0
    private var wasEmergency = false
    private let start = ContinuousClock.now
    private var outliers = OutlierWatch()
    private var isPublishing = false
    private var published: Rotation?
    private var membership: UInt64 = 0
    private var checked: Set<BackendID> = []

    init(_ options: SimulationOptions) {
        self.options = options
        random = SplitMix64(seed: options.seed)
        world = World(count: options.instances)
        roster = Roster(
            service: ServiceID(index: 0), ids: BackendIDs(), journal: journal,
            random: SplitMix64(seed: options.seed &+ 1))
        workers = (0..<2).map { worker in
            let seed = options.seed &+ UInt64(worker)
            let balancer: Balancer =
                switch options.policy {
                case .randomOfTwo: RandomOfTwo(seed: seed)
                case .leastTime: LeastTime(seed: seed)
                default: Balancer.make(BalancerOptions(policy: options.policy), worker: worker)
                }
            return SimulatedWorker(balancer, inFlightMax: options.inFlightMax)
        }
        invariants = Invariants(options)
        agenda.add(.lookedUp, at: 0)
        agenda.add(.secondOver, at: 1_000_000)
        for client in 0..<options.clients {
            agenda.add(.send(client: client), at: 500_000 + random(below: 2 * options.thinkTime))
        }
    }

    /// Lets everything happen that happens before `time`, in microseconds.
    func run(until time: Int) {
        agenda.add(.planned { _ in }, at: time)
        while now < time, let next = agenda.removeFirst() {
            now = next.time
            handle(next.event)
        }
    }

    var instant: ContinuousClock.Instant { start + .microseconds(now) }

    /// How long ago something was, in microseconds.
    func age(of instant: ContinuousClock.Instant) -> Int {
        Int(instant.duration(to: self.instant) / .microseconds(1))
    }

    func random(below bound: Int) -> Int { Int.random(in: 0..<max(1, bound), using: &random) }

    private func handle(_ event: Event) {
        switch event {
        case .send(let client): send(client)
        case .answered(let number): answered(number)
        case .looked(let number): looked(number)
        case .reported(let report): learn(from: report)
        case .checked(let id, let timedOut): check(id, timedOut: timedOut)
        case .lookedUp: lookUp()
        case .publishing: publish()
        case .delivered(let worker, let rotation):
            workers[worker].update(to: rotation, at: now)
            invariants.rotationChanged(workers[worker], world, at: now)
        case .secondOver: endSecond()
        case .planned(let act):
            act(self)
            for worker in workers { invariants.worldChanged(worker, world, at: now) }
        }
    }

    // MARK: The control thread

    private func learn(from report: Report) {
        switch report {
        case .dialFailed(let id): roster.dialFailed(id, .refused, now: instant)
        case .liveFailed(let id, let failure): roster.liveFailed(id, failure, now: instant)
        case .proven(let id): roster.liveProven(id, now: instant)
        }
        rosterChanged()
    }

    private func check(_ id: BackendID, timedOut: Bool) {
        guard let backend = roster.backend(id) else {
            checked.remove(id)
            return
        }
        let condition = world.condition(World.number(backend.endpoint))
        if condition == .hung, !timedOut {
            agenda.add(.checked(id, timedOut: true), at: now + 1_000_000)
            return
        }
        if condition.passesChecks, !timedOut {
            roster.checkPassed(id, took: .milliseconds(2), now: instant)
        } else {
            let isClosed = condition == .crashed
            let failure: CheckFailure = timedOut ? .timeout : isClosed ? .refused : .status(500)
            roster.checkFailed(id, failure, took: .milliseconds(2), now: instant)
        }
        rosterChanged()
        // Quicker while much depends on it, as the real checks are.
        let failures = roster.backend(id)?.state.consecutiveFailures ?? 0
        let isSuspect = roster.wantsFastChecks || (1..<3).contains(failures)
        let interval = isSuspect ? options.checkInterval / 4 : options.checkInterval
        agenda.add(
            .checked(id, timedOut: false), at: now + interval * 9 / 10 + random(below: interval / 5)
        )
    }

    private func lookUp() {
        roster.apply(world.answer(), now: instant)
        rosterChanged()
        agenda.add(.lookedUp, at: now + options.lookupInterval)
    }

    private func rosterChanged() {
        roster.advance(to: instant)
        if wasEmergency, roster.emergency == nil { emergencyEnd = now }
        wasEmergency = roster.emergency != nil
        guard !isPublishing else { return }
        isPublishing = true
        agenda.add(.publishing, at: now + options.publishDelay)
    }

    private func publish() {
        isPublishing = false
        roster.advance(to: instant)
        if roster.membership != membership {
            membership = roster.membership
            for target in roster.checkTargets.sorted(by: { $0.id < $1.id })
            where checked.insert(target.id).inserted {
                roster.checkStarted(target.id, now: instant)
                agenda.add(
                    .checked(target.id, timedOut: false), at: now + 1_000 + random(below: 20_000))
            }
        }
        let rotation = roster.rotation
        guard rotation !== published else { return }
        published = rotation
        for worker in workers.indices {
            agenda.add(.delivered(worker: worker, rotation), at: now + 100 + random(below: 900))
        }
    }

    /// What all workers' counters say, once a second.
    private func weighTraffic() {
        var totals: [BackendID: OutlierWatch.Figures] = [:]
        for backend in workers.flatMap(\.backends) {
            totals[backend.id] = (totals[backend.id] ?? .init()) + backend.figures
        }
        let figures = totals.sorted { $0.key < $1.key }.map { (backend: $0.key, total: $0.value) }
        for outlier in outliers.update(now: instant, figures: figures) {
            roster.liveFailed(outlier.backend, outlier.failure, now: instant)
        }
    }

    private func endSecond() {
        weighTraffic()
        rosterChanged()
        if roster.leavingCount > 0 {
            let busy = workers.reduce(into: Set()) { $0.formUnion($1.busy) }
            for backend in roster.backends
            where backend.state.isLeaving && !busy.contains(backend.id) {
                roster.drained(backend.id, now: instant)
            }
        }
        if roster.emergency != nil {
            roster.liveWeight(
                answered: traffic.recentGood, failed: traffic.recentFailed, bytes: 0,
                now: instant)
        }
        invariants.secondOver(self)
        traffic.secondOver()
        agenda.add(.secondOver, at: now + 1_000_000)
    }
}
