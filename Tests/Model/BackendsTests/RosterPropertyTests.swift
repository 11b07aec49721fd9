// Goal: whatever the order of answers, checks and reports, the roster stays consistent, a failing
// source takes no passing backend away, live traffic ejects no more than it may, no deadline is
// late, and a full answer always brings everything back. Method: random histories from a seeded
// generator; invariants after every step.

import Backends
import Endpoints
import Random
import TestSupport
import Testing

@Suite struct RosterPropertyTests {
    @Test("random histories", arguments: 0..<24 as Range<UInt64>)
    func histories(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let fixture = Fixture {
            if seed % 4 == 0 { $0.checks = nil }
            $0.missesToDrain = Int(seed % 3) + 1
            $0.backendsMax = 24
            if seed % 3 == 0 { $0.slowStart = .seconds(30) }
            if seed % 5 == 0 { $0.zone.preferred = "a" }
            $0.whenNoneUp = RosterOptions.WhenNoneUp.allCases[Int(seed / 3 % 3)]
        }
        for _ in 0..<300 {
            step(fixture, &random)
            check(fixture)
        }
        // Nothing overridden, empty, then full: every record that a source names gets its traffic.
        fixture.roster.setOverrides(BackendOverrides(), now: fixture.now)
        fixture.fail(.nxdomain)
        fixture.wait(4000)
        fixture.answer(1...16)
        fixture.wait(100)
        for number in 1...16 { fixture.pass(number, times: 2) }
        #expect(Set(fixture.inRotation).isSuperset(of: 1...16), "seed \(seed)")
        // And what it no longer names ends, however often that flapped or was held before.
        for _ in 0..<16 { fixture.answer(1...16) }
        fixture.wait(400)
        #expect(fixture.inRotation == Array(1...16), "seed \(seed)")
        #expect(fixture.roster.count == 16)
    }

