// Goal: a backend that sends nothing is silent when others answer and enough wait there; one that
// is slow, or quiet because nothing is due, is not. Method: records and a clock that only the test
// moves; each case has a neighbour in which the verdict is the other.

import Backends
import Evidence
import Testing

@Suite struct SilenceWatchTests {
    /// Three requests on backend 0 since 1000, another backend answers at 1100; it is 1800.
    private func hang() -> Service {
        var service = Service()
        service.begin(3, on: 0)
        service.now = 1100
        service.serve(by: 1)
        service.now = 1800
        return service
    }

    private let reported = SilenceWatch.Verdict.silent(report: .silent(waiting: 3))

    @Test("three wait, nothing comes for as long as may be, and another has answered: silent")
    func silent() {
        var service = hang()
        service.now = 1749
        #expect(service.look(at: 0, since: 1000) == .patient)
        service.now = 1750
        #expect(service.look(at: 0, since: 1000) == reported)
        #expect(service.backends[0].isSilent)
    }

    @Test("a byte of any response ends a silence before it is one: that is a slow page")
    func slowPage() {
        var service = hang()
        service.backends[0].heardAt = Service.nanoseconds(1500)
        #expect(service.look(at: 0, since: 1000) == .patient)
    }

    @Test("the quiet begins with the last byte, whenever the requests were sent")
    func sinceLastByte() {
        var service = hang()
        service.backends[0].heardAt = Service.nanoseconds(1050)
        service.now = 1799
        #expect(service.look(at: 0, since: 1000) == .patient)
        service.now = 1800
        #expect(service.look(at: 0, since: 1000) == reported)
    }

    @Test("a host that acknowledges nothing is silent, whether or not any other answers")
    func cutOff() {
        var service = Service()
        service.begin(on: 0)
        service.now = 1800
        #expect(service.look(at: 0, since: 1000) == .patient, "nobody else answers")
        #expect(service.cutOff(0, for: 0) == .patient, "the host has the request")
        #expect(service.cutOff(0, for: 749) == .patient)
        #expect(!service.backends[0].isSilent)
        #expect(service.cutOff(0, for: 750) == .silent(report: .silent(waiting: 1)))
        #expect(service.backends[0].isSilent)
        #expect(service.cutOff(0, for: 760) == .silent(report: nil), "told a moment ago")
        // Its other requests need not wait for a look of their own.
        #expect(service.isDoubtful(0, isRepeatable: true))
        service.evidence.silence.limit = nil
        #expect(service.cutOff(0, for: 60_000) == .patient, "silence is switched off")
    }

