// Goal: make before break. A deploy leaves the old ones as soon as the new ones are up, a
// scale-down gives what it removed nothing new, a registry that lost its mind crushes nobody, and a
// canary that was rolled back never has its share again. Method: answers at once and one by one,
// under a clock moved by hand.

import Backends
import Endpoints
import Testing

@Suite struct ReplacementTests {
    /// The backends that get new requests while nothing is full.
    private func serving(_ fixture: Fixture) -> [Int] {
        let count = fixture.roster.rotation.tiers.first?.count ?? 0
        return Array(fixture.inRotation.prefix(count))
    }

    /// From `first` to `last` by one instance fewer each second, or at once.
    private func shrink(_ fixture: Fixture, from first: Int, to last: Int, atOnce: Bool) {
        guard !atOnce else { return fixture.answer(1...last) }
        for count in (last..<first).reversed() {
            fixture.wait(1)
            fixture.answer(1...count)
        }
    }

    // MARK: A deploy

    @Test(
        "blue/green by one change: the old ones serve until as many new ones are up",
        arguments: [1, 2, 3, 8])
    func blueGreen(count: Int) {
        let fixture = Fixture()
        fixture.fill(count)
        let (old, new) = (Array(1...count), Array((101...100 + count)))
        fixture.answer(new)
        #expect(serving(fixture) == old, "nothing is known of the new ones")
        for number in new.dropLast() {
            fixture.pass(number)
            #expect(serving(fixture).starts(with: old))
        }
        fixture.answer(new)
        fixture.pass(new[count - 1])
        #expect(fixture.inRotation == new)
        #expect(old.allSatisfy { fixture.phase($0) == .draining })
        #expect(fixture.roster.losses.isEmpty && fixture.roster.holds.isEmpty)
        #expect(fixture.roster.sources[0].failures[.massLoss] == nil)
        for number in old { fixture.drained(number) }
        fixture.wait(11)
        #expect(fixture.roster.count == count)
    }

    @Test(
        "blue/green one by one, either way round, leaves no old one behind",
        arguments: [true, false])
    func blueGreenOneByOne(addsFirst: Bool) {
        let fixture = Fixture()
        fixture.fill(3)
        var named = [1, 2, 3]
        for step in 0..<3 {
            let (old, new) = (1 + step, 101 + step)
            for isAdded in [addsFirst, !addsFirst] {
                fixture.wait(1)
                if isAdded { named.append(new) } else { named.removeAll { $0 == old } }
                fixture.answer(named)
                fixture.pass(new)
            }
        }
        #expect(fixture.inRotation == [101, 102, 103])
        #expect(fixture.roster.losses.isEmpty)
    }

