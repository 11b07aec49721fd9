// Goal: shares are SRV's shares, tiers are SRV's tiers, and an unchanged rotation stays one object.
// Method: answers with chosen priorities and weights, each backend passing its check.

import Backends
import Endpoints
import Testing

@Suite struct RotationTests {
    func fixture(_ instances: [Instance]) -> Fixture {
        let fixture = Fixture { $0.checks = nil }
        fixture.answer(instances)
        return fixture
    }

    @Test(
        "effective weights",
        arguments: [
            ([10, 1], [10, 1]), ([65535, 1], [65535, 1]), ([0, 0], [1, 1]), ([0], [1]),
            ([0, 1], [1, 256]), ([0, 65535, 2], [1, 16_776_960, 512]),
        ] as [([UInt16], [UInt32])])
    func weights(given: [UInt16], effective: [UInt32]) {
        let fixture = fixture(given.enumerated().map { instance($0 + 1, weight: $1) })
        #expect(fixture.roster.rotation.members.map(\.weight) == effective)
    }

    @Test("the lowest priority is the first tier, and a tier without a backend up is none")
    func tiers() {
        let fixture = fixture([
            instance(1, priority: 2), instance(2, priority: 1), instance(3, priority: 1),
            instance(4, priority: 65535),
        ])
        #expect(fixture.roster.rotation.tiers.map(\.count) == [2, 1, 1])
        #expect(fixture.inRotation == [2, 3, 1, 4])
        fixture.failDial(2)
        fixture.failDial(3)
        #expect(fixture.roster.rotation.tiers.map { $0.map(\.tier.priority) } == [[2], [65535]])
    }

    @Test("the same object as long as nothing changes that matters to traffic")
    func identity() {
        let fixture = Fixture()
        fixture.fill(3)
        let rotation = fixture.roster.rotation
        fixture.answer([3, 1, 2])
        fixture.pass(1)
        fixture.failCheck(2)
        fixture.fail(.servfail)
        fixture.answer((1...3).map { Instance(endpoint($0), hostName: "other", timeToLive: .zero) })
        fixture.answer(1...4)
        fixture.answer([1, 2])
        fixture.answer(1...3)
        #expect(fixture.roster.rotation === rotation, "out and back before anyone asked")
        fixture.failDial(1)
        #expect(fixture.roster.rotation.generation == rotation.generation + 1)
    }

    @Test("a new weight or priority changes the rotation and the journal, not the state")
    func share() {
        let fixture = fixture([instance(1), instance(2)])
        let since = fixture.roster.backend(at: endpoint(1))?.state.since
        fixture.wait(1)
        fixture.answer([instance(1, priority: 3, weight: 7), instance(2)])
        #expect(fixture.roster.rotation.members.map(\.weight) == [1, 7])
        #expect(fixture.roster.backend(at: endpoint(1))?.state.since == since)
        #expect(
            fixture.journal.entries.last?.event.description
                == "priority 0, weight 1 to priority 3, weight 7")
    }

    @Test("duplicates of an endpoint are one backend")
    func duplicates() {
        var other = instance(1, weight: 5)
        other.hostName = "b"
        let repeated = fixture([instance(1, weight: 3), instance(1, weight: 3)])
        #expect(repeated.roster.rotation.members.map(\.weight) == [3])
        let summed = fixture([instance(1, weight: 3), other])
        #expect(summed.roster.rotation.members.map(\.weight) == [8])
        let best = fixture([
            instance(1, priority: 2, weight: 3), instance(1, priority: 1, weight: 4),
        ])
        #expect(best.roster.rotation.members.map(\.weight) == [4])
        #expect(best.roster.rotation.members.map(\.tier.priority) == [1])
        let most = fixture([instance(1, weight: 65535), other])
        #expect(most.roster.rotation.members.map(\.weight) == [65535])
    }

    @Test("the change between two rotations")
    func change() {
        let fixture = fixture([instance(1), instance(2), instance(3)])
        let earlier = fixture.roster.rotation
        #expect(earlier.change(since: earlier).isEmpty)
        fixture.answer([instance(1), instance(2, weight: 9), instance(4)])
        let change = fixture.roster.rotation.change(since: earlier)
        #expect(change.added.map(\.endpoint) == [endpoint(4)])
        #expect(change.removed.map(\.endpoint) == [endpoint(3)])
        #expect(change.changed.map(\.endpoint) == [endpoint(2)])
        #expect(change.changed.map(\.weight) == [9])
    }
}
