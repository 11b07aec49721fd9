// Invariants: what must hold at every step of a simulation, whatever happens.
//
// | what                                   | when                                                 |
// |----------------------------------------|------------------------------------------------------|
// | the rotation is not empty              | an instance has served for as long as checks, and a  |
// |                                        | service that refuses, take to find that out          |
// | somebody gets a good answer            | the same, and requests were sent in that second      |
// | no request begins on a backend that is | always, once a worker can know; but for an emergency,|
// | known to be out                        | which is for using those                             |
// | shares are within 1 % of weights       | over each 20 s in which nothing is the matter        |
// | one that comes back gets no more than  | in each of the 10 s after it came into the rotation  |
// | its share                              |                                                      |
// | at most half are ejected by answers    | always                                               |
// | no repeatable request fails            | one instance at most is not well, for a while        |
// | none waits for longer than 2.5 s       | the same, and the service is busy                    |
// | who is well is not blamed for less     | always                                               |
// | than a run of failed answers           |                                                      |
// | who answers is not blamed for silence  | always                                               |
// | nobody is blamed for failed answers    | all instances fail, each 40 times in a row           |
// | somebody is not blamed for silence     | no instance answers                                  |
// | one failed answer ends a probation     | one instance fails, alone                            |
// | a good answer ends one as well         | always, after three at most                          |
// | who fails every other answer is out    | it has for 10 s, alone, with its share of requests   |
// | within 10 s                            |                                                      |

import Backends
import Balancing
import Evidence
import Proxy

/// Watches over one simulation. Value type.
struct Invariants {
    /// What a worker's shares are measured from. `Simulation` has two workers.
    private struct Mark {
        var clock = 0.0
        var begun = 0
    }

    /// What is counted for one worker.
    private struct Watch {
        /// Grows with each request by what a weight of 1 is to get of it: a backend is due its
        /// weight times this. Those that can't answer in time are left out: their share is the
        /// others'.
        var clock = 0.0
        var usefulWeight = 0
        /// When the rotation or the world changed last.
        var changedAt = 0
        var quietSince: Int?
        var quietMarks: [BackendID: Mark] = [:]
        var newcomers: [BackendID: Mark] = [:]
        var isFirstRotation = true
        /// What failing backends got on this probation.
        var begunOnProbation: [BackendID: Int] = [:]
    }

    /// What was broken since it was taken last, at most ten of it.
    private var violations: [String] = []
    /// Shares that were measured over a quiet time, and seconds of backends that came back.
    private(set) var quietTimes = 0
    private(set) var returns = 0

    private let policy: Policy
    private var watches: [ObjectIdentifier: Watch] = [:]
    private var goodBefore = 0
    private var sentBefore = 0
    private var lastGeneration: UInt64 = 0
    /// When more than one instance was not well, last.
    private var manyUnwellAt = 0
    /// Whether no instance answers, or all fail unseen.
    private var isAllMute = false
    private var isAllFailing = false
    /// The backends blamed for silence since none answers, by worker.
    private var blamed: [ObjectIdentifier: Set<BackendID>] = [:]

    private static let second = 1_000_000

    /// Two checks, the time that a service refuses, and the news of it.
    private let recoveryTime: Int

    /// Whether enough requests come that three wait where one is silent.
    private let isBusy: Bool

    init(_ options: SimulationOptions) {
        policy = options.policy
        isBusy = options.clients >= 12 * options.instances
        recoveryTime = 2 * options.checkInterval + 12 * Self.second
    }

    /// What was broken since this was asked last.
    mutating func takeViolations() -> [String] {
        defer { violations = [] }
        return violations
    }

    private mutating func violated(_ text: String, _ simulation: Simulation) {
        if violations.count < 10 {
            violations.append("at \(Double(simulation.now) / 1e6) s: \(text)")
        }
    }

    // MARK: What happens

    mutating func rotationChanged(_ worker: SimulatedWorker, _ world: World, at now: Int) {
        let key = ObjectIdentifier(worker)
        var watch = watches[key] ?? Watch()
        if !watch.isFirstRotation {
            for backend in worker.backends where backend.enteredAt == now {
                watch.begunOnProbation[backend.id] = nil
                watch.newcomers[backend.id] = Mark(clock: watch.clock, begun: backend.begun)
            }
        }
        watch.isFirstRotation = worker.backends.isEmpty
        watches[key] = watch
        worldChanged(worker, world, at: now)
    }

    mutating func worldChanged(_ worker: SimulatedWorker, _ world: World, at now: Int) {
        let key = ObjectIdentifier(worker)
        var watch = watches[key] ?? Watch()
        watchAll(world)
        let useful = worker.backends.filter { backend in
            // One on probation gets less than its share, and the others the rest of it.
            guard !backend.record.isOnProbation else { return false }
            switch world.condition(backend.number) {
            case .well, .maligned, .flaky: return true
            case .crashed, .hung, .mute, .slow, .failing, .sick: return false
            }
        }
        watch.usefulWeight = useful.reduce(0) { $0 + $1.weight }
        watch.changedAt = now
        watch.quietSince = nil
        watches[key] = watch
    }

