// The clients of a simulation: each sends a request, waits for what comes of it, thinks, and sends
// the next. One in five can't be repeated. What an instance does with a request is up to World;
// what a worker does then is what Fairlead does (SimulatedWorker).

import Backends
import Balancing
import Evidence
import Proxy

/// What became of the requests.
struct Traffic {
    /// One request of a client.
    struct Request {
        let client: Int
        let begun: Int
        var pick = PickRequest()
        /// Tries that were not just a failed dial, nor broke on a kept connection.
        var sent = 0
        /// How often it has left a backend that was silent.
        var moves = 0
    }

    /// One try of it on a backend.
    struct Try {
        var request: Request
        let backend: SimulatedBackend
        let sent: Int
        /// Whether its connection had carried another request before.
        let isKept: Bool
        /// How many requests bear witness that it does not silence backends itself.
        let witnesses: Int
    }

    private(set) var tries: [Int: Try] = [:]
    /// Requests whose instances have hung since they came, and will fail them.
    private(set) var stuck: Set<Int> = []
    private var nextTry = 0
    /// Good answers, answers with status 500, and requests that had none, since the start.
    var good = 0
    var errors = 0
    var failed = 0
    // The same by second, for the last two.
    private var seconds = [(good: 0, failed: 0), (good: 0, failed: 0)]

    var recentGood: Int { seconds[0].good + seconds[1].good }
    var recentFailed: Int { seconds[0].failed + seconds[1].failed }

    /// Begins a try; returns its number.
    mutating func add(_ open: Try) -> Int {
        defer { nextTry += 1 }
        tries[nextTry] = open
        return nextTry
    }

    /// A try is over.
    mutating func remove(_ number: Int) {
        tries[number] = nil
        stuck.remove(number)
    }

    /// The instance of this try has hung.
    mutating func stick(_ number: Int) { stuck.insert(number) }

    /// Whether a try waits on an instance that has hung.
    func isStuck(at instance: Int) -> Bool {
        stuck.contains { tries[$0]?.backend.number == instance }
    }

    mutating func count(isGood: Bool) {
        if isGood { seconds[1].good += 1 } else { seconds[1].failed += 1 }
    }

    mutating func secondOver() {
        seconds = [seconds[1], (good: 0, failed: 0)]
    }
}

extension Simulation {
    private static let answerTime = 20_000
    private static let slowPageTime = 1_200_000
    private static let patience = 60_000_000
    private static let wakingTime = 15_000_000

    private func worker(of request: Traffic.Request) -> SimulatedWorker {
        workers[request.client % workers.count]
    }

    func send(_ client: Int) {
        var request = Traffic.Request(client: client, begun: now)
        request.pick.key = UInt64(client + 1) &* 0x9E37_79B9_7F4A_7C15
        request.pick.isRepeatable = random(below: 5) > 0
        worker(of: request).countRequest()
        begin(request)
    }

    private func begin(_ request: Traffic.Request) {
        let worker = worker(of: request)
        guard
            let (backend, witnesses) = worker.begin(
                request.pick, isMoved: request.moves > 0, at: now)
        else {
            return finish(request, isGood: nil)
        }
        invariants.began(on: backend, worker, self)
        let condition = world.condition(backend.number)
        guard condition != .crashed else {
            end(request, on: backend)
            worker.dialFailed(on: backend, at: now)
            traffic.count(isGood: false)
            passReports(of: worker)
            return retry(request, after: .dial, than: backend) ? () : finish(request, isGood: nil)
        }
        if condition.answers { wakeStuck(of: backend.number) }
        var request = request
        request.sent += 1
        let number = traffic.add(
            Traffic.Try(
                request: request, backend: backend, sent: now, isKept: random(below: 4) > 0,
                witnesses: witnesses))
        switch condition {
        case .hung, .mute, .crashed:
            traffic.stick(number)
            agenda.add(.looked(number), at: now + SimulatedWorker.silence)
        case .slow: agenda.add(.answered(number), at: now + 35 * Self.answerTime)
        case .failing, .sick: agenda.add(.answered(number), at: now + Self.answerTime / 4)
        case .well, .maligned, .flaky:
            let isSlowPage = world.hasSlowPages && random(below: options.pagesPerSlowOne) == 0
            let time = Self.answerTime * 3 / 4 + random(below: Self.answerTime / 2)
            agenda.add(.answered(number), at: now + (isSlowPage ? Self.slowPageTime : time))
            if isSlowPage { agenda.add(.looked(number), at: now + SimulatedWorker.silence) }
        }
    }