    func step(_ fixture: Fixture, _ random: inout SplitMix64) {
        let number = Int.random(in: 1...20, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0, 1, 2:
            let most = Int.random(in: 0...20, using: &random)
            fixture.answer(
                (0..<most).map { _ in
                    Instance(
                        endpoint(.random(in: 1...20, using: &random)),
                        priority: .random(in: 0...2, using: &random),
                        weight: .random(in: 0...3, using: &random),
                        metadata: ["zone": Bool.random(using: &random) ? "a" : "b"])
                })
        case 3, 4:
            let before = Set(fixture.inRotation)
            fixture.fail(RosterTests.failures.randomElement(using: &random) ?? .timeout)
            #expect(
                before.isSubset(of: fixture.inRotation), "a failure by itself takes nothing away")
        case 5, 6: fixture.pass(number, times: 2)
        case 7: fixture.failCheck(number, times: 2)
        case 8: failDial(fixture, number)
        case 15, 16: failLive(fixture, number)
        case 17: fixture.prove(number)
        case 18:
            let answered = Int.random(in: 0...1, using: &random)
            fixture.roster.liveWeight(answered: answered, failed: 9, bytes: 0, now: fixture.now)
        case 9: fixture.drained(number)
        case 10: fixture.wait(Double.random(in: 0...5, using: &random))
        case 11: override(fixture, number, &random)
        case 12: reconfigure(fixture, &random)
        case 13:
            let before = fixture.inRotation
            fixture.roster.sourcesChanged(places: 1, now: fixture.now)
            #expect(fixture.inRotation == before, "another source by itself takes nothing away")
        default: fixture.wait(Double.random(in: 0...400, using: &random))
        }
    }

    private func failDial(_ fixture: Fixture, _ number: Int) {
        let state = fixture.roster.backend(at: endpoint(number))?.state
        let isSpared = fixture.roster.upCount == 1 && state?.consecutiveFailures == 0
        fixture.failDial(number)
        if state?.phase == .up, isSpared {
            #expect(fixture.phase(number) == .up, "a dial spares the last that is up")
        }
    }

    private func failLive(_ fixture: Fixture, _ number: Int) {
        let roster = fixture.roster
        let ejected = roster.backends.count(where: \.state.isEjectedByAnswers)
        let wasUp = fixture.phase(number) == .up
        let refused = roster.ejectionsRefused
        let others = roster.backends.filter {
            $0.state.phase == .up && $0.endpoint != endpoint(number)
        }
        let wasOnProbation = roster.backend(at: endpoint(number))?.state.isOnProbation == true
        let isLast = others.allSatisfy { !wasOnProbation && $0.state.isOnProbation }
        fixture.failLive(number)
        guard wasUp else { return }
        let most = max(1, roster.stayingCount * roster.options.ejectShareMax / 100)
        if ejected < most, !isLast {
            #expect(fixture.phase(number) != .up)
            #expect(roster.backends.count(where: \.state.isEjectedByAnswers) <= most)
        } else {
            #expect(fixture.phase(number) == .up && roster.ejectionsRefused == refused + 1)
        }
    }

    private func override(
        _ fixture: Fixture, _ number: Int, _ random: inout SplitMix64
    ) {
        var overrides = fixture.roster.overrides
        overrides[endpoint(number)] = BackendOverride(
            weight: Bool.random(using: &random) ? nil : .random(in: 0...3, using: &random),
            isDrained: .random(using: &random))
        fixture.roster.setOverrides(overrides, now: fixture.now)
    }

    private func reconfigure(_ fixture: Fixture, _ random: inout SplitMix64) {
        var options = fixture.roster.options
        let checks: [RosterOptions.Checks?] = [nil, .init(rise: 1, fall: 1), .init()]
        options.checks = checks.randomElement(using: &random) ?? nil
        options.missesToDrain = .random(in: 1...3, using: &random)
        options.holds.nxdomain = .seconds(Int.random(in: 1...600, using: &random))
        options.holds.massLoss = .seconds(Int.random(in: 1...600, using: &random))
        fixture.roster.setOptions(options, now: fixture.now)
    }

    func check(_ fixture: Fixture) {
        let roster = fixture.roster
        let backends = roster.backends
        let up = backends.filter { $0.state.phase == .up }
        #expect(Set(backends.map(\.endpoint)).count == backends.count)
        #expect(backends.count == roster.count && roster.count <= 24)
        #expect(roster.upCount == up.count)
        #expect(
            roster.outCount == backends.count { [.down, .ejected].contains($0.state.phase) })
        #expect(
            roster.pendingCount
                == backends.count { [.discovered, .checking].contains($0.state.phase) })
        for place in roster.sources.indices {
            #expect(
                roster.hasBackends(from: place) == backends.contains { Int($0.place) == place })
        }
        // What a verdict takes for proven, without a look at the rotation.
        #expect(Set(roster.rotation.members.map(\.id)).isSuperset(of: up.map(\.id)))
        #expect(roster.leavingCount == backends.count { $0.state.isLeaving })
        checkRotation(roster, up: up)
        checkDeadlines(roster, now: fixture.now)
        #expect(backends.allSatisfy { $0.override == roster.overrides[$0.endpoint] })
        let drained = Set(
            roster.overrides.endpoints.filter { roster.overrides[$0]?.isDrained == true })
        #expect(!roster.rotation.members.contains { drained.contains($0.endpoint) })
        #expect(
            backends.allSatisfy {
                ($0.state.phase == .draining)
                    == ($0.state.isLeaving || drained.contains($0.endpoint))
            })
        #expect(!backends.contains { $0.state.phase == .gone })
        #expect(backends.allSatisfy { roster.backend($0.id) == $0 })
        #expect(backends.allSatisfy { roster.backend(at: $0.endpoint) == $0 })
    }

    private func checkRotation(_ roster: Roster, up: [Backend]) {
        let untried = roster.backends.filter {
            [.discovered, .checking].contains($0.state.phase)
                && $0.state.consecutiveFailures == 0
        }
        let members = Set(roster.rotation.members.map(\.id))
        let staying = roster.backends.filter { $0.state.phase != .draining }
        #expect(roster.stayingCount == staying.count)
        switch roster.emergency?.mode {
        case nil:
            #expect(members == Set((up.isEmpty ? untried : up).map(\.id)))
            #expect(!up.isEmpty || !untried.isEmpty || staying.isEmpty)
        case .failingFast:
            #expect(up.isEmpty && members == Set(untried.map(\.id)))
        case .routingToUnhealthy:
            #expect(up.count * 2 < staying.count && !members.isEmpty)
            #expect(members.isSuperset(of: (up + untried).map(\.id)))
            #expect(members.isSubset(of: staying.map(\.id)))
        }
        // Somebody in each tier has to take what can't be given to those on probation.
        #expect(roster.rotation.tiers.allSatisfy { $0.contains { !$0.isOnProbation } })
        #expect(roster.rotation.members.allSatisfy { $0.weight < 1 << 24 })
    }

    private func checkDeadlines(_ roster: Roster, now: ContinuousClock.Instant) {
        var due = roster.backends.compactMap(\.state.deadline)
        for backend in roster.backends {
            switch backend.naming {
            case .held(let until) where !backend.state.isLeaving: due.append(until)
            case .replaced(let until) where !backend.state.isLeaving: due.append(until)
            case .named, .missing, .held, .replaced: break
            }
            if backend.rampShare < 16, let since = backend.state.upSince,
                let slowStart = roster.options.slowStart
            {
                due.append(since + slowStart * backend.rampShare / 16)
            }
        }
        if let emergency = roster.emergency {
            if let end = emergency.recoveryEnd { due.append(end) }
            if emergency.mode == .failingFast, roster.options.whenNoneUp == .evidence {
                due.append(emergency.modeSince + roster.options.refuseTime)
            }
        }
        if let earliest = due.min() {
            #expect((roster.nextDeadline ?? earliest + .seconds(1)) <= earliest)
        }
        if let next = roster.nextDeadline { #expect(next > now) }
    }
}