    mutating func began(
        on backend: SimulatedBackend, _ worker: SimulatedWorker, _ simulation: Simulation
    ) {
        let key = ObjectIdentifier(worker)
        if let weight = watches[key]?.usefulWeight {
            watches[key]?.clock += 1 / Double(max(weight, backend.weight))
        }
        countOnProbation(backend, key, simulation)
        guard simulation.roster.emergency == nil else { return }
        let newsTime = simulation.options.publishDelay + 2_000
        guard simulation.now - simulation.emergencyEnd > newsTime else { return }
        let state = simulation.roster.backend(backend.id)?.state
        switch state?.phase {
        case .discovered, .checking, .up: return
        case .ejected, .down, .draining, .gone, nil: break
        }
        let age = state.map { simulation.age(of: $0.since) } ?? .max
        guard age > newsTime else { return }
        violated(
            "a request on \(backend.number), which is \(String(describing: state?.phase))",
            simulation)
    }

    /// Counts what a backend on probation gets from a worker although it fails: one answer is
    /// enough, and one more may have begun before the news of it came.
    private mutating func countOnProbation(
        _ backend: SimulatedBackend, _ key: ObjectIdentifier, _ simulation: Simulation
    ) {
        guard simulation.roster.backend(backend.id)?.state.isOnProbation == true,
            let (number, instance) = simulation.world.onlyUnwell,
            number == backend.number, instance.condition == .failing
        else {
            watches[key]?.begunOnProbation[backend.id] = nil
            return
        }
        let count = (watches[key]?.begunOnProbation[backend.id] ?? 0) + 1
        watches[key]?.begunOnProbation[backend.id] = count
        if count > 2 { violated("\(number) fails, and got \(count) on probation", simulation) }
    }

    mutating func requestFailed(_ simulation: Simulation) {
        let unwell = simulation.world.instances.values.count { $0.condition != .well }
        guard unwell <= 1, simulation.world.instances.count >= 3 else { return }
        guard case .truthful = simulation.world.mood else { return }
        guard simulation.now - manyUnwellAt > recoveryTime else { return }
        violated("a request failed though one instance at most was not well", simulation)
    }

    /// A repeatable request still waits on `backend`, which will not answer, after so many
    /// microseconds in all.
    mutating func waits(
        on backend: SimulatedBackend, for time: Int, _ simulation: Simulation
    ) {
        guard isBusy, time > 2_500_000, simulation.world.onlyUnwell?.number == backend.number,
            simulation.now - manyUnwellAt > recoveryTime + time
        else { return }
        violated("a request waits on \(backend.number) for \(time / 1000) ms", simulation)
    }

    // MARK: Blame

    mutating func reported(
        _ report: Report, _ worker: SimulatedWorker, _ simulation: Simulation
    ) {
        guard case .liveFailed(let id, let failure) = report,
            let backend = worker.backends.first(where: { $0.id == id })
        else { return }
        let (world, now) = (simulation.world, simulation.now)
        let instance = world.instances[backend.number]
        switch failure {
        case .answers(let count, _):
            if let instance, instance.condition == .well,
                now - instance.conditionSince > Self.second,
                count < 3
            {
                violated("\(backend.number) is well, and blamed: \(failure)", simulation)
            }
            // By then each share is nearly all.
            if isAllFailing, worker.backends.allSatisfy({ $0.record.answers.count >= 40 }) {
                violated("all fail, and \(backend.number) is blamed: \(failure)", simulation)
            }
        case .silent:
            if !simulation.traffic.isStuck(at: backend.number) {
                violated("\(backend.number) answers, and is blamed: \(failure)", simulation)
            }
            if isAllMute {
                let key = ObjectIdentifier(worker)
                blamed[key, default: []].insert(id)
                if blamed[key]?.count ?? 0 >= world.instances.count {
                    violated("nobody answers, and all are blamed: \(failure)", simulation)
                }
            }
        case .errorRate, .slow: break
        }
    }

    private mutating func watchAll(_ world: World) {
        let all = world.instances.values
        isAllMute = all.allSatisfy { $0.condition == .mute }
        if !isAllMute { blamed = [:] }
        isAllFailing = all.allSatisfy { $0.condition == .failing }
    }

    /// A backend that fails every other answer is ejected for that.
    private mutating func checkFlaky(_ simulation: Simulation) {
        guard isSharing, let (number, instance) = simulation.world.onlyUnwell,
            instance.condition == .flaky,
            simulation.now - instance.conditionSince > 10 * Self.second,
            simulation.now - manyUnwellAt > recoveryTime,
            let backend = simulation.workers[0].backends.first(where: { $0.number == number }),
            simulation.roster.backend(backend.id)?.state.ejections == 0
        else { return }
        violated("\(number) fails every other answer, and was not ejected", simulation)
    }

    // MARK: Every second

