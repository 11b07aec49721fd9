// Goal: what was known of a process is not held for or against the next one at its address, where
// a source can tell them apart. Method: answers that name one endpoint as two processes.

import Backends
import Endpoints
import Testing

@Suite struct SuccessionTests {
    private func life(_ number: Int, _ incarnation: String) -> Instance {
        Instance(endpoint(number), incarnation: incarnation)
    }

    @Test func `another process at an address is another backend`() throws {
        let fixture = Fixture()
        fixture.answer([life(1, "a"), life(2, "a")])
        fixture.pass(1)
        fixture.pass(2)
        let old = try #require(fixture.roster.backend(at: endpoint(1))?.id)
        fixture.answer([life(1, "b"), life(2, "a")])
        let new = try #require(fixture.roster.backend(at: endpoint(1)))
        #expect(new.id != old)
        #expect(new.state.phase == .discovered)
        #expect(fixture.inRotation == [2])
        #expect(fixture.roster.takeExpelled() == [old])
        #expect(fixture.roster.count == 2)
        fixture.pass(1)
        #expect(fixture.inRotation == [1, 2])
    }

    @Test func `an ejection does not outlive its process`() throws {
        let fixture = Fixture()
        fixture.answer([life(1, "a"), life(2, "a")])
        fixture.pass(1)
        fixture.pass(2)
        let old = try #require(fixture.roster.backend(at: endpoint(1))?.id)
        fixture.roster.dialFailed(old, .refused, now: fixture.now)
        #expect(fixture.phase(1) == .ejected)
        fixture.answer([life(1, "b"), life(2, "a")])
        fixture.pass(1)
        #expect(fixture.phase(1) == .up)
    }

    @Test func `one that drains is succeeded at once`() throws {
        let fixture = Fixture()
        fixture.answer([life(1, "a")])
        fixture.pass(1)
        fixture.roster.apply(
            .instances([]), isDeliberate: true, withdrawn: [endpoint(1): "it was told to stop"],
            now: fixture.now)
        #expect(fixture.phase(1) == .draining)
        fixture.answer([life(1, "b")])
        #expect(fixture.phase(1) == .discovered)
        #expect(fixture.roster.count == 1)
    }

    @Test(arguments: [("a", "a"), ("", "b"), ("a", ""), ("", "")])
    func `a source that can't tell them apart changes nothing`(before: String, after: String) throws
    {
        let fixture = Fixture()
        fixture.answer([life(1, before)])
        fixture.pass(1)
        let old = try #require(fixture.roster.backend(at: endpoint(1))?.id)
        fixture.answer([life(1, after)])
        #expect(fixture.roster.backend(at: endpoint(1))?.id == old)
        #expect(fixture.phase(1) == .up)
    }

    @Test func `an operator's word is of the address`() throws {
        let fixture = Fixture()
        fixture.answer([life(1, "a"), life(2, "a")])
        fixture.pass(1)
        fixture.pass(2)
        var overrides = BackendOverrides()
        overrides[endpoint(1)] = BackendOverride(isDrained: true)
        fixture.roster.setOverrides(overrides, now: fixture.now)
        fixture.answer([life(1, "b"), life(2, "a")])
        fixture.pass(1)
        #expect(fixture.phase(1) == .draining)
        #expect(fixture.inRotation == [2])
    }

    @Test func `what is withdrawn again and again drains at once each time, and says why`() {
        let fixture = Fixture()
        for _ in 0..<3 {
            fixture.answer([life(1, "a")])
            fixture.pass(1, times: 2)
            #expect(fixture.phase(1) == .up)
            fixture.roster.apply(
                .instances([]), isDeliberate: true, withdrawn: [endpoint(1): "it is paused"],
                now: fixture.now)
            #expect(fixture.phase(1) == .draining)
            fixture.wait(1)
        }
        #expect(fixture.texts.contains("up to draining: it is paused"))
    }
}
