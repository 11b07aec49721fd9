// Episodes: the ways in which a day goes wrong. Each begins with everything well, and sees to it
// that everything is well in the end; what is left of it after that is for the roster to get over.

import Backends

/// Something that happens to a service.
enum Episode: String, CaseIterable {
    /// One is killed, and comes back at the same address.
    case crash
    /// One is stopped in the middle of everything.
    case hang
    /// One is stopped, and its check passes.
    case hiddenHang
    /// Some pages take more than a second, others are as quick as ever.
    case slowPages
    /// One answers late.
    case slowness
    /// One answers 500, and its check 200.
    case hiddenFailure
    /// Every other answer of one is a 500, and its check passes.
    case flakiness
    /// One answers 500, its check as well.
    case openFailure
    /// One comes and goes every second.
    case flapping
    /// Each is replaced by another one at a new address.
    case deploy
    /// All are replaced by others in one answer, and live on for a while.
    case replacement
    /// One more, and a little later one less.
    case scaling
    /// Two thirds are deregistered at once and live on for a while; as many others come then.
    case shrinking
    /// One more, which is rolled back and lives on while all others are replaced in one answer.
    case canary
    /// A third, or one, is killed at once.
    case manyCrashes
    /// The registry names nothing.
    case nothingNamed
    /// The registry does not answer.
    case registryAway
    /// The registry forgets all but one.
    case massLoss
    /// All checks fail while the application works.
    case brokenChecks
    /// Checks break one after the other, and the registry stops naming those backends.
    case brokenChecksInRegistry
    /// A database is away: all answer 500.
    case everythingFails
    /// A database is away: all answer 500, and their checks 200.
    case everythingFailsUnseen
    /// A database does not answer: nothing does, but checks pass.
    case everythingHangs
    /// All are killed.
    case everythingCrashes

    /// Plans it, from now on; returns when it is over, in seconds.
    func plan(_ simulation: Simulation) -> Int {
        let numbers = simulation.world.registered
        let one = numbers[simulation.random(below: numbers.count)]
        switch self {
        case .crash: simulation.suffer(.crashed, [one], seconds: 15)
        case .hang: simulation.suffer(.hung, [one], seconds: 15)
        case .hiddenHang: simulation.suffer(.mute, [one], seconds: 30)
        case .flakiness: simulation.suffer(.flaky, [one], seconds: 30)
        case .everythingFailsUnseen: simulation.suffer(.failing, numbers, seconds: 12)
        case .everythingHangs: simulation.suffer(.mute, numbers, seconds: 6)
        case .slowPages:
            simulation.plan(0) { $0.world.hasSlowPages = true }
            simulation.plan(20) { $0.world.hasSlowPages = false }
        case .slowness: simulation.suffer(.slow, [one], seconds: 20)
        case .hiddenFailure: simulation.suffer(.failing, [one], seconds: 30)
        case .openFailure: simulation.suffer(.sick, [one], seconds: 15)
        case .manyCrashes:
            simulation.suffer(
                .crashed, Array(numbers.prefix(max(1, numbers.count / 3))), seconds: 15)
        case .brokenChecks: simulation.suffer(.maligned, numbers, seconds: 20)
        case .everythingFails: simulation.suffer(.sick, numbers, seconds: 12)
        case .everythingCrashes: simulation.suffer(.crashed, numbers, seconds: 12)
        case .flapping:
            for second in 0..<10 {
                simulation.suffer(.crashed, [one], seconds: 1, after: 2 * second)
            }
        case .nothingNamed: simulation.have(.failing(.nxdomain), seconds: 10)
        case .registryAway: simulation.have(.failing(.timeout), seconds: 20)
        case .massLoss: simulation.have(.forgetful(max(1, numbers.count / 10)), seconds: 10)
        case .brokenChecksInRegistry:
            simulation.suffer(.maligned, numbers, seconds: 12)
            for (step, left) in (0..<numbers.count).reversed().enumerated().prefix(8) {
                simulation.plan(step) {
                    $0.world.mood = left == 0 ? .failing(.nxdomain) : .forgetful(left)
                }
            }
            simulation.plan(12) { $0.world.mood = .truthful }
        case .deploy: return deploy(simulation, numbers)
        case .replacement: replace(numbers, from: (numbers.last ?? 0) + 1, simulation)
        case .shrinking:
            let old = numbers.suffix(numbers.count * 2 / 3)
            let next = (numbers.last ?? 0) + 1
            simulation.plan(0) { simulation in
                for number in old { simulation.world.deregister(number) }
            }
            simulation.plan(20) { simulation in
                for number in old { simulation.world.remove(number) }
                for index in 0..<old.count {
                    simulation.world.add(next + index, at: simulation.now)
                }
            }
        case .canary:
            let canary = (numbers.last ?? 0) + 1
            simulation.plan(0) { $0.world.add(canary, at: $0.now) }
            simulation.plan(6) { $0.world.deregister(canary) }
            replace(numbers, from: canary + 1, simulation, after: 9)
            simulation.plan(29) { $0.world.remove(canary) }
        case .scaling:
            let new = (numbers.last ?? 0) + 1
            simulation.plan(0) { $0.world.add(new, at: $0.now) }
            simulation.retire(new, after: 15)
        }
        return 32
    }

