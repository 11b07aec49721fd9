// Goal: what is known of containers is never older than what was said last, traffic leaves before
// a process dies, and no more is asked than has to be. Method: events and answers in every order
// that matters, with the time passed in.

import DockerAPI
import Endpoints
import Random
import Testing

@testable import Containers

/// An inventory as an object, so that a call of it may stand in an expectation.
private final class Subject {
    private var inventory = ContainerInventory()

    var containers: [String: Container] { inventory.containers }
    var hasQuestion: Bool { inventory.hasQuestion }
    var isWhole: Bool { inventory.isWhole }
    var nextDeadline: ContinuousClock.Instant? { inventory.nextDeadline }

    func apply(_ event: EngineEvent, now: ContinuousClock.Instant) -> Bool {
        inventory.apply(event, now: now)
    }

    func apply(_ containers: [ContainerSummary], to ticket: ContainerInventory.Ticket) -> Bool {
        inventory.apply(ContainerList(containers), to: ticket)
    }

    func apply(_ details: ContainerDetails?, to ticket: ContainerInventory.Ticket) -> Bool {
        inventory.apply(details, to: ticket)
    }

    func applyUnreadable(_ ticket: ContainerInventory.Ticket) -> Bool {
        inventory.applyUnreadable(ticket)
    }

    func advance(to now: ContinuousClock.Instant) -> Bool { inventory.advance(to: now) }
    func nextQuestion() -> ContainerInventory.Ticket? { inventory.nextQuestion() }
    func failed(_ ticket: ContainerInventory.Ticket) { inventory.failed(ticket) }
    func refresh() { inventory.refresh() }
    func gap() { inventory.gap() }
    func takeChanges() -> ContainerInventory.Changes { inventory.takeChanges() }
    func ids(offeringTo service: String) -> Set<String> { inventory.ids(offeringTo: service) }
}

@Suite struct InventoryTests {
    private static let web = "0123456789ab"
    private static let api = "ba9876543210"
    private let start = ContinuousClock.now

    private func summary(
        _ id: String = web, _ state: ContainerSummary.State = .running,
        health: ContainerSummary.Health = .none, labels: [String: String] = [:]
    ) -> ContainerSummary {
        let isAlive = state == .running || state == .paused
        return ContainerSummary(
            id: id, name: "c\(id.first ?? "x")", state: state, health: health, labels: labels,
            networks: [.init("bridge", v4: isAlive ? IPAddress("172.17.0.2") : nil)],
            ports: isAlive ? [.init(80)] : [])
    }

    /// An inventory that knows these, and has nothing to ask.
    private func known(
        _ summaries: ContainerSummary...,
        details: (ContainerSummary) -> ContainerDetails = {
            ContainerDetails($0)
        }
    ) throws -> Subject {
        let inventory = Subject()
        let ticket = try #require(inventory.nextQuestion())
        #expect(ticket.question == .list)
        _ = inventory.apply(summaries, to: ticket)
        while let ticket = inventory.nextQuestion() {
            let summary = try #require(summaries.first { ticket.question == .container($0.id) })
            _ = inventory.apply(details(summary), to: ticket)
        }
        return inventory
    }

    /// What its engine says of one container.
    private func details(
        _ id: String = web, _ state: ContainerSummary.State = .running, startedAt: String = "1"
    ) -> ContainerDetails {
        ContainerDetails(summary(id, state), startedAt: startedAt)
    }

    private func availability(
        _ inventory: Subject, _ id: String = web
    ) -> Container.Availability? {
        inventory.containers[id]?.availability
    }

    private func isWithdrawn(_ inventory: Subject) -> Bool {
        if case .withdrawn? = availability(inventory) { true } else { false }
    }

    @discardableResult
    private func happens(
        _ action: EngineEvent.Action, _ inventory: Subject, _ id: String = web,
        after time: Duration = .zero
    ) -> Bool {
        inventory.apply(EngineEvent(container: id, action), now: start + time)
    }

    // MARK: States

    @Test func `a container serves once all of it is known`() throws {
        let inventory = Subject()
        let list = try #require(inventory.nextQuestion())
        #expect(inventory.apply([summary()], to: list))
        guard case .awaited? = availability(inventory) else {
            Issue.record("it serves without its environment")
            return
        }
        let one = try #require(inventory.nextQuestion())
        #expect(one.question == .container(Self.web))
        #expect(inventory.apply(details(), to: one))
        #expect(availability(inventory) == .serves)
        #expect(inventory.nextQuestion() == nil)
        #expect(!inventory.hasQuestion)
    }

