// Goal: a plan that is told which containers changed is the one that would be made of all of them,
// and says what has become different. Method: thousands of random events of few containers, which
// want the same ids and are in each other's networks, beside a new plan after each.

import Consul
import DockerAPI
import Lookups
import Random
import Testing

@testable import Containers
@testable import Registrar

@Suite struct PlanRenewalTests {
    private let options = RegistrarOptions(node: "host-1", RegistrarPolicy())

    private static func id(_ number: Int) -> String {
        String(repeating: String(number, radix: 16), count: 64)
    }

    /// A container that shares its id of a service, or its network, with others.
    private func ship(_ number: Int, _ random: inout SplitMix64) -> Ship {
        var ship = Ship(name: "c\(number)", id: String(number, radix: 16), created: number % 3)
        if number % 2 == 0 { ship.variables["SERVICE_ID"] = "same\(number % 4)" }
        if Bool.random(using: &random) { ship.variables["SERVICE_CHEK_TCP"] = "1" }
        if Bool.random(using: &random) { ship.variables["SERVICE_WEIGHT"] = "none" }
        if number % 5 == 4 { ship.mode = "container:\(Self.id(number - 1))" }
        ship.health = Bool.random(using: &random) ? .healthy : .none
        return ship
    }

    @Test(arguments: 1...20)
    func `what changed is enough`(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var inventory = ContainerInventory()
        var plan = RegistrationPlan(options)
        for _ in 0..<300 {
            let before = plan.registrations
            change(&inventory, &random)
            let changes = inventory.takeChanges()
            let difference = plan.update(inventory, changed: changes.ids)
            var whole = RegistrationPlan(options)
            whole.update(inventory)
            #expect(plan.registrations == whole.registrations)
            #expect(plan.problems == whole.problems)
            #expect(plan.leftOut == whole.leftOut)
            for number in 0..<10 {
                let short = ContainerID.short(Self.id(number))
                #expect(plan.absence(of: short) == whole.absence(of: short))
            }
            let different = Set(before.keys).union(plan.registrations.keys)
                .filter { before[$0] != plan.registrations[$0] }
            #expect(difference.services == different)
        }
    }

    /// Something happens to a container, and its engine is asked for it.
    private func change(_ inventory: inout ContainerInventory, _ random: inout SplitMix64) {
        let number = Int.random(in: 0..<10, using: &random)
        let id = Self.id(number)
        let actions: [EngineEvent.Action] = [
            .kill(signal: 15), .die(exitCode: 1), .destroy, .pause, .start, .change,
        ]
        let action = actions.randomElement(using: &random) ?? .change
        _ = inventory.apply(EngineEvent(container: id, action), now: .now)
        guard Bool.random(using: &random) else { return }
        while let ticket = inventory.nextQuestion() {
            switch ticket.question {
            case .list:
                // All that is known, or else it would be no more.
                let all = inventory.containers.values.map(\.summary)
                _ = inventory.apply(ContainerList(all), to: ticket)
            case .container(let id):
                let number = Int(id.prefix(1), radix: 16) ?? 0
                let details = ship(number, &random).container.details
                let isThere = Int.random(in: 0..<8, using: &random) > 0
                _ = inventory.apply(isThere ? details : nil, to: ticket)
            }
        }
    }
}
