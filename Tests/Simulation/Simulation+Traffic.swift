// The clients of a simulation: each sends a request, waits for what comes of it, thinks, and sends
// the next. One in ten can't be repeated. What a worker does with a request that meets trouble is
// what Fairlead does: another backend after a failed dial, however often, and after silence: the
// first time, and then as long as others waited there before it came.

import Backends
import Balancing

/// What became of the requests.
struct Traffic {
    /// One request of a client.
    struct Request {
        let client: Int
        let begun: Int
        var pick = PickRequest()
        /// Tries that were not just a failed dial.
        var sent = 0
        /// How often it has left a backend that was silent.
        var moves = 0
    }

    /// One try of it on a backend.
    struct Try {
        var request: Request
        let seat: SimulatedWorker.Seat
        let sent: Int
        /// Requests that waited there before, other than those that were moved.
        let witnesses: Int
    }

    var tries: [Int: Try] = [:]
    var nextTry = 0
    /// Good answers, answers with status 500, and requests that had none, since the start.
    var good = 0
    var errors = 0
    var failed = 0
    /// Good answers that took longer than a second, on an instance that is not slow by itself.
    var late = 0
    // The same by second, for the last two.
    private var seconds = [(good: 0, failed: 0), (good: 0, failed: 0)]

    var recentGood: Int { seconds[0].good + seconds[1].good }
    var recentFailed: Int { seconds[0].failed + seconds[1].failed }

    mutating func note(isGood: Bool) {
        if isGood { seconds[1].good += 1 } else { seconds[1].failed += 1 }
    }

    mutating func secondOver() {
        seconds = [seconds[1], (good: 0, failed: 0)]
    }
}

extension Simulation {
    private static let answerTime = 20_000
    private static let silence = 750_000
    private static let patience = 60_000_000
    private static let triesMax = 3

    private func worker(of request: Traffic.Request) -> SimulatedWorker {
        workers[request.client % workers.count]
    }

    func send(_ client: Int) {
        var request = Traffic.Request(client: client, begun: now)
        request.pick.key = UInt64(client + 1) &* 0x9E37_79B9_7F4A_7C15
        request.pick.isRepeatable = random(below: 10) > 0
        begin(request)
    }

    private func begin(_ request: Traffic.Request) {
        let worker = worker(of: request)
        guard let seat = worker.begin(request.pick, isMoved: request.moves > 0) else {
            return finish(request, isGood: nil)
        }
        invariants.began(on: seat, worker, self)
        switch world.condition(seat.number) {
        case .crashed:
            worker.end(on: seat, isMoved: request.moves > 0)
            worker.noteDialFailed(on: seat, at: now)
            traffic.note(isGood: false)
            passReports(of: worker)
            tryElsewhere(request, than: seat)
        case .hung: wait(request, on: seat, until: nil)
        case .slow: wait(request, on: seat, until: now + 35 * Self.answerTime)
        case .failing, .sick: wait(request, on: seat, until: now + Self.answerTime / 4)
        case .well, .maligned:
            let time = Self.answerTime * 3 / 4 + random(below: Self.answerTime / 2)
            wait(request, on: seat, until: now + time)
        }
    }

    private func wait(
        _ request: Traffic.Request, on seat: SimulatedWorker.Seat, until answer: Int?
    ) {
        let number = traffic.nextTry
        traffic.nextTry += 1
        var request = request
        request.sent += 1
        let isMoved = request.moves > 0
        let witnesses = seat.inFlight - 1 - (seat.moved - (isMoved ? 1 : 0))
        traffic.tries[number] = Traffic.Try(
            request: request, seat: seat, sent: now, witnesses: witnesses)
        if let answer {
            agenda.add(.answered(number), at: answer)
        } else {
            agenda.add(.looked(number), at: now + Self.silence)
        }
    }

    private func tryElsewhere(_ request: Traffic.Request, than seat: SimulatedWorker.Seat) {
        var request = request
        guard request.sent < Self.triesMax,
            request.pick.tried.count + 1 < TriedBackends.capacity
        else {
            return finish(request, isGood: nil)
        }
        request.pick.tried.insert(seat.id)
        request.pick.isLast = request.sent + 1 >= Self.triesMax
        begin(request)
    }

    func answered(_ number: Int) {
        guard let open = traffic.tries[number] else { return }
        let (request, seat, worker) = (open.request, open.seat, worker(of: open.request))
        let condition = world.condition(seat.number)
        if condition == .hung {
            agenda.add(.looked(number), at: now + Self.silence)
            return
        }
        traffic.tries[number] = nil
        worker.end(on: seat, isMoved: request.moves > 0)
        traffic.note(isGood: condition.serves)
        worker.noteAnswer(isGood: condition.serves, from: seat, after: now - open.sent, at: now)
        passReports(of: worker)
        if condition == .crashed {
            guard request.pick.isRepeatable else { return finish(request, isGood: nil) }
            tryElsewhere(request, than: seat)
        } else {
            finish(request, isGood: condition.serves)
        }
    }

    /// Nothing has come for a while: is that to be put up with?
    func looked(_ number: Int) {
        guard let open = traffic.tries[number] else { return }
        let condition = world.condition(open.seat.number)
        guard condition == .hung else { return answered(number) }
        var (request, seat) = (open.request, open.seat)
        let worker = worker(of: request)
        let isSilent = worker.isSilent(seat, since: open.sent, at: now)
        passReports(of: worker)
        if now - request.begun >= Self.patience {
            traffic.tries[number] = nil
            worker.end(on: seat, isMoved: request.moves > 0)
            traffic.note(isGood: false)
            finish(request, isGood: nil)
        } else if isSilent, request.pick.isRepeatable, worker.seats.count > 1,
            request.sent < Self.triesMax,
            request.moves == 0 || open.witnesses > 0 || seat.place == nil
        {
            traffic.tries[number] = nil
            worker.end(on: seat, isMoved: request.moves > 0)
            request.moves += 1
            tryElsewhere(request, than: seat)
        } else {
            agenda.add(.looked(number), at: now + Self.silence)
        }
    }

    /// Nil when no backend answered.
    private func finish(_ request: Traffic.Request, isGood: Bool?) {
        switch isGood {
        case true?:
            traffic.good += 1
            if now - request.begun > 1_000_000 { traffic.late += 1 }
        case false?: traffic.errors += 1
        case nil:
            traffic.failed += 1
            if request.pick.isRepeatable { invariants.requestFailed(self) }
        }
        let pause = options.thinkTime / 2 + random(below: options.thinkTime)
        agenda.add(.send(client: request.client), at: now + pause)
    }

    private func passReports(of worker: SimulatedWorker) {
        for report in worker.takeReports() { agenda.add(.reported(report), at: now + 200) }
    }
}