    @Test(arguments: [
        (ContainerSummary.Health.starting, "advice", "awaited"), (.healthy, "advice", "serves"),
        (.unhealthy, "advice", "servesUnhealthy"), (.unhealthy, "must", "withdrawn"),
        (.unhealthy, "ignore", "serves"), (.starting, "ignore", "serves"),
        (.none, "must", "serves"),
    ])
    func `health is advice unless it is said otherwise`(
        health: ContainerSummary.Health, use: String, expected: String
    ) throws {
        let labels = ["fairlead.health": use]
        let inventory = try known(summary(health: health, labels: labels))
        let found = try #require(availability(inventory))
        #expect("\(found)".hasPrefix(expected))
    }

    @Test func `a drain begins with the signal, before the process dies`() throws {
        let inventory = try known(summary())
        #expect(happens(.kill(signal: 15), inventory))
        #expect(isWithdrawn(inventory))
        #expect(happens(.die(exitCode: 0), inventory))
        guard case .ended(let why)? = availability(inventory) else {
            Issue.record("it has not ended")
            return
        }
        #expect(why == "it has ended: Exited (0)")
        // What it was reached by is known on.
        let ticket = try #require(inventory.nextQuestion())
        _ = inventory.apply(details(Self.web, .exited), to: ticket)
        #expect(inventory.containers[Self.web]?.lastSeen?.networks.first?.v4 != nil)
        #expect(inventory.nextQuestion() == nil)
    }

    @Test(arguments: [1, 10, 12, 28])
    func `signals that end nothing are none to leave for`(signal: Int) throws {
        let inventory = try known(summary())
        #expect(!happens(.kill(signal: signal), inventory))
        #expect(availability(inventory) == .serves)
    }

    @Test func `a container's own stop signal is one`() throws {
        let inventory = try known(summary()) { ContainerDetails($0, stopSignal: 28) }
        #expect(happens(.kill(signal: 28), inventory))
        #expect(isWithdrawn(inventory))
    }

    @Test func `one that outlives its signal serves on`() throws {
        let inventory = try known(summary()) {
            ContainerDetails($0, stopTimeout: .seconds(3))
        }
        happens(.kill(signal: 15), inventory)
        happens(.kill(signal: 15), inventory, after: .seconds(2))
        let deadline = try #require(inventory.nextDeadline)
        #expect(deadline == start + .seconds(4))
        #expect(!inventory.advance(to: deadline - .milliseconds(1)))
        #expect(isWithdrawn(inventory))
        #expect(inventory.advance(to: deadline))
        #expect(availability(inventory) == .serves)
        #expect(inventory.nextQuestion()?.question == .container(Self.web))
        #expect(inventory.nextDeadline == nil)
    }

    @Test func `a pause takes it out, and its end brings it back`() throws {
        let inventory = try known(summary())
        #expect(happens(.pause, inventory))
        #expect(isWithdrawn(inventory))
        happens(.change, inventory)
        let ticket = try #require(inventory.nextQuestion())
        #expect(inventory.apply(details(), to: ticket))
        #expect(availability(inventory) == .serves)
    }

    @Test func `a restart is another life`() throws {
        let inventory = try known(summary())
        for action in [EngineEvent.Action.kill(signal: 15), .die(exitCode: 0), .change, .start] {
            happens(action, inventory)
        }
        let one = try #require(inventory.nextQuestion())
        #expect(inventory.apply(details(startedAt: "2"), to: one))
        #expect(availability(inventory) == .serves)
        #expect(inventory.containers[Self.web]?.details?.startedAt == "2")
    }

    // MARK: Answers that are older than events

    @Test func `a list never brings back what has died`() throws {
        let inventory = try known(summary())
        happens(.die(exitCode: 1), inventory)
        // Engines renew what they list a little after they have told of a death.
        inventory.refresh()
        let list = try #require(inventory.nextQuestion())
        #expect(!inventory.apply([summary()], to: list))
        guard case .ended? = availability(inventory) else {
            Issue.record("it serves")
            return
        }
        #expect(inventory.nextQuestion()?.question == .container(Self.web))
    }

    @Test func `an answer that was asked for before a death brings nobody back`() throws {
        let inventory = try known(summary())
        happens(.change, inventory)
        let one = try #require(inventory.nextQuestion())
        happens(.die(exitCode: 1), inventory)
        #expect(!inventory.apply(details(), to: one))
        guard case .ended? = availability(inventory) else {
            Issue.record("it serves")
            return
        }
        #expect(inventory.nextQuestion()?.question == .container(Self.web))
    }

