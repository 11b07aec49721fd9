// SimulatedWorker: one worker's view of the service: a real balancer, real records of backends, and
// the rules of Fairlead for what speaks against a backend and for when a request is repeated. What
// is simulated is that something happens, never what follows from it.

import Backends
import Balancing
import Evidence
import HTTP1
import Proxy
import Traffic

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
        /// Which instance it is.
        let number: Int
        var record: BackendRecord
        var weight = 0
        /// When it last came into the rotation.
        var enteredAt = 0
        /// Good answers since then.
        var goodSinceEntry = 0
        /// Requests begun, for shares.
        var begun = 0
        /// What its answers came to, as the control thread's watch adds them up.
        var figures = OutlierWatch.Figures()

        var id: BackendID { record.id }

        init(id: BackendID, number: Int) {
            record = BackendRecord(id)
            self.number = number
        }
    }

    let balancer: Balancer
    private(set) var rotation: Rotation?
    private(set) var seats: [Seat] = []
    private(set) var reports: [Report] = []
    private var departed: [BackendID: Seat] = [:]
    private var evidence = LiveEvidence()
    private var retryPolicy = RetryPolicy(RetryOptions())
    private let inFlightMax: Int?

    /// How long a backend may be silent, in microseconds; the shipped default.
    static let silence = 750_000

    init(_ balancer: Balancer, inFlightMax: Int?) {
        self.balancer = balancer
        self.inFlightMax = inFlightMax
        evidence.failuresMin = 3
        evidence.silence.limit = Self.nanoseconds(Self.silence)
    }

    private static func nanoseconds(_ microseconds: Int) -> UInt64 { UInt64(microseconds) * 1000 }

    private static func moment(_ now: Int) -> Moment { Moment(now: nanoseconds(now)) }

    /// Takes up a rotation.
    func update(to rotation: Rotation, at now: Int) {
        var known = departed.filter { $0.value.record.inFlight > 0 }
        for seat in seats { known[seat.id] = seat }
        seats = rotation.members.enumerated().map { place, member in
            let seat =
                known.removeValue(forKey: member.id)
                ?? Seat(id: member.id, number: World.number(member.endpoint))
            if !seat.record.isInRotation {
                seat.enteredAt = now
                seat.goodSinceEntry = 0
            }
            seat.weight = Int(member.weight)
            seat.record.enter(
                at: place, isOnProbation: member.isOnProbation, now: Self.nanoseconds(now))
            return seat
        }
        for gone in known.values { gone.record.leave() }
        departed = known
        self.rotation = rotation
        balancer.update(to: rotation, inFlightMax: inFlightMax) { seats[$0].record.inFlight }
    }

    // MARK: Requests

    /// A request comes, which earns its share of the budget for retries.
    func noteRequest() { retryPolicy.noteRequest() }

    /// The backend for `request`, on which it has begun then; and, for one that `isMoved`, how many
    /// requests bear witness there.
    func begin(
        _ request: PickRequest, isMoved: Bool, at now: Int
    ) -> (seat: Seat, witnesses: Int)? {
        let pick = evidence.pick(for: request, by: balancer, at: Self.moment(now)) {
            seats[$0].record
        }
        guard case .backend(let place) = pick else { return nil }
        let seat = seats[place]
        let witnesses = isMoved ? seat.record.beginMoved() : 0
        seat.record.begin(now: Self.nanoseconds(now))
        seat.begun += 1
        balancer.began(place)
        return (seat, witnesses)
    }

    /// A request on `seat` is over.
    func end(on seat: Seat, isMoved: Bool) {
        if isMoved { seat.record.endMoved() }
        seat.record.end(.request)
        if let place = seat.record.place { balancer.ended(place) }
    }

    /// Whether one more try may be made of a request that failed so. Dials cost no time here.
    func mayRetry(after failure: TryFailure, _ request: inout Traffic.Request, at now: Int) -> Bool
    {
        let tried = request.pick.tried
        guard seats.contains(where: { !tried.contains($0.id) }) else { return false }
        let dials = DialEffort(backends: tried.count)
        let decision = retryPolicy.allows(
            after: failure, tries: request.sent, dials: dials,
            method: request.pick.isRepeatable ? .get : .post, canReplay: true,
            now: Self.nanoseconds(now))
        request.pick.isLast = retryPolicy.isLast(tries: request.sent, dials: dials)
        return decision == .yes
    }

    /// The backends that it has requests in flight on.
    var busy: Set<BackendID> {
        let all = seats + departed.values
        return Set(all.filter { $0.record.inFlight > 0 }.map(\.id))
    }

    /// What was reported since this was asked last.
    func takeReports() -> [Report] {
        defer { reports = [] }
        return reports
    }

    // MARK: Evidence

    /// No connection was made.
    func dialFailed(on seat: Seat, at now: Int) {
        if seat.record.dialFailed(now: Self.nanoseconds(now)) {
            reports.append(.dialFailed(seat.id))
        }
    }

    /// An answer with `status` came to a request that was sent so long ago.
    func answered(status: Int, by seat: Seat, after time: Int, at now: Int) {
        let (wait, clock) = (Self.nanoseconds(time), Self.nanoseconds(now))
        seat.figures.answers += 1
        seat.figures.firstByteCount += 1
        seat.figures.firstByteMicroseconds += UInt64(time)
        if status >= 500 { seat.figures.failures += 1 }
        switch evidence.answered(status: status, by: &seat.record, after: wait, now: clock) {
        case .good(let endsProbation):
            seat.goodSinceEntry += 1
            if let place = seat.record.place { balancer.answered(place, after: wait, now: clock) }
            if endsProbation { reports.append(.proven(seat.id)) }
        case .failed: failed(status: status, of: seat, sentAt: now - time, at: now)
        case .neutral: break
        }
    }

    /// A request that was sent at `sentAt` broke off, or got no answer in time.
    func broke(on seat: Seat, sentAt: Int, at now: Int) {
        seat.figures.answers += 1
        seat.figures.failures += 1
        failed(status: 0, of: seat, sentAt: sentAt, at: now)
    }

    private func failed(status: Int, of seat: Seat, sentAt: Int, at now: Int) {
        let report = evidence.failed(
            status: status, of: &seat.record, sentAt: Self.nanoseconds(sentAt),
            now: Self.nanoseconds(now), count: seats.count,
            share: { seats[$0].record.answers.share })
        if let report { reports.append(.liveFailed(seat.id, report)) }
    }

    /// Whether the backend that a request was sent to at `sentAt` is silent.
    func isSilent(_ seat: Seat, since sentAt: Int, at now: Int) -> Bool {
        switch evidence.silence.look(
            at: &seat.record, since: Self.nanoseconds(sentAt), Self.moment(now))
        {
        case .patient: return false
        case .silent(let report):
            if let report { reports.append(.liveFailed(seat.id, report)) }
            return true
        }
    }

    /// When a request that waits on `seat` is looked at again.
    func nextLook(at seat: Seat, _ now: Int) -> Int {
        let look = evidence.silence.nextLook(
            at: seat.record, firstLook: Self.nanoseconds(Self.silence), now: Self.nanoseconds(now))
        return Int(look / 1000)
    }
}