    /// An instance that has hung fails what it had then before it answers a new request, or after
    /// `wakingTime` if none comes.
    private func wakeStuck(of instance: Int) {
        for number in traffic.stuck.sorted()
        where traffic.tries[number]?.backend.number == instance {
            agenda.add(.answered(number), at: now + 1_000)
        }
    }

    private func end(_ request: Traffic.Request, on backend: SimulatedBackend) {
        worker(of: request).end(on: backend, isMoved: request.moves > 0)
    }

    /// Sends the request to another backend than `backend`, if it may go there; false if not.
    private func retry(
        _ request: Traffic.Request, after failure: TryFailure, than backend: SimulatedBackend
    ) -> Bool {
        var request = request
        request.pick.tried.insert(backend.id)
        guard worker(of: request).mayRetry(after: failure, &request, at: now) else { return false }
        begin(request)
        return true
    }

    func answered(_ number: Int) {
        guard let open = traffic.tries[number] else { return }
        let (request, backend, worker) = (open.request, open.backend, worker(of: open.request))
        let condition = world.condition(backend.number)
        let isStuck = traffic.stuck.contains(number)
        guard condition == .crashed || condition.answers else {
            if !isStuck { agenda.add(.looked(number), at: now + SimulatedWorker.silence) }
            traffic.stick(number)
            return
        }
        traffic.remove(number)
        end(request, on: backend)
        if condition == .crashed {
            broke(open)
            return
        }
        let isGood = !isStuck && world.isAnswerGood(backend.number, number: backend.figures.answers)
        traffic.count(isGood: isGood)
        worker.answered(
            status: isGood ? 200 : 500, by: backend, after: now - open.sent, at: now)
        passReports(of: worker)
        if !isGood, retry(request, after: .status(500), than: backend) { return }
        finish(request, isGood: isGood)
    }

    /// The instance has crashed under a request. A kept connection that closes is no sign of
    /// anything but age.
    private func broke(_ open: Traffic.Try) {
        var request = open.request
        let worker = worker(of: request)
        traffic.count(isGood: false)
        if open.isKept {
            request.sent -= 1
        } else {
            worker.broke(on: open.backend, sentAt: open.sent, at: now)
            passReports(of: worker)
        }
        if !retry(request, after: .noResponse, than: open.backend) { finish(request, isGood: nil) }
    }

    /// Nothing has come for a while: is that to be put up with?
    func looked(_ number: Int) {
        guard let open = traffic.tries[number] else { return }
        var (request, backend) = (open.request, open.backend)
        if traffic.stuck.contains(number) {
            let instance = world.instances[backend.number]
            guard let instance, instance.condition != .crashed,
                !instance.condition.answers || now - instance.conditionSince < Self.wakingTime
            else { return answered(number) }
            if request.pick.isRepeatable {
                invariants.waits(on: backend, for: now - request.begun, self)
            }
        }
        let worker = worker(of: request)
        if now - open.sent >= Self.patience {
            traffic.remove(number)
            end(request, on: backend)
            worker.broke(on: backend, sentAt: open.sent, at: now)
            passReports(of: worker)
            traffic.count(isGood: false)
            finish(request, isGood: nil)
            return
        }
        let isSilent = worker.isSilent(backend, since: open.sent, at: now)
        passReports(of: worker)
        if isSilent,
            SilenceWatch.mayLeave(backend.record, moves: request.moves, witnesses: open.witnesses)
        {
            request.pick.tried.insert(backend.id)
            if worker.mayRetry(after: .silent, &request, at: now) {
                traffic.remove(number)
                end(request, on: backend)
                request.moves += 1
                begin(request)
                return
            }
        }
        agenda.add(.looked(number), at: worker.nextLook(at: backend, now))
    }

    /// Nil when no backend answered.
    private func finish(_ request: Traffic.Request, isGood: Bool?) {
        switch isGood {
        case true?: traffic.good += 1
        case false?: traffic.errors += 1
        case nil:
            traffic.failed += 1
            if request.pick.isRepeatable { invariants.requestFailed(self) }
        }
        let pause = options.thinkTime / 2 + random(below: options.thinkTime)
        agenda.add(.send(client: request.client), at: now + pause)
    }

    private func passReports(of worker: SimulatedWorker) {
        for report in worker.takeReports() {
            invariants.reported(report, worker, self)
            agenda.add(.reported(report), at: now + 200)
        }
    }
}
