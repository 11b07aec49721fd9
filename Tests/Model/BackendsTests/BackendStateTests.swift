// Goal: every event does in every phase what the drawing in BackendState.swift says, and nothing
// else. Method: a table of phase by event with the phase that follows; then the counted rules one
// by one.

import Backends
import Testing

@Suite struct BackendStateTests {
    typealias Phase = BackendState.Phase
    typealias Event = BackendState.Event
    static let rules = BackendState.Rules(rise: 1, fall: 1, lossWindow: .zero)

    /// A backend brought into a phase by the shortest way.
    static func state(in phase: Phase, rules: BackendState.Rules = rules) -> BackendState {
        var state = BackendState(now: start)
        let way: [Event] =
            switch phase {
            case .discovered: []
            case .checking: [.checkStarted]
            case .up: [.checkPassed]
            case .ejected: [.checkPassed, .dialFailed(.refused, isSpared: false)]
            case .down: [.checkFailed(.refused)]
            case .draining: [.checkPassed, .leave(.missing(answers: 1))]
            case .gone: [.leave(.missing(answers: 1))]
            }
        for event in way { _ = state.handle(event, now: start, rules: rules) }
        return state
    }

    /// What follows in discovered, checking, up, ejected, down, draining, gone (rise and fall 1).
    static let table: [(Event, [Phase])] = [
        (.admittedUnchecked, [.up, .up, .up, .ejected, .down, .draining, .gone]),
        (.admittedAsPassing, [.up, .up, .up, .ejected, .down, .draining, .gone]),
        (.checkStarted, [.checking, .checking, .up, .ejected, .down, .draining, .gone]),
        (.checkPassed, [.up, .up, .up, .up, .up, .draining, .gone]),
        (.checkPassedInNeed, [.up, .up, .up, .up, .up, .draining, .gone]),
        (.checkFailed(.timeout), [.down, .down, .down, .down, .down, .draining, .gone]),
        (
            .dialFailed(.reset, isSpared: false),
            [.discovered, .checking, .ejected, .ejected, .down, .draining, .gone]
        ),
        (
            .dialFailed(.reset, isSpared: true),
            [.discovered, .checking, .up, .ejected, .down, .draining, .gone]
        ),
        (
            .liveFailed(.silent(waiting: 2), isSpared: false),
            [.discovered, .checking, .ejected, .ejected, .down, .draining, .gone]
        ),
        (
            .liveFailed(.silent(waiting: 2), isSpared: true),
            [.discovered, .checking, .up, .ejected, .down, .draining, .gone]
        ),
        (.liveProven, [.discovered, .checking, .up, .ejected, .down, .draining, .gone]),
        (.recalled, [.discovered, .checking, .up, .ejected, .down, .up, .gone]),
        (.named, [.discovered, .checking, .up, .ejected, .down, .up, .gone]),
        (.succeeded, [.gone, .gone, .gone, .gone, .gone, .gone, .gone]),
        (
            .leave(.missing(answers: 1)),
            [.gone, .gone, .draining, .draining, .draining, .draining, .gone]
        ),
        (
            .drainLimited(.seconds(99)),
            [.discovered, .checking, .up, .ejected, .down, .draining, .gone]
        ),
        (.absenceConfirmed, [.discovered, .checking, .up, .ejected, .down, .draining, .gone]),
        (.idle, [.discovered, .checking, .up, .ejected, .down, .draining, .gone]),
        (
            .drainOrdered(.store),
            [.draining, .draining, .draining, .draining, .draining, .draining, .gone]
        ),
        (.drainLifted(.store), [.discovered, .checking, .up, .ejected, .down, .draining, .gone]),
        (
            .ejectOrdered(.store),
            [.discovered, .checking, .ejected, .ejected, .down, .draining, .gone]
        ),
        (.checksEnded, [.up, .up, .up, .up, .up, .draining, .gone]),
        (.timePassed, [.discovered, .checking, .up, .ejected, .down, .gone, .gone]),
    ]

    /// Fails to compile when an event comes that the table may lack.
    static func rows(of event: Event) -> Int {
        switch event {
        case .dialFailed, .liveFailed: 2
        case .admittedUnchecked, .admittedAsPassing, .checkStarted, .checkPassed,
            .checkPassedInNeed, .checkFailed, .liveProven, .named, .leave, .drainLimited, .recalled,
            .absenceConfirmed, .idle, .drainOrdered, .drainLifted, .ejectOrdered, .checksEnded,
            .timePassed, .succeeded:
            1
        }
    }

