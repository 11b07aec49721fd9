// Goal: a deploy moves requests when every new backend is up and not before, takes them back when
// one of them fails, and says why; at each step the right instances are named. Method: a script of
// sights with the time of each.

import Endpoints
import Testing

@testable import Backends

@Suite struct DeployStateTests {
    private static let start = ContinuousClock.now
    private static let all = (1...6).map { Endpoint(.loopback, UInt16($0)) }
    private static let (a, b, x, y) = (all[0], all[1], all[2], all[3])

    private func instance(_ endpoint: Endpoint, _ priority: UInt16 = 0, _ weight: UInt16 = 1)
        -> Instance
    {
        Instance(endpoint, priority: priority, weight: weight)
    }

    private func plan(to: [Endpoint] = [x, y], watch: Duration = .seconds(10)) -> DeployPlan {
        DeployPlan(
            before: [instance(Self.a), instance(Self.b)], to: to, timeout: .seconds(30),
            watch: watch)
    }

    private func state(
        _ plan: DeployPlan, usual: (Int, Int) = (1000, 0), drainLimit: Duration = .seconds(60)
    ) -> DeployState {
        DeployState(
            plan, usual: (answers: usual.0, failures: usual.1), drainLimit: drainLimit,
            now: Self.start)
    }

    private func up(_ endpoint: Endpoint, _ answers: Int = 0, _ failures: Int = 0)
        -> DeployState.Sight
    {
        .init(endpoint, isUp: true, why: "up", answers: answers, failures: failures)
    }

    private func out(_ endpoint: Endpoint, _ why: String = "down, refused") -> DeployState.Sight {
        .init(endpoint, isUp: false, why: why)
    }

    private func at(_ seconds: Double) -> ContinuousClock.Instant {
        Self.start + .milliseconds(Int(seconds * 1000))
    }

    /// A call that changes a state can't stand in a macro.
    private func expect(
        _ wanted: Bool, _ found: Bool, _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(wanted == found, sourceLocation: place)
    }

    // MARK: - What is named