    @Test func `an answer that was overtaken by a later one says nothing`() throws {
        let inventory = try known(summary())
        happens(.change, inventory)
        let first = try #require(inventory.nextQuestion())
        happens(.die(exitCode: 1), inventory)
        let second = try #require(inventory.nextQuestion())
        #expect(inventory.apply(details(Self.web, .exited), to: second))
        #expect(!inventory.apply(details(), to: first))
        #expect(inventory.containers[Self.web]?.summary.state == .exited)
    }

    @Test func `answers that were asked for before a removal bring nobody back`() throws {
        let inventory = try known(summary())
        happens(.change, inventory)
        let one = try #require(inventory.nextQuestion())
        inventory.refresh()
        let list = try #require(inventory.nextQuestion())
        #expect(happens(.destroy, inventory))
        #expect(!inventory.apply([summary()], to: list))
        #expect(!inventory.apply(details(), to: one))
        #expect(inventory.containers.isEmpty)
    }

    @Test func `a list that was asked for before a start takes nobody away`() throws {
        let inventory = try known(summary())
        inventory.refresh()
        let list = try #require(inventory.nextQuestion())
        happens(.start, inventory, Self.api)
        _ = inventory.apply([summary()], to: list)
        let next = try #require(inventory.nextQuestion())
        #expect(next.question == .container(Self.api))
        #expect(inventory.apply(details(Self.api), to: next))
        #expect(inventory.containers.count == 2)
    }

    @Test func `a list says who is no more, and who is otherwise than we know`() throws {
        let inventory = try known(summary(), summary(Self.api))
        inventory.refresh()
        let list = try #require(inventory.nextQuestion())
        #expect(inventory.apply([summary(Self.web, .paused)], to: list))
        #expect(Array(inventory.containers.keys) == [Self.web])
        #expect(availability(inventory) == .serves)
        #expect(inventory.nextQuestion()?.question == .container(Self.web))
    }

    @Test func `a start that was missed is noticed`() throws {
        let inventory = try known(summary())
        happens(.die(exitCode: 0), inventory)
        inventory.gap()
        #expect(!inventory.isWhole)
        let list = try #require(inventory.nextQuestion())
        #expect(list.question == .list)
        _ = inventory.apply([summary()], to: list)
        #expect(inventory.isWhole)
        let one = try #require(inventory.nextQuestion())
        #expect(inventory.apply(details(startedAt: "2"), to: one))
        #expect(availability(inventory) == .serves)
    }

    // MARK: Questions

    @Test func `a question that failed is asked again`() throws {
        let inventory = Subject()
        let list = try #require(inventory.nextQuestion())
        #expect(inventory.nextQuestion() == nil)
        inventory.failed(list)
        let again = try #require(inventory.nextQuestion())
        #expect(again.question == .list)
        _ = inventory.apply([summary()], to: again)
        let one = try #require(inventory.nextQuestion())
        #expect(inventory.nextQuestion() == nil)
        inventory.failed(one)
        #expect(inventory.nextQuestion()?.question == .container(Self.web))
    }

    @Test func `one that is gone when it is asked for is no more`() throws {
        let inventory = try known(summary())
        happens(.change, inventory)
        let one = try #require(inventory.nextQuestion())
        #expect(inventory.apply(nil as ContainerDetails?, to: one))
        #expect(inventory.containers.isEmpty)
    }

    @Test func `one that its engine can't speak of is as the list says`() throws {
        let inventory = Subject()
        let list = try #require(inventory.nextQuestion())
        _ = inventory.apply([summary()], to: list)
        let one = try #require(inventory.nextQuestion())
        #expect(inventory.applyUnreadable(one))
        #expect(availability(inventory) == .serves)
        #expect(inventory.nextQuestion() == nil)
    }

    @Test func `an engine that can't speak of a container for a while takes nothing away`() throws {
        let inventory = Subject()
        let list = try #require(inventory.nextQuestion())
        _ = inventory.apply([summary()], to: list)
        let one = try #require(inventory.nextQuestion())
        let details = ContainerDetails(summary(), environment: ["VIRTUAL_HOST": "a.test"])
        #expect(inventory.apply(details, to: one))
        happens(.change, inventory)
        let again = try #require(inventory.nextQuestion())
        #expect(!inventory.applyUnreadable(again))
        #expect(inventory.containers[Self.web]?.details == details)
        #expect(inventory.containers[Self.web]?.wishes.convention == .virtualHost)
    }