    @Test("each event in each phase", arguments: table.indices)
    func transitions(row: Int) {
        let (event, expected) = Self.table[row]
        #expect(expected.count == Phase.allCases.count)
        let name = "\(event)".prefix { $0 != "(" }
        let rows = Self.table.count { "\($0.0)".prefix { $0 != "(" } == name }
        #expect(rows == Self.rows(of: event))
        let later = start + .seconds(61)
        for (phase, next) in zip(Phase.allCases, expected) {
            var state = Self.state(in: phase)
            #expect(state.phase == phase)
            let before = state
            let transition = state.handle(event, now: later, rules: Self.rules)
            #expect(state.phase == next, "\(phase) on \(event)")
            #expect((transition != nil) == (next != phase), "\(phase) on \(event)")
            if let transition {
                #expect(transition.from == phase && transition.to == next)
                #expect(state.since == later && state.cause == transition.cause)
            } else {
                #expect(state.since == before.since && state.cause == before.cause)
            }
        }
    }

    @Test("a new backend goes up on its first passed check, one that was out needs rise of them")
    func rise() {
        let rules = BackendState.Rules(rise: 3, fall: 1)
        var state = BackendState(now: start)
        _ = state.handle(.checkPassed, now: start, rules: rules)
        #expect(state.phase == .up)
        _ = state.handle(.checkFailed(.status(500)), now: start, rules: rules)
        #expect(state.phase == .down)
        for expected in [Phase.down, .down, .up] {
            _ = state.handle(.checkPassed, now: start, rules: rules)
            #expect(state.phase == expected)
        }
        #expect(state.cause == .checksPassed(3))
    }

    @Test("one that has refused every connection goes up on its first passed check")
    func beginsToListen() {
        let rules = BackendState.Rules(rise: 3, fall: 1)
        var state = BackendState(now: start)
        for _ in 0..<5 { _ = state.handle(.checkFailed(.refused), now: start, rules: rules) }
        #expect(state.phase == .down)
        _ = state.handle(.checkPassed, now: start, rules: rules)
        #expect(state.phase == .up)
        // From then on it is one that was out.
        _ = state.handle(.checkFailed(.refused), now: start, rules: rules)
        _ = state.handle(.checkPassed, now: start, rules: rules)
        #expect(state.phase == .down)
    }

    @Test("one that was reached before it was up has lost trust")
    func beginsWithErrors() {
        let rules = BackendState.Rules(rise: 2, fall: 1)
        var state = BackendState(now: start)
        for failure in [CheckFailure.refused, .status(503), .refused] {
            _ = state.handle(.checkFailed(failure), now: start, rules: rules)
        }
        for expected in [Phase.down, .up] {
            _ = state.handle(.checkPassed, now: start, rules: rules)
            #expect(state.phase == expected)
        }
    }

    @Test("only failed checks in a row count")
    func fall() {
        let rules = BackendState.Rules(rise: 1, fall: 2)
        var state = Self.state(in: .up, rules: rules)
        for _ in 0..<3 {
            _ = state.handle(.checkFailed(.timeout), now: start, rules: rules)
            #expect(state.phase == .up)
            _ = state.handle(.checkPassed, now: start, rules: rules)
        }
        _ = state.handle(.checkFailed(.timeout), now: start, rules: rules)
        _ = state.handle(.checkFailed(.reset), now: start, rules: rules)
        #expect(state.phase == .down)
        #expect(state.cause == .checksFailed(2, last: .reset))
    }

    @Test("a failed dial starts the count of passed checks again")
    func dialResetsPasses() {
        let rules = BackendState.Rules(rise: 2, fall: 1)
        var state = Self.state(in: .up, rules: rules)
        _ = state.handle(.dialFailed(.refused, isSpared: false), now: start, rules: rules)
        _ = state.handle(.checkPassed, now: start, rules: rules)
        _ = state.handle(.dialFailed(.refused, isSpared: false), now: start, rules: rules)
        _ = state.handle(.checkPassed, now: start, rules: rules)
        #expect(state.phase == .ejected)
        _ = state.handle(.checkPassed, now: start, rules: rules)
        #expect(state.phase == .up)
    }

    @Test("a drain ends when idle and confirmed, in whichever order", arguments: [true, false])
    func drainEnds(idleFirst: Bool) {
        var state = Self.state(in: .draining)
        let events: [Event] = idleFirst ? [.idle, .absenceConfirmed] : [.absenceConfirmed, .idle]
        _ = state.handle(events[0], now: start, rules: Self.rules)
        #expect(state.phase == .draining)
        _ = state.handle(events[1], now: start, rules: Self.rules)
        #expect(state.phase == .gone)
        #expect(state.cause == .idle)
    }

