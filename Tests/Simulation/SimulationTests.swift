// Goal: whatever happens in a day, no rule of `Invariants` is broken.
// Method: roster, rotations and balancers are real, the world around them is simulated and repeats
// exactly by its seed. A test run takes some hours of a day in seconds; FAIRLEAD_SIMULATION_DAYS=1
// takes whole days, and FAIRLEAD_SIMULATION_SEED another one.

import Balancing
import Glibc
import Random
import Testing

@Suite struct SimulationTests {
    private static func number(_ name: String) -> Int? {
        unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
    }

    private static let days = number("FAIRLEAD_SIMULATION_DAYS")
    private static let seed = UInt64(number("FAIRLEAD_SIMULATION_SEED") ?? 1)

    /// Lets episodes happen one after the other, each followed by a quiet time long enough for the
    /// longest ejection to end, and a share to be measured.
    private func run(_ options: SimulationOptions, _ episodes: [Episode], calm: Int = 80)
        -> Simulation
    {
        let simulation = Simulation(options)
        simulation.run(until: 30_000_000)
        expectNone(simulation, "the start")
        for episode in episodes {
            let seconds = episode.plan(simulation)
            simulation.run(until: simulation.now + (seconds + calm) * 1_000_000)
            expectNone(simulation, episode.rawValue)
        }
        return simulation
    }

    private func expectNone(_ simulation: Simulation, _ title: String) {
        let violations = simulation.invariants.takeViolations()
        let options = simulation.options
        #expect(
            violations.isEmpty, "seed \(options.seed), \(options.policy), \(title): \(violations)")
    }

    @Test("three backends, every kind of trouble", arguments: Policy.allCases)
    func three(policy: Policy) {
        var options = SimulationOptions(policy: policy, thinkTime: 200_000, seed: Self.seed)
        if policy == .firstFit { options.inFlightMax = 8 }
        let episodes = episodes(Episode.allCases)
        let simulation = run(options, episodes)
        #expect(simulation.invariants.quietTimes > episodes.count)
        #expect(simulation.invariants.returns > 0)
    }

    @Test("three busy backends, and what live requests alone tell")
    func busy() {
        let options = SimulationOptions(clients: 36, thinkTime: 200_000, seed: Self.seed)
        let few: [Episode] = [
            .hang, .hiddenHang, .hiddenFailure, .flakiness, .everythingFailsUnseen,
            .everythingHangs,
        ]
        _ = run(options, episodes(few), calm: 20)
    }

    @Test(
        "a few slow pages, among many requests and among hardly any",
        arguments: [(clients: 120, thinkTime: 200_000, pages: 300), (4, 1_000_000, 3)])
    func slowPages(clients: Int, thinkTime: Int, pages: Int) {
        var options = SimulationOptions(clients: clients, thinkTime: thinkTime, seed: Self.seed)
        options.pagesPerSlowOne = pages
        _ = run(options, [.slowPages], calm: 0)
    }

    @Test("a thousand backends and a thousand clients")
    func thousand() {
        let options = SimulationOptions(
            instances: 1000, clients: 1000, thinkTime: 10_000_000, checkInterval: 15_000_000,
            lookupInterval: 5_000_000, publishDelay: 200_000, seed: Self.seed)
        let few: [Episode] = [.deploy, .manyCrashes, .brokenChecks]
        let simulation = run(options, episodes(few), calm: 35)
        #expect(simulation.invariants.quietTimes > 0)
        #expect(simulation.invariants.returns > 0)
    }

    /// These episodes, or as many of all kinds at random as days have, two minutes each.
    private func episodes(_ few: [Episode]) -> [Episode] {
        guard let days = Self.days else { return few }
        var random = SplitMix64(seed: Self.seed)
        return (0..<days * 720).compactMap { _ in Episode.allCases.randomElement(using: &random) }
    }
}
