// Goal: failed answers are reported when chance would not make such a run of them, one is enough on
// probation, and what was sent before it is not. Method: records and a clock that only the test
// moves; chance by a generator.

import Backends
import Evidence
import Testing

@Suite struct AnswerTests {
    @Test(
        "what a status says",
        arguments: [
            (200, .good(endsProbation: false)), (404, .good(endsProbation: false)),
            (499, .good(endsProbation: false)), (500, .failed), (501, .neutral), (502, .failed),
            (503, .failed), (504, .failed), (505, .neutral), (599, .failed), (600, .neutral),
            (999, .neutral),
        ] as [(Int, LiveEvidence.Answer)])
    func status(status: Int, answer: LiveEvidence.Answer) {
        var service = Service()
        service.begin(on: 0)
        #expect(service.answer(status, by: 0) == answer)
    }

    @Test("three in a row are reported when the others never fail, and a good one starts over")
    func run() {
        var service = Service()
        #expect(service.fail(at: 0) == nil)
        #expect(service.fail(at: 0) == nil)
        service.serve(by: 0)
        #expect(service.fail(at: 0) == nil)
        #expect(service.fail(at: 0) == nil)
        #expect(service.fail(503, at: 0) == .answers(consecutive: 3, last: 503))
        #expect(service.fail(at: 0) == nil, "not so soon again")
        service.now += 100
        #expect(service.fail(0, at: 0) == .answers(consecutive: 5, last: 0))
    }

    @Test("when every backend fails, or there is no other, none is reported", arguments: [1, 3])
    func everyone(count: Int) {
        var service = Service(count: count)
        var reports = 0
        for _ in 0..<200 {
            service.now += 100
            for place in 0..<count where service.fail(at: place) != nil { reports += 1 }
        }
        #expect(reports == 0)
    }

    @Test("with no number nothing is reported")
    func never() {
        var service = Service()
        service.evidence.failuresMin = nil
        for _ in 0..<50 {
            service.now += 100
            #expect(service.fail(at: 0) == nil)
        }
    }

    // MARK: Probation

    @Test("on probation one failure is enough, unless half of the others' answers fail")
    func probation() {
        var service = Service()
        service.enter(0, isOnProbation: true)
        #expect(service.fail(at: 0, sentBefore: 0) == .answers(consecutive: 1, last: 500))
        service = Service()
        for _ in 0..<40 { for place in 1...2 { _ = service.fail(at: place) } }
        service.enter(0, isOnProbation: true)
        #expect(service.fail(at: 0, sentBefore: 0) == nil)
    }

    @Test("a late failure from before its ejection is not what its probation is about")
    func lateFailure() {
        var service = Service()
        service.enter(0, isOnProbation: true)
        service.now += 50
        for _ in 0..<5 { #expect(service.fail(at: 0, sentBefore: 51) == nil) }
        #expect(service.fail(at: 0, sentBefore: 50) != nil)
    }

    @Test("a rotation that says once more that it is on probation begins none")
    func probationGoesOn() {
        var service = Service()
        service.enter(0, isOnProbation: true)
        service.now += 50
        service.enter(0, isOnProbation: true)
        #expect(service.fail(at: 0, sentBefore: 50) != nil)
    }

    @Test("one good answer, or an accepted connection, ends it once")
    func proof() {
        var service = Service()
        service.enter(0, isOnProbation: true)
        service.begin(2, on: 0)
        #expect(service.answer(by: 0) == .good(endsProbation: true))
        #expect(service.answer(by: 0) == .good(endsProbation: false))
        #expect(!service.backends[0].isOnProbation)
        service.enter(1, isOnProbation: true)
        let proofs = [service.backends[1].prove(), service.backends[1].prove()]
        #expect(proofs == [true, false])
        // What is not implemented is no proof.
        service.enter(2, isOnProbation: true)
        service.begin(on: 2)
        #expect(service.answer(501, by: 2) == .neutral)
        #expect(service.backends[2].isOnProbation)
    }
}

@Suite struct FailureRunTests {
    @Test(
        "a backend that fails at the rate of the others is reported once in a million",
        arguments: [10, 30, 60])
    func byChance(percent: Int) {
        var generator = SystemRandomNumberGenerator()
        var runs = [FailureRun](repeating: FailureRun(), count: 5)
        var reports = 0
        for _ in 0..<40_000 {
            for place in runs.indices {
                guard Int.random(in: 0..<100, using: &generator) < percent else {
                    runs[place].addGood()
                    continue
                }
                runs[place].addFailed()
                let share = FailureRun.othersShare(besides: place, of: 5) { runs[$0].share }
                if runs[place].isEvidence(othersShare: share, runMin: 3, isOnProbation: false) {
                    reports += 1
                }
            }
        }
        #expect(reports <= 20, "of 200,000 answers")
    }

    @Test("the run that is asked for grows with the share of failures elsewhere")
    func length() {
        func length(_ percent: Int) -> Int {
            FailureRun.length(atShare: FailureRun.one * percent / 100, runMin: 3)
        }
        #expect(length(0) == 3)
        #expect(length(1) == 3)
        #expect(length(20) == 9)
        #expect(length(50) == 20)
        #expect(length(100) == .max)
    }

    @Test("the others are up to 16 next to it, never itself")
    func others() {
        func share(_ place: Int?, of count: Int) -> Int {
            FailureRun.othersShare(besides: place, of: count) { $0 }
        }
        #expect(share(0, of: 3) == 1)
        #expect(share(2, of: 3) == 0)
        #expect(share(0, of: 1) == FailureRun.one)
        #expect(share(nil, of: 1) == FailureRun.one)
        #expect(share(0, of: 100) == (1...16).reduce(0, +) / 16)
    }
}