    /// All of them in one answer; the old ones live on for 20 s.
    private func replace(
        _ numbers: [Int], from next: Int, _ simulation: Simulation, after seconds: Int = 0
    ) {
        simulation.plan(seconds) { simulation in
            for (index, old) in numbers.enumerated() {
                simulation.world.add(next + index, at: simulation.now)
                simulation.world.deregister(old)
            }
        }
        simulation.plan(seconds + 20) { simulation in
            for old in numbers { simulation.world.remove(old) }
        }
    }

    /// An eighth at a time, or one: the new ones are there before the old ones are deregistered.
    private func deploy(_ simulation: Simulation, _ numbers: [Int]) -> Int {
        let next = (numbers.last ?? 0) + 1
        let pace = 3 + simulation.options.lookupInterval / 1_000_000
        var step = 0
        for batch in stride(from: 0, to: numbers.count, by: max(1, numbers.count / 8)) {
            let old = numbers[batch..<min(numbers.count, batch + max(1, numbers.count / 8))]
            simulation.plan(pace * step) { simulation in
                for index in old.indices { simulation.world.add(next + index, at: simulation.now) }
            }
            for number in old { simulation.retire(number, after: pace * (step + 1) - 1) }
            step += 1
        }
        return pace * step + 15
    }
}

extension Simulation {
    /// Does `act` after so many seconds.
    func plan(_ seconds: Int, _ act: @escaping (Simulation) -> Void) {
        agenda.add(.planned(act), at: now + seconds * 1_000_000 + random(below: 100_000))
    }

    /// Lets these instances be so for a while.
    func suffer(_ condition: Condition, _ numbers: [Int], seconds: Int, after: Int = 0) {
        plan(after) { simulation in
            for number in numbers {
                simulation.world.set(number, to: condition, at: simulation.now)
            }
        }
        plan(after + seconds) { simulation in
            for number in numbers { simulation.world.set(number, to: .well, at: simulation.now) }
        }
    }

    /// Lets the registry be so for a while.
    func have(_ mood: RegistryMood, seconds: Int) {
        plan(0) { $0.world.mood = mood }
        plan(seconds) { $0.world.mood = .truthful }
    }

    /// Deregisters an instance, which exits a second after the next lookup.
    func retire(_ number: Int, after seconds: Int) {
        plan(seconds) { $0.world.deregister(number) }
        plan(seconds + 1 + options.lookupInterval / 1_000_000) { $0.world.remove(number) }
    }
}
