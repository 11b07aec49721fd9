// Goal: a broken check costs nothing, and a broken everything is refused at once and found again.
// Method: a roster under a clock moved by hand; the rotation is read after each step.

import Backends
import Testing

@Suite struct EmergencyTests {
    private func down(_ fixture: Fixture, _ numbers: some Sequence<Int>) {
        for number in numbers { fixture.failCheck(number, times: 3, .status(503)) }
    }

    private func weigh(_ fixture: Fixture, answered: Int, failed: Int, bytes: Int = 0) {
        fixture.roster.liveWeight(
            answered: answered, failed: failed, bytes: bytes, now: fixture.now)
    }

    private func isServed(_ fixture: Fixture) -> Bool {
        fixture.roster.isServed(now: fixture.now)
    }

    // MARK: - Serving

    @Test("a check that fails everywhere takes nobody out while live requests succeed")
    func brokenCheck() {
        let fixture = Fixture()
        fixture.fill(3)
        let rotation = fixture.roster.rotation
        down(fixture, 1...2)
        #expect(fixture.inRotation == [3])
        #expect(!fixture.roster.wantsFastChecks)
        down(fixture, [3])
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.rotation.tiers == rotation.tiers)
        #expect(
            fixture.roster.emergency?.mode == .routingToUnhealthy && fixture.roster.wantsFastChecks)
        #expect(fixture.texts.last == "no backend is up: requests go to backends that are not up")
        for _ in 0..<60 {
            fixture.wait(1)
            weigh(fixture, answered: 1, failed: 99)
            down(fixture, 1...3)
            #expect(fixture.inRotation == [1, 2, 3])
        }
        #expect(fixture.roster.emergencies == 1)
    }

    // MARK: - What readiness follows from

    @Test("without traffic, checks that time out are believed at the first look")
    func silentTimeouts() {
        let fixture = Fixture()
        fixture.fill(1)
        #expect(isServed(fixture))
        for _ in 1..<3 {
            fixture.failCheck(1, times: 1, .timeout)
            #expect(isServed(fixture), "it is up")
            fixture.wait(2)
        }
        fixture.failCheck(1, times: 1, .timeout)
        #expect(fixture.inRotation == [1] && isServed(fixture), "requests were not looked at yet")
        fixture.wait(1)
        weigh(fixture, answered: 0, failed: 0)
        for _ in 0..<60 {
            #expect(fixture.inRotation == [1] && !isServed(fixture))
            fixture.wait(1)
            weigh(fixture, answered: 0, failed: 0)
        }
        fixture.pass(1, times: 2)
        #expect(isServed(fixture))
    }

    @Test("a good answer shows for ten seconds that backends serve, and failing ones show nothing")
    func proof() {
        let fixture = Fixture()
        fixture.fill(2)
        down(fixture, 1...2)
        for _ in 0..<30 {
            fixture.wait(1)
            weigh(fixture, answered: 1, failed: 3)
            #expect(isServed(fixture))
        }
        fixture.wait(9)
        weigh(fixture, answered: 0, failed: 3, bytes: 600)
        #expect(isServed(fixture))
        fixture.wait(1)
        #expect(!isServed(fixture))
        // A stream, or TCP connections.
        weigh(fixture, answered: 0, failed: 0, bytes: 600)
        #expect(isServed(fixture))
    }

    @Test("while a long outage is tried again and again, it is not served")
    func retries() {
        let fixture = Fixture()
        fixture.fill(2)
        down(fixture, 1...2)
        fixture.wait(1)
        weigh(fixture, answered: 0, failed: 9)
        #expect(fixture.roster.emergency?.mode == .failingFast)
        for _ in 0..<40 {
            #expect(!isServed(fixture))
            fixture.wait(1)
            weigh(fixture, answered: 0, failed: 0)
        }
        #expect(fixture.roster.emergency?.mode == .routingToUnhealthy)
        weigh(fixture, answered: 1, failed: 0)
        #expect(isServed(fixture))
    }

    @Test("where requests always go to backends that are not up, they count as served")
    func alwaysServed() {
        let fixture = Fixture { $0.whenNoneUp = .always }
        fixture.fill(2)
        down(fixture, 1...2)
        fixture.wait(1)
        weigh(fixture, answered: 0, failed: 9)
        #expect(isServed(fixture))
        let never = Fixture { $0.whenNoneUp = .never }
        never.fill(2)
        down(never, 1...2)
        #expect(!isServed(never))
    }

    // MARK: - What checks say

    @Test(
        "a port that is closed to checks speaks as a refused request does, not if it is another one"
    )
    func closedPort() {
        for isOwnPort in [true, false] {
            let fixture = Fixture { $0.checksWhatIsServed = isOwnPort }
            fixture.fill(2)
            for number in 1...2 { fixture.failCheck(number, times: 3, .refused) }
            #expect(fixture.inRotation == (isOwnPort ? [] : [1, 2]))
            #expect(
                fixture.roster.emergency?.mode == (isOwnPort ? .failingFast : .routingToUnhealthy))
            fixture.pass(2)
            #expect(fixture.inRotation == (isOwnPort ? [2] : [1, 2]))
        }
    }

    @Test("a new backend whose port is closed from the start gets no request")
    func closedFromTheStart() {
        let fixture = Fixture()
        fixture.answer(1...1)
        #expect(fixture.inRotation == [1])
        fixture.startCheck(1)
        fixture.failCheck(1, times: 1, .refused)
        #expect(fixture.inRotation == [])
        fixture.pass(1)
        #expect(fixture.inRotation == [1])
    }

    @Test("the first whose check passes again is not left alone with the traffic of all")
    func recovery() {
        let fixture = Fixture()
        fixture.fill(5)
        down(fixture, 1...5)
        fixture.wait(3)
        fixture.pass(1, times: 2)
        #expect(fixture.inRotation == [1, 2, 3, 4, 5])
        fixture.pass(2, times: 2)
        #expect(fixture.roster.emergency != nil)
        fixture.pass(3, times: 2)
        #expect(fixture.roster.emergency == nil, "half of them are up")
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.texts.last == "the emergency ended after 3 s")
    }

    @Test("but the checks are believed when the others' go on failing")
    func recoveryOfOne() {
        let fixture = Fixture()
        fixture.fill(5)
        down(fixture, 1...5)
        fixture.pass(1, times: 2)
        fixture.wait(9)
        #expect(fixture.inRotation == [1, 2, 3, 4, 5])
        #expect(fixture.roster.nextDeadline == fixture.now + .seconds(1))
        fixture.wait(1)
        #expect(fixture.inRotation == [1])
        #expect(fixture.roster.emergency == nil)
    }

    @Test("one that goes down again meanwhile leaves the emergency as it was")
    func relapse() {
        let fixture = Fixture()
        fixture.fill(5)
        down(fixture, 1...5)
        fixture.pass(1, times: 2)
        fixture.wait(5)
        down(fixture, [1])
        fixture.wait(20)
        #expect(fixture.inRotation == [1, 2, 3, 4, 5])
        #expect(fixture.roster.emergencies == 1)
    }

    @Test("those against which live evidence stands are left out, until it is old")
    func evidence() {
        let fixture = Fixture()
        fixture.fill(4)
        fixture.failLive(1)
        fixture.failDial(2)
        down(fixture, 1...4)
        #expect(fixture.inRotation == [3, 4])
        fixture.failDial(3)
        #expect(fixture.inRotation == [4])
        fixture.prove(3)
        #expect(fixture.inRotation == [3, 4])
        fixture.wait(5)
        #expect(fixture.inRotation == [1, 2, 3, 4])
    }

    @Test("a single failure on the last of them is no reason to refuse")
    func lastOne() {
        let fixture = Fixture()
        fixture.fill(1)
        down(fixture, [1])
        #expect(fixture.inRotation == [1])
        fixture.failLive(1, .answers(consecutive: 1, last: 0))
        #expect(fixture.inRotation == [1])
        weigh(fixture, answered: 0, failed: 4)
        #expect(fixture.inRotation == [1], "four results say nothing")
        weigh(fixture, answered: 0, failed: 5)
        #expect(fixture.inRotation == [])
    }

    @Test("at the start those whose checks fail are tried when nobody else is left")
    func neverUp() {
        let fixture = Fixture()
        fixture.answer(1...2)
        fixture.failCheck(1)
        #expect(fixture.inRotation == [2])
        #expect(fixture.roster.emergency == nil)
        fixture.failCheck(2)
        #expect(fixture.inRotation == [1, 2])
        #expect(fixture.roster.emergency?.mode == .routingToUnhealthy)
    }

    @Test("a new instance does not get everything, nor does it end the emergency")
    func newInstance() {
        let fixture = Fixture()
        fixture.fill(3)
        down(fixture, 1...3)
        fixture.answer(1...4)
        #expect(fixture.inRotation == [1, 2, 3, 4])
    }

    @Test(
        "a backend that an operator drained stays drained, and when all are there is no emergency")
    func drainedByOperator() {
        let fixture = Fixture()
        fixture.fill(3)
        var overrides = BackendOverrides()
        overrides[endpoint(1)] = BackendOverride(isDrained: true)
        fixture.roster.setOverrides(overrides, now: fixture.now)
        down(fixture, 1...3)
        #expect(fixture.inRotation == [2, 3])
        for number in 2...3 { overrides[endpoint(number)] = BackendOverride(isDrained: true) }
        fixture.roster.setOverrides(overrides, now: fixture.now)
        #expect(fixture.inRotation == [])
        #expect(fixture.roster.emergency == nil)
    }

    // MARK: - Refusing

    @Test("when live requests fail as well they are refused, and the first passed check ends it")
    func refused() {
        let fixture = Fixture()
        fixture.fill(3)
        down(fixture, 1...3)
        fixture.wait(1)
        weigh(fixture, answered: 0, failed: 5)
        #expect(fixture.inRotation == [])
        #expect(fixture.roster.emergency?.mode == .failingFast && fixture.roster.wantsFastChecks)
        #expect(fixture.texts.last?.hasPrefix("live requests fail as well") == true)
        fixture.pass(2)
        #expect(fixture.inRotation == [2])
        #expect(fixture.roster.emergency == nil)
    }

    @Test("when live evidence stands against all when it begins they are refused from the start")
    func refusedAtOnce() {
        let fixture = Fixture()
        fixture.fill(3)
        for number in 1...3 { fixture.failLive(number) }
        down(fixture, 1...3)
        #expect(fixture.inRotation == [])
        #expect(
            fixture.texts.last == "no backend is up: requests go to none until a check passes")
        fixture.pass(1)
        #expect(fixture.inRotation == [1])
        #expect(fixture.onProbation == [], "who else would take the requests")
    }

    @Test("refusing, it tries all of them again after a while, since its checks may be broken")
    func retried() {
        let fixture = Fixture()
        fixture.fill(3)
        down(fixture, 1...3)
        weigh(fixture, answered: 0, failed: 9)
        let before = fixture.texts.count
        for _ in 0..<20 {
            fixture.wait(9)
            #expect(fixture.inRotation == [])
            #expect(fixture.roster.nextDeadline == fixture.now + .seconds(1))
            fixture.wait(1)
            #expect(fixture.inRotation == [1, 2, 3])
            weigh(fixture, answered: 0, failed: 9)
            #expect(fixture.inRotation == [])
        }
        #expect(fixture.texts.count == before, "a long outage does not fill the journal")
        fixture.wait(10)
        weigh(fixture, answered: 1, failed: 9)
        #expect(fixture.inRotation == [1, 2, 3])
    }

    @Test("an ejection that no check contradicts ends the refusal")
    func ejectedReturns() {
        let fixture = Fixture()
        fixture.fill(2)
        fixture.failLive(1)
        fixture.failCheck(2)
        fixture.failDial(2)
        #expect(fixture.inRotation == [])
        #expect(fixture.roster.emergency?.mode == .failingFast)
        fixture.pass(1)
        #expect(fixture.inRotation == [1], "one passed check is enough by then")
    }

    // MARK: - Other policies

    @Test("always: all are tried, whatever live requests come to")
    func always() {
        let fixture = Fixture { $0.whenNoneUp = .always }
        fixture.fill(3)
        for number in 1...3 { fixture.failLive(number) }
        down(fixture, 1...3)
        #expect(fixture.inRotation == [1, 2, 3])
        weigh(fixture, answered: 0, failed: 500)
        #expect(fixture.inRotation == [1, 2, 3])
    }

    @Test("never: refused while none is up, however long that takes")
    func never() {
        let fixture = Fixture { $0.whenNoneUp = .never }
        fixture.fill(3)
        down(fixture, 1...3)
        #expect(fixture.roster.emergency?.mode == .failingFast)
        fixture.wait(3600)
        #expect(fixture.inRotation == [])
        weigh(fixture, answered: 9, failed: 0)
        #expect(fixture.inRotation == [])
        fixture.pass(3)
        #expect(fixture.inRotation == [3])
    }

    @Test("the policy may change in the middle")
    func changed() {
        let fixture = Fixture()
        fixture.fill(3)
        down(fixture, 1...3)
        for (policy, rotation) in [
            (.never, []), (.always, [1, 2, 3]), (.evidence, [1, 2, 3]),
        ] as [(RosterOptions.WhenNoneUp, [Int])] {
            var options = fixture.roster.options
            options.whenNoneUp = policy
            fixture.roster.setOptions(options, now: fixture.now)
            #expect(fixture.inRotation == rotation)
        }
        #expect(fixture.roster.emergencies == 1)
    }

    @Test(
        "without checks the ejected serve when the last leaves: nothing else frees them"
    )
    func unchecked() {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(1...2)
        fixture.failLive(1)
        var overrides = BackendOverrides()
        overrides[endpoint(2)] = BackendOverride(isDrained: true)
        fixture.roster.setOverrides(overrides, now: fixture.now)
        #expect(fixture.inRotation == [1])
        weigh(fixture, answered: 0, failed: 50)
        #expect(fixture.inRotation == [1])
        fixture.wait(5)
        #expect(fixture.roster.emergency == nil && fixture.inRotation == [1])
    }

    @Test("live results mean nothing in ordinary times")
    func ordinary() {
        let fixture = Fixture()
        fixture.fill(3)
        weigh(fixture, answered: 0, failed: 500)
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.emergencies == 0)
    }
}
