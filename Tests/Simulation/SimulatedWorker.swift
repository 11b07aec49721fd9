// SimulatedWorker: one worker's view of the service: a real balancer, real records of answers, and
// the rules of the proxy for what speaks against a backend (Proxy/BackendPool+Evidence.swift).

import Backends
import Balancing
import Proxy

/// What a worker tells the control thread.
enum Report {
    case dialFailed(BackendID)
    case liveFailed(BackendID, LiveFailure)
    case proven(BackendID)
}

/// One worker.
final class SimulatedWorker {
    /// A backend as this worker sees it.
    final class Seat {
        let id: BackendID
        /// Which instance it is.
        let number: Int
        /// Where the rotation has it; nil when it has not.
        var place: Int?
        var weight = 0
        var inFlight = 0
        /// Of these, requests that came from a backend that was silent.
        var moved = 0
        var record = BackendRecord()
        var heardAt = -1
        var reportedAt = -1_000_000
        /// When it last came into the rotation.
        var enteredAt = 0
        /// Requests begun, for shares.
        var begun = 0

        init(id: BackendID, number: Int) {
            self.id = id
            self.number = number
        }
    }

    let balancer: Balancer
    private(set) var rotation: Rotation?
    private(set) var seats: [Seat] = []
    private(set) var reports: [Report] = []
    private var departed: [BackendID: Seat] = [:]
    private var lastHeard: (id: BackendID?, at: Int) = (nil, -1)
    private var heardBefore = -1
    private let inFlightMax: Int?

    init(_ balancer: Balancer, inFlightMax: Int?) {
        self.balancer = balancer
        self.inFlightMax = inFlightMax
    }

    /// Takes up a rotation.
    func update(to rotation: Rotation, at now: Int) {
        var known = departed.filter { $0.value.inFlight > 0 }
        for seat in seats { known[seat.id] = seat }
        seats = rotation.members.enumerated().map { place, member in
            let seat =
                known.removeValue(forKey: member.id)
                ?? Seat(id: member.id, number: World.number(member.endpoint))
            if seat.place == nil { seat.enteredAt = now }
            seat.place = place
            seat.weight = Int(member.weight)
            seat.record.isOnProbation = member.isOnProbation
            return seat
        }
        for gone in known.values { gone.place = nil }
        departed = known
        self.rotation = rotation
        balancer.update(to: rotation, inFlightMax: inFlightMax) { seats[$0].inFlight }
    }

    /// The backend for `request`, on which it has begun then.
    func begin(_ request: PickRequest, isMoved: Bool = false) -> Seat? {
        guard case .backend(let place) = balancer.pick(request) else { return nil }
        let seat = seats[place]
        seat.inFlight += 1
        if isMoved { seat.moved += 1 }
        seat.begun += 1
        balancer.began(place)
        return seat
    }

    /// A request on `seat` is over.
    func end(on seat: Seat, isMoved: Bool = false) {
        seat.inFlight -= 1
        if isMoved { seat.moved -= 1 }
        if let place = seat.place { balancer.ended(place) }
    }

    /// The backends that it has requests in flight on.
    var busy: Set<BackendID> {
        let all = seats + departed.values
        return Set(all.filter { $0.inFlight > 0 }.map(\.id))
    }

    /// What was reported since this was asked last.
    func takeReports() -> [Report] {
        defer { reports = [] }
        return reports
    }

    // MARK: Evidence

    /// No connection was made.
    func noteDialFailed(on seat: Seat, at now: Int) {
        report(.dialFailed(seat.id), seat, now)
    }

    /// An answer came.
    func noteAnswer(isGood: Bool, from seat: Seat, after time: Int, at now: Int) {
        if lastHeard.id != seat.id { heardBefore = lastHeard.at }
        lastHeard = (seat.id, now)
        seat.heardAt = now
        if let place = seat.place {
            balancer.answered(place, after: UInt64(time * 1000), now: UInt64(now * 1000))
        }
        guard isGood else {
            seat.record.noteFailed()
            if seat.record.isOutlier(othersFailureShare: failureShare(besides: seat), runMin: 3) {
                let failure = LiveFailure.answers(consecutive: seat.record.failures, last: 500)
                report(.liveFailed(seat.id, failure), seat, now)
            }
            return
        }
        seat.record.noteGood()
        guard seat.record.isOnProbation else { return }
        seat.record.isOnProbation = false
        reports.append(.proven(seat.id))
    }

    private func failureShare(besides seat: Seat) -> Int {
        let count = min(seats.count - 1, 16)
        guard count > 0 else { return BackendRecord.one }
        let place = seat.place ?? 0
        let shares = (1...count).map { seats[(place + $0) % seats.count].record.failureShare }
        return shares.reduce(0, +) / count
    }

    /// Whether the backend that a request was sent to at `sentAt` is silent.
    func isSilent(_ seat: Seat, since sentAt: Int, at now: Int) -> Bool {
        guard seat.heardAt < sentAt else { return false }
        let othersHeardAt = lastHeard.id == seat.id ? heardBefore : lastHeard.at
        let waitingMin = seat.record.isOnProbation ? 1 : Loads.smallLoad
        guard seat.inFlight >= waitingMin, othersHeardAt > sentAt else { return false }
        report(.liveFailed(seat.id, .silent(waiting: seat.inFlight)), seat, now)
        return true
    }

    private func report(_ report: Report, _ seat: Seat, _ now: Int) {
        guard now >= seat.reportedAt + 100_000 else { return }
        seat.reportedAt = now
        reports.append(report)
    }
}
