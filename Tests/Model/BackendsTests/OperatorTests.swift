// Goal: what an operator says by the admin port happens at once, is told with who said it, and
// never leaves a service without a backend by an ejection. Method: a roster under a clock moved by
// hand; rotation and journal are read.

import Backends
import Endpoints
import Testing

@Suite struct OperatorTests {
    private let origin = OperatorOrigin.adminPort(from: .loopback)

    private func override(_ fixture: Fixture, _ override: BackendOverride?) {
        var all = BackendOverrides()
        all[endpoint(1)] = override
        fixture.roster.setOverrides(all, by: origin, now: fixture.now)
    }

    private func texts(_ fixture: Fixture, last count: Int) -> [String] {
        fixture.journal.entries.suffix(count).map { "\($0.event)" }
    }

    @Test("a drain and its end say who wanted them")
    func drain() {
        let fixture = Fixture()
        fixture.fill(2)
        override(fixture, BackendOverride(isDrained: true))
        #expect(fixture.phase(1) == .draining)
        #expect(fixture.roster.takeExpelled() == [], "what runs may finish")
        override(fixture, nil)
        #expect(
            texts(fixture, last: 4) == [
                "overridden by the admin port from 127.0.0.1: drained",
                "up to draining: drained by the admin port from 127.0.0.1",
                "override lifted by the admin port from 127.0.0.1 (drained)",
                "draining to up: enabled by the admin port from 127.0.0.1",
            ])
    }

    @Test("a disabled backend has what runs on it ended at once, also one that drained before")
    func disable() throws {
        let fixture = Fixture()
        fixture.fill(2)
        let id = try #require(fixture.roster.backend(at: endpoint(1))?.id)
        override(fixture, BackendOverride(isDrained: true))
        override(fixture, BackendOverride(isDrained: true, isCutOff: true))
        #expect(fixture.roster.takeExpelled() == [id])
        fixture.wait(4000)
        #expect(fixture.roster.takeExpelled() == [], "once")
        #expect(fixture.phase(1) == .draining)
        #expect(
            texts(fixture, last: 1) == [
                "overridden by the admin port from 127.0.0.1: drained to disabled"
            ])
        override(fixture, nil)
        #expect(fixture.phase(1) == .up)
    }

    @Test("an ejection ends by its time, on probation, and no check shortens it")
    func eject() throws {
        let fixture = Fixture()
        fixture.fill(3)
        let id = try #require(fixture.roster.backend(at: endpoint(1))?.id)
        #expect(fixture.roster.eject(id, by: origin, now: fixture.now) == .done)
        #expect(fixture.inRotation == [2, 3])
        fixture.pass(1, times: 3)
        #expect(fixture.phase(1) == .ejected)
        #expect(
            texts(fixture, last: 1) == ["up to ejected: ejected by the admin port from 127.0.0.1"])
        #expect(fixture.roster.eject(id, by: origin, now: fixture.now) == .notUp(.ejected))
        fixture.wait(7)
        #expect(fixture.phase(1) == .up)
        #expect(fixture.roster.backend(id)?.state.isOnProbation == true)
    }

    @Test("the last backend that is up, or that is trusted, is not ejected")
    func last() throws {
        let fixture = Fixture()
        fixture.fill(2)
        let ids = fixture.roster.backends.map(\.id)
        #expect(fixture.roster.eject(ids[0], by: origin, now: fixture.now) == .done)
        #expect(fixture.roster.eject(ids[1], by: origin, now: fixture.now) == .refused(.last))
        fixture.wait(7)
        #expect(fixture.phase(1) == .up, "on probation")
        #expect(fixture.roster.eject(ids[1], by: origin, now: fixture.now) == .refused(.last))
        let gone = BackendID(rawValue: 999)
        #expect(fixture.roster.eject(gone, by: origin, now: fixture.now) == .notUp(.gone))
    }

    // MARK: What is shown

    @Test("the last sixty checks are kept, the oldest first")
    func strip() {
        var strip = CheckStrip()
        #expect(strip.text.isEmpty)
        for passed in [true, true, false] { strip.add(passed: passed) }
        #expect(strip.text == "++-")
        for _ in 0..<58 { strip.add(passed: true) }
        #expect(strip.count == 60)
        #expect(strip.text == "+-" + String(repeating: "+", count: 58))
    }

    @Test("checks come onto the strip of their backend")
    func stripOfBackend() {
        let fixture = Fixture()
        fixture.fill(1)
        let before = fixture.roster.backend(at: endpoint(1))?.recentChecks.text ?? ""
        fixture.failCheck(1)
        fixture.pass(1, times: 2)
        #expect(fixture.roster.backend(at: endpoint(1))?.recentChecks.text == before + "-++")
    }

    @Test("the journal is read from any number on, also after its ring has come round")
    func journal() {
        let journal = Journal(capacity: 3)
        #expect(journal.entries(from: 0).isEmpty)
        for number in 0..<5 { journal.write(note: "note \(number)", at: .now) }
        #expect(journal.entries(from: 0).map(\.number) == [2, 3, 4])
        #expect(journal.entries(from: 4).map { "\($0.event)" } == ["note 4"])
        #expect(journal.entries(from: 5).isEmpty)
        #expect(journal.entries.allSatisfy { $0.service == .process })
    }
}
