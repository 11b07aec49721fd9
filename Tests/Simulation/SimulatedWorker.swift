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

/// A backend as one worker sees it.
final class SimulatedBackend {
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

/// One worker.
final class SimulatedWorker {
    let balancer: Balancer
    private(set) var rotation: Rotation?
    private(set) var backends: [SimulatedBackend] = []
    private(set) var reports: [Report] = []
    private var departed: [BackendID: SimulatedBackend] = [:]
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
        for backend in backends { known[backend.id] = backend }
        backends = rotation.members.enumerated().map { place, member in
            let backend =
                known.removeValue(forKey: member.id)
                ?? SimulatedBackend(id: member.id, number: World.number(member.endpoint))
            if !backend.record.isInRotation {
                backend.enteredAt = now
                backend.goodSinceEntry = 0
            }
            backend.weight = Int(member.weight)
            backend.record.enter(
                at: place, isOnProbation: member.isOnProbation, now: Self.nanoseconds(now))
            return backend
        }
        for gone in known.values { gone.record.leave() }
        departed = known
        self.rotation = rotation
        balancer.update(to: rotation, inFlightMax: inFlightMax) { backends[$0].record.inFlight }
    }

    // MARK: Requests

    /// Counts a request, which earns its share of the budget for retries.
    func countRequest() { retryPolicy.countRequest() }

    /// The backend for `request`, on which it has begun then; and, for one that `isMoved`, how many
    /// requests bear witness there.
    func begin(
        _ request: PickRequest, isMoved: Bool, at now: Int
    ) -> (backend: SimulatedBackend, witnesses: Int)? {
        let pick = evidence.pick(for: request, by: balancer, at: Self.moment(now)) {
            backends[$0].record
        }
        guard case .backend(let place) = pick else { return nil }
        let backend = backends[place]
        let witnesses = isMoved ? backend.record.beginMoved() : 0
        backend.record.begin(now: Self.nanoseconds(now))
        backend.begun += 1
        balancer.began(place)
        return (backend, witnesses)
    }

    /// A request on `backend` is over.
    func end(on backend: SimulatedBackend, isMoved: Bool) {
        if isMoved { backend.record.endMoved() }
        backend.record.end(.request)
        if let place = backend.record.place { balancer.ended(place) }
    }

    /// Whether one more try may be made of a request that failed so. Dials cost no time here.
    func mayRetry(after failure: TryFailure, _ request: inout Traffic.Request, at now: Int) -> Bool
    {
        let tried = request.pick.tried
        guard backends.contains(where: { !tried.contains($0.id) }) else { return false }
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
        let all = backends + departed.values
        return Set(all.filter { $0.record.inFlight > 0 }.map(\.id))
    }

    /// What was reported since this was asked last.
    func takeReports() -> [Report] {
        defer { reports = [] }
        return reports
    }

    // MARK: Evidence

    /// No connection was made.
    func dialFailed(on backend: SimulatedBackend, at now: Int) {
        if backend.record.dialFailed(now: Self.nanoseconds(now)) {
            reports.append(.dialFailed(backend.id))
        }
    }

    /// An answer with `status` came to a request that was sent so long ago.
    func answered(status: Int, by backend: SimulatedBackend, after time: Int, at now: Int) {
        let (wait, clock) = (Self.nanoseconds(time), Self.nanoseconds(now))
        backend.figures.answers += 1
        backend.figures.firstByteCount += 1
        backend.figures.firstByteMicroseconds += UInt64(time)
        if status >= 500 { backend.figures.failures += 1 }
        switch evidence.answered(status: status, by: &backend.record, after: wait, now: clock) {
        case .good(let endsProbation):
            backend.goodSinceEntry += 1
            if let place = backend.record.place {
                balancer.answered(place, after: wait, now: clock)
            }
            if endsProbation { reports.append(.proven(backend.id)) }
        case .failed: failed(status: status, of: backend, sentAt: now - time, at: now)
        case .neutral: break
        }
    }

    /// A request that was sent at `sentAt` broke off, or got no answer in time.
    func broke(on backend: SimulatedBackend, sentAt: Int, at now: Int) {
        backend.figures.answers += 1
        backend.figures.failures += 1
        failed(status: 0, of: backend, sentAt: sentAt, at: now)
    }

    private func failed(status: Int, of backend: SimulatedBackend, sentAt: Int, at now: Int) {
        let report = evidence.failed(
            status: status, of: &backend.record, sentAt: Self.nanoseconds(sentAt),
            now: Self.nanoseconds(now), count: backends.count,
            share: { backends[$0].record.answers.share })
        if let report { reports.append(.liveFailed(backend.id, report)) }
    }

    /// Whether the backend that a request was sent to at `sentAt` is silent.
    func isSilent(_ backend: SimulatedBackend, since sentAt: Int, at now: Int) -> Bool {
        switch evidence.silence.look(
            at: &backend.record, since: Self.nanoseconds(sentAt), Self.moment(now))
        {
        case .patient: return false
        case .silent(let report):
            if let report { reports.append(.liveFailed(backend.id, report)) }
            return true
        }
    }

    /// When a request that waits on `backend` is looked at again.
    func nextLook(at backend: SimulatedBackend, _ now: Int) -> Int {
        let look = evidence.silence.nextLook(
            at: backend.record, firstLook: Self.nanoseconds(Self.silence),
            now: Self.nanoseconds(now))
        return Int(look / 1000)
    }
}
