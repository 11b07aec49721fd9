// Goal: only requests that may run twice do, and as often as the options allow. Method: tables, and
// a clock that the test sets.

import Balancing
import HTTP1
import Proxy
import Routing
import Testing
import Traffic

@Suite struct RetryPolicyTests {
    private static let second: UInt64 = 1_000_000_000

    private func options(attempts: Int = 3, percent: Int = 20, floor: Int = 10) -> RetryOptions {
        var options = RetryOptions()
        options.rule.attempts = attempts
        options.budgetPercent = percent
        options.budgetFloorPerSecond = floor
        return options
    }

    private static let methods: [(Method, TryFailure, Bool, RetryDecision)] = [
        (.get, .dial, true, .yes), (.post, .dial, true, .yes), (.other, .dial, true, .yes),
        (.post, .shortage, true, .yes), (.post, .shortage, false, .yes),
        (.get, .noResponse, true, .yes), (.head, .noResponse, true, .yes),
        (.put, .noResponse, true, .yes), (.delete, .noResponse, true, .yes),
        (.options, .noResponse, true, .yes), (.trace, .noResponse, true, .yes),
        (.post, .noResponse, true, .no), (.patch, .noResponse, true, .no),
        (.other, .noResponse, true, .no),
        (.put, .noResponse, false, .no), (.get, .noResponse, false, .no),
        (.get, .timeout, true, .no), (.post, .timeout, true, .no),
        (.get, .silent, true, .yes), (.put, .silent, true, .yes), (.post, .silent, true, .no),
        (.get, .silent, false, .no),
        (.get, .tryTimeout, true, .yes), (.post, .tryTimeout, true, .no),
        (.get, .slow, true, .yes), (.put, .slow, true, .no), (.post, .slow, true, .no),
        (.get, .status(500), true, .yes), (.head, .status(503), true, .yes),
        (.get, .status(501), true, .no), (.get, .status(404), true, .no),
        (.put, .status(500), true, .no), (.delete, .status(502), true, .no),
        (.post, .status(503), true, .no), (.get, .status(500), false, .no),
        (.post, .unavailable, true, .no),
    ]

    @Test(
        "whether a request is repeated depends on the failure, the method and what is at hand",
        arguments: methods)
    func decision(
        method: Method, failure: TryFailure, canReplay: Bool, expected: RetryDecision
    ) {
        var policy = RetryPolicy(options())
        let decision = policy.allows(
            after: failure, tries: 1, method: method, canReplay: canReplay, now: Self.second)
        #expect(decision == expected)
    }

    @Test("a call of gRPC that got UNAVAILABLE is made again where a rule names that")
    func unavailable() {
        var options = options()
        options.rule.failures.conditions.insert(.grpcUnavailable)
        var policy = RetryPolicy(options)
        func decision(tries: Int = 1, canReplay: Bool = true) -> RetryDecision {
            policy.allows(
                after: .unavailable, tries: tries, method: .post, canReplay: canReplay,
                now: Self.second)
        }
        #expect(decision() == .yes)
        #expect(decision(tries: 3) == .no)
        #expect(decision(canReplay: false) == .no)
    }

    @Test("a route's rule overrides the service's")
    func rule() {
        var policy = RetryPolicy(options())
        var failures = RetryRule.Failures()
        failures.conditions = .timeout
        failures.statuses = [429]
        var rule = RetryRule.Override()
        rule.failures = failures
        func decision(_ failure: TryFailure) -> RetryDecision {
            policy.allows(
                after: failure, by: rule, tries: 1, method: .get, canReplay: true,
                now: Self.second)
        }
        #expect(decision(.timeout) == .yes)
        #expect(decision(.status(429)) == .yes)
        #expect(decision(.status(500)) == .no)
        #expect(decision(.dial) == .no)
        #expect(decision(.noResponse) == .no)
        rule.attempts = 1
        #expect(decision(.timeout) == .no)
    }

