// Goal: what a source has checked itself need not wait for our first check, and our own evidence
// decides from then on. Method: answers that name instances as passing, and checks that say
// otherwise.

import Backends
import Testing

@Suite struct PassingInstanceTests {
    private func passing(_ number: Int, priority: UInt16 = 0) -> Instance {
        Instance(endpoint(number), priority: priority, isPassing: true)
    }

    @Test func `a new one is in the rotation at once, and another waits for its check`() {
        let fixture = Fixture()
        fixture.answer([passing(1), instance(2)])
        #expect(fixture.inRotation == [1])
        #expect(fixture.roster.backend(at: endpoint(1))?.state.cause == .passedElsewhere)
        fixture.pass(2)
        #expect(fixture.inRotation == [1, 2])
    }

    @Test func `one that waits for its first check is in as soon as it is named as passing`() {
        let fixture = Fixture()
        fixture.answer([instance(1)])
        fixture.startCheck(1)
        #expect(fixture.phase(1) == .checking)
        fixture.answer([passing(1)])
        #expect(fixture.phase(1) == .up)
    }

    @Test func `checks put it down, and the source does not bring it back`() {
        let fixture = Fixture()
        fixture.answer([passing(1), passing(2)])
        fixture.failCheck(1, times: 3)
        #expect(fixture.phase(1) == .down)
        fixture.answer([passing(1, priority: 1), passing(2)])
        #expect(fixture.phase(1) == .down)
        fixture.pass(1, times: 5)
        #expect(fixture.phase(1) == .up)
    }

    @Test func `a request that can't connect ejects it, and the source does not bring it back`() {
        let fixture = Fixture()
        fixture.answer([passing(1), passing(2)])
        fixture.failDial(1)
        #expect(fixture.phase(1) == .ejected)
        fixture.answer([passing(1, priority: 1), passing(2)])
        #expect(fixture.phase(1) == .ejected)
    }

    @Test func `another process at its address is in at once as well`() {
        let fixture = Fixture()
        fixture.answer([Instance(endpoint(1), incarnation: "a", isPassing: true)])
        fixture.failCheck(1, times: 3)
        fixture.answer([Instance(endpoint(1), incarnation: "b", isPassing: true)])
        #expect(fixture.inRotation == [1])
    }
}