    @Test("new ones that never come up replace nobody, and a rollback ends it")
    func failedDeploy() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.answer(4...6)
        for number in 4...6 { fixture.failCheck(number, times: 3) }
        fixture.wait(120)
        fixture.answer(4...6)
        #expect(serving(fixture) == [1, 2, 3])
        fixture.answer(1...3)
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.losses.isEmpty && fixture.roster.holds.isEmpty)
    }

    @Test("an old one that fails its checks goes before the new ones are up")
    func failingOld() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.answer(4...6)
        fixture.failCheck(2, times: 3)
        #expect(fixture.phase(2) == .draining)
        #expect(serving(fixture) == [1, 3])
    }

    @Test("a registry that names nothing for a moment and then the new ones is a deploy, too")
    func throughNothing() {
        let fixture = Fixture()
        fixture.fill(3)
        fixture.fail(.nxdomain)
        fixture.wait(3)
        fixture.answer(4...6)
        #expect(serving(fixture) == [1, 2, 3])
        for number in 4...6 { fixture.pass(number) }
        #expect(fixture.inRotation == [4, 5, 6])
    }

    @Test("what waited behind those named is replaced when others are named instead")
    func replacedLater() {
        let fixture = Fixture()
        fixture.fill(8)
        fixture.answer([1])
        fixture.answer([1] + Array(11...17))
        for number in 11...17 { fixture.pass(number) }
        #expect(fixture.inRotation == [1] + Array(11...17))
    }

    // MARK: A canary

    @Test("a canary that was rolled back never has its share again, whatever comes")
    func canary() {
        for next in [[1, 2, 3], [4, 5, 6], [1], []] {
            let fixture = Fixture()
            fixture.fill(3)
            fixture.answer(1...3)
            fixture.answer([1, 2, 3, 9])
            fixture.pass(9)
            #expect(fixture.inRotation == [1, 2, 3, 9])
            fixture.wait(2)
            fixture.answer(1...3)
            #expect(fixture.inRotation == [1, 2, 3])
            fixture.wait(2)
            if next.isEmpty { fixture.fail(.nxdomain) } else { fixture.answer(next) }
            for second in 0..<20 {
                for number in next { fixture.pass(number) }
                #expect(!fixture.inRotation.contains(9), "\(next), \(second) s")
                fixture.wait(1)
                if next.isEmpty { fixture.fail(.nxdomain) } else { fixture.answer(next) }
            }
        }
    }

    // MARK: A scale-down, or a registry that lost its mind

    @Test(
        "8 to 3: the five get nothing new while the three can carry it", arguments: [true, false])
    func scaleDown(atOnce: Bool) {
        let fixture = Fixture()
        fixture.fill(8)
        shrink(fixture, from: 8, to: 3, atOnce: atOnce)
        #expect(serving(fixture) == [1, 2, 3])
        #expect(fixture.inRotation.count == 8, "they are behind the three")
        let losses = fixture.roster.losses
        #expect(losses.map(\.named) == [3] && losses.map(\.held) == [5])
        #expect(
            losses.first?.until == fixture.now + .seconds(60) && losses.first?.hasJoined == false)
        for number in 1...3 { fixture.failCheck(number, times: 3) }
        #expect(serving(fixture) == [4, 5, 6, 7, 8], "the three are out")
        for number in 1...3 { fixture.pass(number, times: 2) }
        #expect(serving(fixture) == [1, 2, 3])
        for _ in 0..<60 {
            fixture.wait(1)
            fixture.answer(1...3)
        }
        #expect(fixture.inRotation == [1, 2, 3])
        #expect(fixture.roster.losses.isEmpty)
    }

    @Test("8 to 3: when the three carry far more than before, the five serve as well")
    func overload() {
        let fixture = Fixture()
        fixture.fill(8)
        fixture.answer(1...3)
        fixture.roster.weighLoad(now: 26, before: 10, now: fixture.now)
        #expect(serving(fixture) == [1, 2, 3])
        fixture.roster.weighLoad(now: 50, before: 10, now: fixture.now)
        #expect(serving(fixture) == Array(1...8))
        #expect(fixture.texts.last?.contains("carry 5 times what they did before") == true)
    }

    @Test("8 to 1 and then NXDOMAIN: nobody is left alone with the load", arguments: [true, false])
    func lostMind(atOnce: Bool) {
        let fixture = Fixture()
        fixture.fill(8)
        if atOnce {
            fixture.answer([1])
            #expect(serving(fixture) == Array(1...8))
        } else {
            for count in (1..<8).reversed() {
                fixture.wait(1)
                fixture.answer(1...count)
                #expect(serving(fixture).count >= 3, "\(count) named")
            }
        }
        fixture.fail(.nxdomain)
        for _ in 0..<100 {
            fixture.wait(1)
            fixture.fail(.nxdomain)
            #expect(serving(fixture) == Array(1...8))
        }
        #expect(
            fixture.texts.contains {
                $0.contains("the 7 lost serve as well") || $0.contains("the 6 lost")
            })
    }

    @Test("a catalogue that was wiped and fills again one by one crushes nobody")
    func wiped() {
        let fixture = Fixture()
        fixture.fill(8)
        for _ in 0..<4 {
            fixture.fail(.nxdomain)
            fixture.wait(1)
        }
        for count in 1...8 {
            fixture.answer(1...count)
            #expect(serving(fixture).count >= min(4, 8), "\(count) named again")
            #expect(fixture.inRotation.count == 8)
            fixture.wait(1)
        }
        #expect(serving(fixture) == Array(1...8))
        #expect(fixture.roster.losses.isEmpty)
    }

    // MARK: What is meant

    @Test("a file that names less is believed, however much less")
    func deliberate() {
        let fixture = Fixture()
        fixture.fill(8)
        fixture.roster.apply(
            .instances([instance(1)]), stands: true, isDeliberate: true, now: fixture.now)
        #expect(fixture.inRotation == [1])
        #expect(fixture.roster.losses.isEmpty && fixture.roster.holds.isEmpty)
        fixture.roster.apply(.instances([]), stands: true, isDeliberate: true, now: fixture.now)
        #expect(fixture.inRotation.isEmpty, "that nothing is left is meant so too")
        #expect(fixture.roster.sources[0].outage == nil)
    }

    @Test("those whose checks by the registry fail wait, whatever load the others have")
    func critical() {
        let fixture = Fixture()
        fixture.fill(8)
        fixture.roster.apply(
            .instances([instance(1)]), stands: true,
            critical: Set((2...8).map { endpoint($0) }), now: fixture.now)
        #expect(serving(fixture) == [1], "the registry has something against the others")
        #expect(fixture.inRotation == [1, 2, 3, 4, 5, 6, 7, 8], "which is behind it")
        fixture.roster.weighLoad(now: 2, before: 1, now: fixture.now)
        #expect(serving(fixture) == [1])
        fixture.roster.weighLoad(now: 8, before: 1, now: fixture.now)
        #expect(serving(fixture) == [1])
        fixture.failCheck(1, times: 3)
        #expect(serving(fixture) == [2, 3, 4, 5, 6, 7, 8], "the last one named is out")
    }

    @Test("so do those that turn critical one by one; one that our checks fail on leaves")
    func criticalOneByOne() {
        let fixture = Fixture()
        fixture.fill(8)
        for left in (1...7).reversed() {
            fixture.roster.apply(
                .instances((1...left).map { instance($0) }), stands: true,
                critical: Set((left + 1...8).map { endpoint($0) }), now: fixture.now)
            fixture.wait(0.5)
        }
        #expect(serving(fixture) == [1])
        #expect(fixture.inRotation == [1, 2, 3, 4, 5, 6, 7, 8])
        fixture.failCheck(8, times: 3)
        #expect(fixture.inRotation == [1, 2, 3, 4, 5, 6, 7])
        fixture.failCheck(1, times: 3)
        #expect(serving(fixture) == [2, 3, 4, 5, 6, 7], "the last one named is out")
    }

    private func withdrawn(_ numbers: ClosedRange<Int>) -> [Endpoint: String] {
        Dictionary(uniqueKeysWithValues: numbers.map { (endpoint($0), "it is in maintenance") })
    }

    @Test("an instance that is listed as in maintenance is no loss, and drains")
    func withdrawn() {
        let fixture = Fixture()
        fixture.fill(8)
        fixture.roster.apply(
            .instances([1, 2].map { instance($0) }), stands: true,
            withdrawn: withdrawn(3...8), now: fixture.now)
        #expect(fixture.inRotation == [1, 2])
        #expect(fixture.roster.sources[0].failures[.massLoss] == nil)
        fixture.wait(2)
        fixture.roster.apply(
            .instances([instance(1)]), stands: true,
            withdrawn: withdrawn(2...8), now: fixture.now)
        #expect(fixture.inRotation == [1], "nor do they count as lost bit by bit")
    }

    // MARK: The next source

    @Test(
        "a lower tier that is up shortens the hold of a name that is gone",
        arguments: [true, false])
    func failover(isUpFirst: Bool) {
        for failure in [DiscoveryFailure.nxdomain, .nodata] {
            let fixture = Fixture(places: 2)
            fixture.answer(1...3)
            fixture.answer([11], from: 1)
            for number in 1...3 { fixture.pass(number) }
            if isUpFirst { fixture.pass(11) } else { fixture.failCheck(11, times: 3) }
            for _ in 0..<4 {
                fixture.fail(failure)
                fixture.wait(1)
                #expect(serving(fixture) == [1, 2, 3], "a moment is no reason to move")
            }
            if !isUpFirst {
                fixture.wait(60)
                fixture.fail(failure)
                #expect(serving(fixture) == [1, 2, 3], "there is nobody to take over")
                fixture.pass(11, times: 2)
            } else {
                fixture.wait(6)
            }
            fixture.wait(0.001)
            #expect(serving(fixture) == [11])
            fixture.answer(1...3)
            #expect(fixture.inRotation.first == 1)
        }
    }

    @Test("a registry that is away shortens nothing, nor does a tier that is not up")
    func noFailover() {
        let fixture = Fixture(places: 2)
        fixture.answer(1...3)
        fixture.answer([11], from: 1)
        for number in [1, 2, 3, 11] { fixture.pass(number) }
        fixture.fail(.timeout)
        fixture.wait(600)
        #expect(serving(fixture) == [1, 2, 3])
    }
}