    mutating func secondOver(_ simulation: Simulation) {
        let (world, now) = (simulation.world, simulation.now)
        checkFlaky(simulation)
        if world.instances.values.count(where: { $0.condition != .well }) > 1 { manyUnwellAt = now }
        let traffic = simulation.traffic
        let sent = traffic.good + traffic.errors + traffic.failed
        if world.hasServed(for: recoveryTime, at: now) {
            for worker in simulation.workers where worker.rotation?.isEmpty ?? true {
                violated("the rotation is empty", simulation)
            }
            if sent > sentBefore + 20, traffic.good == goodBefore {
                violated("of \(sent - sentBefore) requests none had a good answer", simulation)
            }
        }
        (sentBefore, goodBefore) = (sent, traffic.good)
        checkEjections(simulation)
        for worker in simulation.workers {
            checkNewcomers(worker, simulation)
            checkQuiet(worker, simulation)
            for backend in worker.backends
            where backend.record.isOnProbation && backend.goodSinceEntry > 3 {
                let count = backend.goodSinceEntry
                violated(
                    "\(backend.number) is on probation after \(count) good answers", simulation)
            }
        }
    }

    private mutating func checkEjections(_ simulation: Simulation) {
        let roster = simulation.roster
        // An ejected backend leaves the rotation.
        guard lastGeneration != roster.rotation.generation else { return }
        lastGeneration = roster.rotation.generation
        let ejected = roster.backends.count { backend in
            guard backend.state.phase == .ejected, case .liveFailed = backend.state.cause else {
                return false
            }
            return true
        }
        let most = max(1, roster.stayingCount * roster.options.ejectShareMax / 100)
        // Some of those that were counted may have left since.
        if ejected > most, roster.leavingCount == 0 {
            violated("\(ejected) of \(roster.stayingCount) ejected", simulation)
        }
    }

    private mutating func checkNewcomers(_ worker: SimulatedWorker, _ simulation: Simulation) {
        let key = ObjectIdentifier(worker)
        guard var watch = watches[key], !watch.newcomers.isEmpty else { return }
        for backend in worker.backends {
            guard let mark = watch.newcomers[backend.id] else { continue }
            if simulation.now - backend.enteredAt > 10 * Self.second {
                watch.newcomers[backend.id] = nil
                continue
            }
            let due = Double(backend.weight) * (watch.clock - mark.clock)
            let got = Double(backend.begun - mark.begun)
            returns += 1
            if isSharing, !isAllMute, got > 1.25 * due + tolerance(due) + 3 {
                violated(
                    "\(backend.number) is back and got \(got), its share is \(due)", simulation)
            }
            watch.newcomers[backend.id] = Mark(clock: watch.clock, begun: backend.begun)
        }
        watches[key] = watch
    }

    private mutating func checkQuiet(_ worker: SimulatedWorker, _ simulation: Simulation) {
        let key = ObjectIdentifier(worker)
        guard var watch = watches[key] else { return }
        let now = simulation.now
        let isQuiet =
            simulation.world.isWell && now - watch.changedAt > settlingTime
            && worker.backends.count == simulation.world.instances.count
            && !worker.backends.contains { $0.record.isOnProbation }
            && simulation.traffic.stuck.isEmpty
        if isQuiet, let since = watch.quietSince, now - since < 20 * Self.second { return }
        if isQuiet, watch.quietSince != nil {
            quietTimes += 1
            for backend in worker.backends { checkShare(of: backend, watch, simulation) }
        }
        watch.quietSince = isQuiet ? now : nil
        watch.quietMarks = [:]
        for backend in worker.backends where isQuiet {
            watch.quietMarks[backend.id] = Mark(clock: watch.clock, begun: backend.begun)
        }
        watches[key] = watch
    }

    private mutating func checkShare(
        of backend: SimulatedBackend, _ watch: Watch, _ simulation: Simulation
    ) {
        guard isSharing, let mark = watch.quietMarks[backend.id] else { return }
        let due = Double(backend.weight) * (watch.clock - mark.clock)
        let got = Double(backend.begun - mark.begun)
        // Two turns: what was begun at the start of the time, and at its end.
        if abs(got - due) > 0.01 * due + tolerance(due) + 2 {
            violated("\(backend.number) got \(got) in quiet times, its share is \(due)", simulation)
        }
    }

    /// Whether the policy shares out by weight.
    private var isSharing: Bool {
        switch policy {
        case .roundRobin, .randomOfTwo, .leastConnections, .leastTime: true
        case .consistentHash, .firstFit: false
        }
    }

    /// How long after the last trouble shares are to be right again. A slow answer is forgotten
    /// late: 700 ms have become 20 ms after 36 s.
    private var settlingTime: Int { policy == .leastTime ? 45 * Self.second : 3 * Self.second }

    /// What chance may add: four standard deviations.
    private func tolerance(_ due: Double) -> Double {
        switch policy {
        case .randomOfTwo, .leastTime: 4 * due.squareRoot()
        case .roundRobin, .leastConnections, .consistentHash, .firstFit: 0
        }
    }
}