    @Test("the second try comes at once, each further one later, with half of the pause random")
    func pauses() {
        var options = RetryOptions()
        options.backOff = .milliseconds(20)
        options.backOffMax = .milliseconds(50)
        let policy = RetryPolicy(options)
        func range(_ tries: Int) -> ClosedRange<UInt64> {
            let pauses = [0, 1, .max / 3, .max].map {
                policy.pause(beforeTry: tries, random: $0) / 1_000_000
            }
            return (pauses.min() ?? 0)...(pauses.max() ?? 0)
        }
        #expect(range(1) == 0...0)
        #expect((10...20).contains(range(2).lowerBound) && range(2).upperBound <= 20)
        #expect((20...40).contains(range(3).lowerBound) && range(3).upperBound <= 40)
        #expect((25...50).contains(range(7).lowerBound) && range(7).upperBound <= 50)
    }

    @Test("tries that sent the request end at the limit", arguments: [1, 2, 3, 8, 20])
    func attempts(limit: Int) {
        var policy = RetryPolicy(options(attempts: limit))
        for tries in 1...24 {
            let decision = policy.allows(
                after: .noResponse, tries: tries, method: .get, canReplay: true, now: Self.second)
            #expect(decision == (tries < limit ? .yes : .no), "after \(tries) tries")
            #expect(policy.isLast(tries: tries) == (tries + 1 >= limit))
        }
    }

    @Test("dials end after the most backends, and after the time of all attempts")
    func dials() {
        var policy = RetryPolicy(options())
        func decision(_ backends: Int, after time: UInt64, tries: Int = 0) -> RetryDecision {
            policy.allows(
                after: .dial, tries: tries,
                dials: DialEffort(backends: backends, failedFor: time, limit: Self.second),
                method: .post, canReplay: true, now: Self.second)
        }
        #expect(decision(TriedBackends.capacity - 1, after: 0) == .yes)
        #expect(decision(TriedBackends.capacity, after: 0) == .no)
        #expect(decision(1, after: 3 * Self.second - 1) == .yes)
        #expect(decision(1, after: 3 * Self.second) == .no)
        #expect(decision(9, after: 0, tries: 3) == .yes, "a dial sends nothing")
        func isLast(after time: UInt64) -> Bool {
            policy.isLast(
                tries: 0, dials: DialEffort(backends: 1, failedFor: time, limit: Self.second))
        }
        #expect(!isLast(after: 2 * Self.second - 1))
        #expect(isLast(after: 2 * Self.second))
        policy.update(to: options(attempts: 1))
        #expect(decision(1, after: 0) == .no)
    }

    /// Retries until the budget says no.
    private func spend(_ policy: inout RetryPolicy, now: UInt64) -> Int {
        for count in 0... {
            let decision = policy.allows(
                after: .noResponse, tries: 1, method: .get, canReplay: true, now: now)
            if decision == .overBudget { return count }
            if count > 1_000_000 { break }
        }
        return .max
    }

    @Test("each request earns its percentage of the budget", arguments: [0, 1, 20, 100])
    func earned(percent: Int) {
        var policy = RetryPolicy(options(percent: percent, floor: 0))
        #expect(spend(&policy, now: Self.second) == 100)
        #expect(spend(&policy, now: Self.second) == 0)
        for _ in 0..<500 { policy.countRequest() }
        #expect(spend(&policy, now: Self.second) == 500 * percent / 100)
    }

    @Test("the floor refills with time, however often it is read")
    func floor() {
        var policy = RetryPolicy(options(percent: 0, floor: 10))
        #expect(spend(&policy, now: Self.second) == 100)
        #expect(spend(&policy, now: 2 * Self.second) == 10)
        var count = 0
        for step in 1...3000 {
            count += spend(&policy, now: 2 * Self.second + UInt64(step) * 700_000)
        }
        #expect(count == 21)
        // A failed dial costs nothing.
        #expect(
            policy.allows(
                after: .dial, tries: 1, method: .post, canReplay: true, now: 5 * Self.second)
                == .yes)
    }

    @Test("the budget that can be saved up is bounded")
    func bound() {
        var policy = RetryPolicy(options(percent: 100, floor: 1_000_000))
        for _ in 0..<10_000 { policy.countRequest() }
        _ = policy.allows(
            after: .noResponse, tries: 1, method: .get, canReplay: true, now: Self.second)
        #expect(spend(&policy, now: .max) == 1000)
    }
}