    @Test(
        "a drain that is over is kept while the loss may be recalled"
    )
    func drainKept() {
        let rules = BackendState.Rules(rise: 1, fall: 1, lossWindow: .seconds(10))
        var state = Self.state(in: .draining, rules: rules)
        _ = state.handle(.idle, now: start, rules: rules)
        _ = state.handle(.absenceConfirmed, now: start, rules: rules)
        #expect(state.phase == .draining && state.deadline == start + .seconds(10))
        var recalled = state
        _ = recalled.handle(.recalled, now: start, rules: rules)
        #expect(recalled.phase == .up)
        var named = state
        _ = named.handle(.named, now: start, rules: rules)
        #expect(named.phase == .gone)
        _ = state.handle(.timePassed, now: start + .seconds(10), rules: rules)
        #expect(state.phase == .gone && state.cause == .idle)
    }

    @Test("a backend that comes back from a drain has the state that the checks give it")
    func drainFollowsChecks() {
        var state = Self.state(in: .draining)
        _ = state.handle(.checkFailed(.refused), now: start, rules: Self.rules)
        #expect(state.phase == .draining)
        _ = state.handle(.named, now: start, rules: Self.rules)
        #expect(state.phase == .down)
    }

    @Test("without checks an ejection ends by time, twice as long each time up to the limit")
    func backOff() throws {
        let rules = BackendState.Rules(
            rise: 1, fall: 1, isChecked: false, ejectTime: .seconds(5), ejectTimeMax: .seconds(15))
        var state = BackendState(now: start)
        var now = start
        _ = state.handle(.admittedUnchecked, now: now, rules: rules)
        for seconds in [5, 10, 15, 15] {
            _ = state.handle(.dialFailed(.refused, isSpared: false), now: now, rules: rules)
            #expect(try #require(state.deadline) == now + .seconds(seconds))
            now += .seconds(seconds)
            _ = state.handle(.timePassed, now: now - .nanoseconds(1), rules: rules)
            #expect(state.phase == .ejected)
            _ = state.handle(.timePassed, now: now, rules: rules)
            #expect(state.phase == .up && state.isOnProbation)
        }
        now += .seconds(15)
        _ = state.handle(.timePassed, now: now, rules: rules)
        #expect(!state.isOnProbation && state.deadline == nil)
        _ = state.handle(.dialFailed(.refused, isSpared: false), now: now, rules: rules)
        #expect(state.deadline == now + .seconds(5), "a long time up is forgiven")
    }

    // MARK: - Drained by an operator

    @Test(
        "after an operator's drain a backend has the state that the checks give it"
    )
    func drainedByOperator() {
        var state = Self.state(in: .up)
        _ = state.handle(.drainOrdered(.store), now: start, rules: Self.rules)
        #expect(state.cause == .drainedByOperator && !state.isLeaving && state.deadline == nil)
        for event in [Event.idle, .absenceConfirmed, .timePassed, .named, .checkPassed] {
            #expect(state.handle(event, now: start + .seconds(99), rules: Self.rules) == nil)
            #expect(state.phase == .draining && state.since == start)
        }
        _ = state.handle(.checkFailed(.refused), now: start, rules: Self.rules)
        let lifted = state.handle(.drainLifted(.store), now: start, rules: Self.rules)
        #expect(lifted?.from == .draining && lifted?.to == .down && lifted?.cause == .drainLifted)
    }

    @Test("a backend that an operator drains leaves when discovery no longer names it")
    func drainedAndMissing() {
        var state = Self.state(in: .up)
        _ = state.handle(.drainOrdered(.store), now: start, rules: Self.rules)
        _ = state.handle(.leave(.missing(answers: 1)), now: start, rules: Self.rules)
        #expect(state.isLeaving && state.cause == .missing(answers: 1))
        _ = state.handle(.named, now: start, rules: Self.rules)
        #expect(!state.isLeaving && state.phase == .draining && state.cause == .drainedByOperator)
        _ = state.handle(.leave(.missing(answers: 1)), now: start, rules: Self.rules)
        _ = state.handle(.absenceConfirmed, now: start, rules: Self.rules)
        let gone = state.handle(.idle, now: start, rules: Self.rules)
        #expect(gone?.from == .draining && gone?.to == .gone && gone?.cause == .idle)
    }

    @Test("lifting an operator's drain does not end discovery's")
    func liftedWhileLeaving() {
        var state = Self.state(in: .draining)
        _ = state.handle(.drainOrdered(.store), now: start, rules: Self.rules)
        #expect(state.handle(.drainLifted(.store), now: start, rules: Self.rules) == nil)
        #expect(state.phase == .draining && state.cause == .missing(answers: 1))
    }

    @Test("an ejection from before there were checks ends when it was to, also when they end")
    func ejectionOutlivesChecks() throws {
        let unchecked = BackendState.Rules(rise: 1, fall: 1, isChecked: false)
        var state = Self.state(in: .ejected, rules: unchecked)
        let end = try #require(state.deadline)
        _ = state.handle(.checksEnded, now: start, rules: unchecked)
        #expect(state.phase == .ejected && state.deadline == end)
        _ = state.handle(.timePassed, now: end, rules: unchecked)
        #expect(state.phase == .up)
    }
}