    @Test("when no backend answers, none stands out from the others")
    func nobodyAnswers() {
        var service = Service()
        for place in 0..<3 { service.begin(3, on: place) }
        service.now = 5000
        for place in 0..<3 { #expect(service.look(at: place, since: 1000) == .patient) }
        // What came before the quiet does not count, nor do its own answers.
        service = Service()
        service.serve(by: 1)
        service.serve(by: 0)
        service.now += 1
        service.begin(3, on: 0)
        service.now = 5000
        #expect(service.look(at: 0, since: 1001) == .patient)
    }

    @Test("two that wait are too few", arguments: [2, 3])
    func few(count: Int) {
        var service = Service()
        service.begin(count, on: 0)
        service.now = 1100
        service.serve(by: 1)
        service.now = 1800
        #expect((service.look(at: 0, since: 1000) == .patient) == (count < 3))
    }

    @Test(
        "one that waits is enough where no other would tell: on probation, or out of the rotation")
    func one() {
        var service = Service()
        service.enter(0, isOnProbation: true)
        service.backends[2].leave()
        service.begin(on: 0)
        service.begin(on: 2)
        service.now = 1100
        service.serve(by: 1)
        service.now = 1800
        let one = SilenceWatch.Verdict.silent(report: .silent(waiting: 1))
        #expect(service.look(at: 0, since: 1000) == one)
        #expect(service.look(at: 2, since: 1000) == one)
    }

    @Test("a request from before the probation is not its proof")
    func beforeProbation() {
        var service = Service()
        service.begin(on: 0)
        service.now = 1001
        service.enter(0, isOnProbation: true)
        service.now = 1100
        service.serve(by: 1)
        service.now = 1800
        #expect(service.look(at: 0, since: 1000) == .patient)
    }

    @Test("what stood still with the worker is no silence")
    func resumption() {
        var service = hang()
        service.now = 4000
        #expect(service.look(at: 0, since: 1000, resumedAt: 3900) == .patient)
        service.now = 4700
        service.serve(by: 1)
        #expect(service.look(at: 0, since: 1000, resumedAt: 3900) == reported)
    }

    @Test("where answers take long, as long polls do, four times as long is tolerated")
    func longPolls() {
        var service = Service()
        for _ in 0..<1000 { service.serve(by: 1, after: 1000) }
        service.begin(3, on: 0)
        service.now = 1100
        service.serve(by: 2, after: 1000)
        service.now = 4900
        #expect(service.look(at: 0, since: 1000) == .patient)
        service.now = 5100
        #expect(service.look(at: 0, since: 1000) == reported)
    }

    @Test("bodies that pause teach how long a body may pause; responses that begin are not told")
    func pauses() {
        var service = hang()
        service.evidence.silence.bodyWentOn(
            since: Service.nanoseconds(0), Moment(now: Service.nanoseconds(1000)))
        #expect(service.look(at: 0, since: 1000, isWithinBody: true) == .patient)
        #expect(service.look(at: 0, since: 1000) == reported)
    }

    @Test("a pause that a stop of this machine made teaches nothing")
    func pauseOfOurs() {
        var service = hang()
        service.evidence.silence.bodyWentOn(
            since: 0,
            Moment(now: Service.nanoseconds(1000), resumedAt: Service.nanoseconds(900)))
        #expect(service.look(at: 0, since: 1000, isWithinBody: true) == reported)
    }

    @Test("streams without a next byte due are quiet, and do not wait")
    func quietStreams() {
        var service = hang()
        service.backends[0].becomeStream(owes: false)
        #expect(service.look(at: 0, since: 1000) == .patient)
        service.backends[0].end(.stream)
        #expect(service.backends[0].waiting == 2)
        service.backends[0].begin(now: 0)
        service.backends[0].becomeStream(owes: true)
        #expect(service.backends[0].waiting == 3)
        #expect(service.look(at: 0, since: 1000) == reported)
        service.backends[0].end(.owed)
        #expect(service.backends[0].waiting == 2)
        #expect(service.backends[0].inFlight == 2)
        #expect(service.backends[0].streams == 0)
    }

    @Test("what another backend answered, asked later, has waited as well")
    func overtaken() {
        var service = Service()
        service.begin(on: 0)
        service.now = 1100
        service.serve(by: 1)
        service.now = 1800
        let moment = Moment(now: Service.nanoseconds(1800))
        let reports = (0..<2).map { _ in
            service.evidence.overtaken(
                &service.backends[0], since: Service.nanoseconds(1000), moment)
        }
        #expect(reports == [nil, .silent(waiting: 3)])
        // An answer ends it.
        service.now = 1900
        service.serve(by: 0)
        service.now = 2700
        service.serve(by: 1)
        #expect(service.look(at: 0, since: 1000) == .patient)
    }

    @Test("silence lasts until an answer, and is reported ten times a second at most")
    func lasts() {
        var service = hang()
        #expect(service.look(at: 0, since: 1000) == reported)
        service.now = 1899
        #expect(service.look(at: 0, since: 1000) == .silent(report: nil))
        for _ in 0..<2 { service.backends[0].end(.request) }
        service.now = 1900
        // Two have left: the last one need not find it out by itself.
        #expect(service.look(at: 0, since: 1000) == .silent(report: .silent(waiting: 1)))
        service.serve(by: 0)
        #expect(!service.backends[0].isSilent)
    }

    @Test("without a limit no backend is silent")
    func noLimit() {
        var service = hang()
        service.evidence.silence.limit = nil
        service.now = 1_000_000
        #expect(service.look(at: 0, since: 1000) == .patient)
    }

    // MARK: Leaving

    @Test("a request leaves the first that is silent, and another only if others waited there")
    func mayLeave() {
        var service = Service()
        func mayLeave(_ moves: Int, _ witnesses: Int) -> Bool {
            SilenceWatch.mayLeave(service.backends[0], moves: moves, witnesses: witnesses)
        }
        #expect(mayLeave(0, 0))
        #expect(!mayLeave(1, 0))
        #expect(mayLeave(1, 1))
        service.backends[0].leave()
        #expect(mayLeave(1, 0))
    }

    @Test("those that came from a silent backend bear no witness, those that came by themselves do")
    func witnesses() {
        var service = Service()
        #expect(service.backends[0].beginMoved() == 0)
        service.begin(on: 0)
        #expect(service.backends[0].beginMoved() == 0)
        service.begin(2, on: 0)
        #expect(service.backends[0].beginMoved() == 1)
        service.backends[0].endMoved()
        #expect(service.backends[0].beginMoved() == 1)
        // Found silent before: that is witness enough.
        var silent = hang()
        #expect(silent.look(at: 0, since: 1000) == reported)
        for _ in 0..<3 { silent.backends[0].end(.request) }
        #expect(silent.backends[0].beginMoved() == 1)
    }

    // MARK: Looks

    @Test("a waiting request is looked at when the quiet may be a silence, or at the first look")
    func looks() {
        var service = Service()
        let nanoseconds = Service.nanoseconds
        func next() -> UInt64 {
            service.evidence.silence.nextLook(
                at: service.backends[0], firstLook: nanoseconds(600), now: nanoseconds(1000))
        }
        #expect(next() == nanoseconds(1600))
        service.backends[0].heardAt = nanoseconds(400)
        #expect(next() == nanoseconds(1150))
        service.backends[0].heardAt = nanoseconds(900)
        #expect(next() == nanoseconds(1600))
        #expect(service.evidence.silence.bodyLook == nanoseconds(750))
        service.evidence.silence.limit = nil
        #expect(next() == nanoseconds(1600))
        #expect(service.evidence.silence.bodyLook == nanoseconds(1000))
    }
}