    @Test("in each phase all that may be needed is named, the others behind those that serve")
    func instances() {
        let plan = plan()
        func priorities(_ phase: DeployState.Phase) -> [Endpoint: UInt16] {
            Dictionary(
                uniqueKeysWithValues: plan.instances(in: phase).map { ($0.endpoint, $0.priority) })
        }
        #expect(
            priorities(.checking) == [Self.a: 0, Self.b: 0, Self.x: 32768, Self.y: 32768])
        #expect(
            priorities(.watching) == [Self.x: 0, Self.y: 0, Self.a: 32768, Self.b: 32768])
        #expect(priorities(.draining) == [Self.x: 0, Self.y: 0])
        #expect(priorities(.done) == [Self.x: 0, Self.y: 0])
        #expect(plan.instances(in: .undone) == plan.before)
    }

    @Test("what stays keeps its share, and what comes takes that of what goes")
    func shares() {
        let plan = DeployPlan(
            before: [instance(Self.a, 0, 5), instance(Self.b, 1, 7)],
            to: [Self.a, Self.x, Self.y], timeout: .seconds(1), watch: .zero)
        #expect(plan.arrivals == [Self.x, Self.y] && plan.leavers == [Self.b])
        #expect(
            plan.after == [
                instance(Self.a, 0, 5), instance(Self.x, 1, 7), instance(Self.y, 1, 7),
            ])
        let more = DeployPlan(
            before: [instance(Self.a, 3, 5)], to: [Self.a, Self.x], timeout: .seconds(1),
            watch: .zero)
        #expect(more.after == [instance(Self.a, 3, 5), instance(Self.x, 3, 5)])
        let first = DeployPlan(before: [], to: [Self.x], timeout: .seconds(1), watch: .zero)
        #expect(first.after == [instance(Self.x)])
        let last = DeployPlan(
            before: [instance(Self.a, 40_000)], to: [Self.x], timeout: .seconds(1), watch: .zero)
        #expect(last.instances(in: .checking).map(\.priority) == [40_000, .max])
        #expect(
            DeployPlan(
                before: [instance(Self.a), instance(Self.b)], to: [Self.b, Self.a],
                timeout: .seconds(1), watch: .zero
            ).isEmpty)
    }

    // MARK: - A good deploy

    @Test("it moves when all are up, watches, drains, and says how long it took")
    func good() {
        var state = state(plan())
        expect(false, state.look([out(Self.x), up(Self.y)], inFlight: 0, now: at(1)))
        #expect(state.phase == .checking && state.upCount == 1)
        expect(true, state.look([up(Self.x), up(Self.y)], inFlight: 3, now: at(2)))
        #expect(state.phase == .watching && state.timeToMove == .seconds(2))
        expect(false, state.look([up(Self.x, 100), up(Self.y, 90, 1)], inFlight: 2, now: at(11.9)))
        expect(true, state.look([up(Self.x, 100), up(Self.y, 90, 1)], inFlight: 2, now: at(12)))
        #expect(state.phase == .draining)
        // What fails from now on is no business of the deploy.
        expect(false, state.look([out(Self.x), up(Self.y)], inFlight: 2, now: at(13)))
        expect(true, state.look([up(Self.x), up(Self.y)], inFlight: 0, now: at(14)))
        #expect(state.phase == .done && state.timeToEnd == .seconds(14) && state.failure == nil)
        expect(false, state.look([], inFlight: 0, now: at(15)))
    }

    @Test("a drain takes half a second at least, and no longer than its limit")
    func drain() {
        var state = state(plan(watch: .zero), drainLimit: .seconds(5))
        let sights = [up(Self.x), up(Self.y)]
        expect(true, state.look(sights, inFlight: 1, now: at(0)))
        expect(true, state.look(sights, inFlight: 1, now: at(0)))
        #expect(state.phase == .draining)
        expect(false, state.look(sights, inFlight: 0, now: at(0.4)))
        expect(false, state.look(sights, inFlight: 1, now: at(5.4)))
        expect(true, state.look(sights, inFlight: 1, now: at(5.5)))
        #expect(state.phase == .done)
    }

    @Test("one that only takes instances out has nothing to wait for")
    func scaleDown() {
        var state = state(plan(to: [Self.a], watch: .zero))
        while state.look([], inFlight: 0, now: at(0)) {}
        #expect(state.phase == .draining)
    }

    // MARK: - A bad one

    @Test("it is undone when time is over, with the reason of the first that is not up")
    func late() {
        var state = state(plan())
        expect(false, state.look([up(Self.x), out(Self.y)], inFlight: 0, now: at(29.9)))
        expect(true, state.look([up(Self.x), out(Self.y)], inFlight: 0, now: at(30)))
        #expect(state.phase == .undone)
        #expect(state.failure == "127.0.0.1:4 was not up in time: down, refused")
        var other = self.state(plan())
        expect(true, other.look([], inFlight: 0, now: at(30)))
        #expect(
            other.failure
                == "127.0.0.1:3 was not up in time: it is no backend of the service, and 1 more "
                + "are not up")
    }

    @Test("it is undone when a new one fails while it is watched")
    func failure() {
        for sight in [out(Self.y, "ejected, connection refused"), nil] {
            var state = state(plan())
            expect(true, state.look([up(Self.x), up(Self.y)], inFlight: 0, now: at(1)))
            let sights = [up(Self.x), sight].compactMap(\.self)
            expect(true, state.look(sights, inFlight: 0, now: at(5)))
            #expect(state.phase == .undone)
            #expect(
                state.failure
                    == "127.0.0.1:4 failed: \(sight?.why ?? "it is gone")")
        }
    }

    @Test(
        "it is undone when requests to the new ones fail more often than they did before",
        arguments: [
            (answers: 10, failures: 4, usual: (1000, 0), isUndone: false),
            (answers: 10, failures: 5, usual: (1000, 0), isUndone: true),
            (answers: 1000, failures: 49, usual: (1000, 0), isUndone: false),
            (answers: 1000, failures: 50, usual: (1000, 0), isUndone: true),
            (answers: 100, failures: 30, usual: (1000, 100), isUndone: false),
            (answers: 100, failures: 31, usual: (1000, 100), isUndone: true),
            (answers: 10, failures: 5, usual: (0, 0), isUndone: true),
        ])
    func failingAnswers(answers: Int, failures: Int, usual: (Int, Int), isUndone: Bool) {
        var state = state(plan(), usual: usual)
        expect(true, state.look([up(Self.x), up(Self.y)], inFlight: 0, now: at(1)))
        let half = failures / 2
        let sights = [up(Self.x, answers / 2, half), up(Self.y, answers / 2, failures - half)]
        expect(isUndone, state.look(sights, inFlight: 0, now: at(2)))
        #expect((state.phase == .undone) == isUndone)
        if isUndone {
            #expect(
                state.failure
                    == "\(failures) of the first \(answers) requests to the new ones failed")
        }
    }

    @Test("it can be called off until the old ones drain")
    func undo() {
        var state = state(plan(watch: .seconds(1)))
        var early = state
        expect(true, early.undo("called off", now: at(1)))
        #expect(early.phase == .undone && early.failure == "called off")
        expect(false, early.undo("again", now: at(2)))
        let sights = [up(Self.x), up(Self.y)]
        expect(true, state.look(sights, inFlight: 0, now: at(1)))
        var watching = state
        expect(true, watching.undo("called off", now: at(1.5)))
        expect(true, state.look(sights, inFlight: 0, now: at(2)))
        expect(false, state.undo("too late", now: at(2)))
        #expect(state.phase == .draining)
    }
}