    @Test func `changes are told once, apart those after which services may be others`() throws {
        let inventory = try known(summary())
        #expect(inventory.takeChanges().renewed == [Self.web])
        #expect(inventory.takeChanges() == .init())
        func answer(_ details: ContainerDetails) throws -> ContainerInventory.Changes {
            happens(.change, inventory)
            _ = inventory.apply(details, to: try #require(inventory.nextQuestion()))
            return inventory.takeChanges()
        }
        let health = try answer(ContainerDetails(summary(health: .unhealthy)))
        #expect(health.ids == [Self.web] && health.renewed.isEmpty)
        #expect(try answer(ContainerDetails(summary(labels: ["a": "b"]))).renewed == [Self.web])
        let named = ContainerDetails(
            summary(labels: ["a": "b"]), environment: ["SERVICE_NAME": "other"])
        #expect(inventory.ids(offeringTo: "c0") == [Self.web])
        #expect(try answer(named).renewed == [Self.web])
        #expect(inventory.ids(offeringTo: "c0") == [])
        #expect(inventory.ids(offeringTo: "other") == [Self.web])
        happens(.destroy, inventory)
        #expect(inventory.takeChanges().renewed == [Self.web])
        #expect(inventory.ids(offeringTo: "other") == [])
    }

    @Test func `so many events of one container make one question`() throws {
        let inventory = try known(summary())
        for _ in 0..<500 { happens(.change, inventory) }
        #expect(inventory.nextQuestion()?.question == .container(Self.web))
        #expect(inventory.nextQuestion() == nil)
    }

    // MARK: Whatever order

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `after any story the inventory is what the engine has`(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var engine: [String: ContainerSummary] = [:]
        let inventory = Subject()
        // The list is a copy that lags behind.
        var copy: [String: ContainerSummary] = [:]
        var underWay: [(ContainerInventory.Ticket, [ContainerSummary])] = []
        let ids = (0..<5).map { "0123456789a\($0)" }
        func answerOne() {
            let (ticket, said) = underWay.remove(at: random.next(below: underWay.count))
            if random.next(below: 5) == 0 { return inventory.failed(ticket) }
            if case .container = ticket.question {
                _ = inventory.apply(said.first.map { ContainerDetails($0) }, to: ticket)
            } else {
                _ = inventory.apply(said, to: ticket)
            }
        }
        func ask() {
            guard let ticket = inventory.nextQuestion() else { return }
            switch ticket.question {
            case .list:
                let all = engine.keys.compactMap { copy[$0] ?? engine[$0] }
                underWay.append((ticket, all))
            case .container(let id): underWay.append((ticket, [engine[id]].compactMap(\.self)))
            }
        }
        for _ in 0..<400 {
            let id = ids[random.next(below: ids.count)]
            switch (random.next(below: 9), engine[id]?.state) {
            case (7, _): copy = engine
            case (8, _) where random.next(below: 5) == 0: inventory.gap()
            case (0, nil), (1, .exited?):
                engine[id] = summary(id)
                happens(.start, inventory, id)
            case (2, .running?):
                engine[id] = summary(id, .exited)
                happens(.die(exitCode: 0), inventory, id)
            case (3, .exited?):
                engine[id] = nil
                happens(.destroy, inventory, id)
            case (4, .running?):
                engine[id] = summary(id, .paused)
                happens(.pause, inventory, id)
            case (5, .paused?):
                engine[id] = summary(id)
                happens(.change, inventory, id)
            case (6, _): ask()
            default: if !underWay.isEmpty { answerOne() }
            }
        }
        copy = engine
        for _ in 0..<1000 where inventory.hasQuestion || !underWay.isEmpty {
            ask()
            if !underWay.isEmpty { answerOne() }
        }
        let known = inventory.containers.mapValues(\.summary.state)
        #expect(known == engine.mapValues(\.state))
        for container in inventory.containers.values where container.summary.state == .running {
            #expect(container.availability == .serves)
        }
    }

    // MARK: Names

    @Test func `a service is named by its labels, by compose, by swarm, or by its container`() {
        func name(_ labels: [String: String]) -> String {
            let container = Container(
                ContainerSummary(id: Self.web, name: "shop_web_1", labels: labels))
            return container.serviceNames.joined()
        }
        let compose = [
            "com.docker.compose.project": "shop", "com.docker.compose.service": "web",
        ]
        #expect(name([:]) == "shop_web_1")
        #expect(name(compose) == "shop-web")
        #expect(name(compose.merging(["fairlead.service": "x"]) { $1 }) == "x")
        #expect(name(compose.merging(["fairlead.api.host": "a.test"]) { $1 }) == "shop-web-api")
        #expect(name(["com.docker.swarm.service.name": "stack_web"]) == "stack_web")
    }
}
