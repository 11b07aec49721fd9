// AdminJSON+Backends: the documents at /backends, and at the path of one backend.

internal import Backends
internal import Stats

/// `/backends`.
struct BackendsDocument: Encodable {
    struct Service: Encodable {
        let name: String
        let backends: [BackendView]
    }

    let services: [Service]

    /// - Parameter backendsMax: of each service.
    init(_ snapshot: AdminSnapshot, backendsMax: Int = .max) {
        services = snapshot.services.map {
            Service(
                name: $0.name, backends: BackendView.some(of: $0, countMax: backendsMax))
        }
    }
}

/// `/backends/SERVICE@ADDRESS:PORT`.
struct BackendDocument: Encodable {
    let service: String
    let backend: BackendView
    /// The newest first.
    let journal: [JournalView]

    /// - Throws: when there is no such backend.
    init(_ snapshot: AdminSnapshot, _ key: BackendKey) throws(AdminProblem) {
        guard let found = BackendView.find(key, in: snapshot) else {
            throw AdminHandler.unknown(key)
        }
        service = found.service
        backend = found.view
        let address = backend.fields.address
        journal = snapshot.journal.filter { $0.service == key.service && $0.backend == address }
            .map(JournalView.init)
    }
}

/// What was done, and to which backend.
struct DoneDocument: Encodable {
    let done: String
    var backend: BackendView?
}

struct JournalView: Encodable {
    let number: UInt64
    let at: String
    let service: String
    let backend: String
    let text: String
    let to: String?

    init(_ entry: AdminSnapshot.JournalEntry) {
        number = entry.number
        at = timeText(entry.at)
        service = entry.service
        backend = entry.backend
        text = entry.text
        to = entry.to?.rawValue
    }
}

typealias BackendView = Counted<BackendFields, BackendCounter>

struct BackendFields: Encodable {
    struct Check: Encodable {
        let passed: Bool
        let at: String
        let result: String
    }

    /// Why it has had no request for a while.
    struct WithoutTurnView: Encodable {
        let reason: String
        let text: String
        let since: String
        let seconds: Int
        let inFlight: Int
        let streams: Int
        let clientsLeft: Int
        let limit: Int?
        let requestsElsewhere: Int
    }

    let id: UInt32
    let key: String
    let address: String
    let hostName: String
    /// What else its source says of it; nil for nothing.
    let metadata: [String: String]?
    let state: String
    let since: String
    let cause: String
    /// The place of its source among those of the service, from 0.
    let place: UInt8
    let priority: UInt16
    let weight: UInt16
    /// The last good answer of discovery names it.
    let named: Bool
    /// What an operator changed about it; empty for nothing.
    let override: String
    let drained: Bool
    let inRotation: Bool
    /// Whether it is in the part of the rotation that gets the requests.
    let active: Bool
    let check: Check?
    /// The last checks, the oldest first: `+` passed, `-` failed.
    let recentChecks: String
    let ejectedUntil: String?
    let ejections: Int
    let onProbation: Bool
    let sharePercent: Int
    let withoutTurn: WithoutTurnView?
    let lastLiveFailure: String?
    let lastLiveFailureAt: String?
    let firstByteMilliseconds: Durations

    init(_ backend: AdminSnapshot.Backend, of service: String) {
        id = backend.id
        key = "\(BackendKey(service: service, endpoint: backend.endpoint))"
        address = "\(backend.endpoint)"
        hostName = backend.hostName
        metadata = backend.metadata.isEmpty ? nil : backend.metadata
        state = backend.state.rawValue
        since = timeText(backend.since)
        cause = backend.cause
        place = backend.tier.place
        priority = backend.tier.priority
        weight = backend.weight
        named = backend.isNamed
        override = backend.override
        drained = backend.isDrained
        inRotation = backend.isInRotation
        active = backend.isActive
        check = backend.check.map {
            Check(passed: $0.passed, at: timeText($0.at), result: $0.result)
        }
        recentChecks = backend.recentChecks.text
        ejectedUntil = backend.ejectedUntil.map(timeText)
        ejections = backend.ejections
        onProbation = backend.isOnProbation
        sharePercent = backend.sharePercent
        withoutTurn = backend.withoutTurn.map {
            WithoutTurnView(
                reason: $0.reason.rawValue, text: $0.text, since: timeText($0.since),
                seconds: $0.seconds, inFlight: $0.inFlight, streams: $0.streams,
                clientsLeft: $0.clientsLeft, limit: $0.limit, requestsElsewhere: $0.elsewhere)
        }
        lastLiveFailure = backend.lastLiveFailure?.text
        lastLiveFailureAt = backend.lastLiveFailure.map { timeText($0.at) }
        firstByteMilliseconds = Durations(backend.totals.firstByte)
    }
}

extension BackendView {
    init(_ backend: AdminSnapshot.Backend, of service: String) {
        self.init(BackendFields(backend, of: service), backend.totals.counts)
    }

    static func all(of service: AdminSnapshot.Service) -> [BackendView] {
        service.backends.map { BackendView($0, of: service.name) }
    }

    /// At most `countMax` backends: those that are not up before those that are.
    static func some(of service: AdminSnapshot.Service, countMax: Int) -> [BackendView] {
        guard service.backends.count > countMax else { return all(of: service) }
        let troubled = service.backends.filter { $0.state != .up }
        let rest = service.backends.filter { $0.state == .up }
        return (troubled + rest).prefix(countMax).map { BackendView($0, of: service.name) }
    }

    /// The backend of that name, with its service; nil when there is none.
    static func find(
        _ key: BackendKey, in snapshot: AdminSnapshot
    ) -> (service: String, view: BackendView)? {
        guard let service = snapshot.services.first(where: { $0.name == key.service }),
            let backend = service.backends.first(where: { $0.endpoint == key.endpoint })
        else { return nil }
        return (service.name, BackendView(backend, of: service.name))
    }
}

/// Estimates from the buckets, in milliseconds; nil when nothing was counted.
struct Durations: Encodable {
    let median: Double?
    let p90: Double?
    let p99: Double?

    init(_ totals: HistogramTotals) {
        func milliseconds(_ quantile: Double) -> Double? {
            totals.quantileMicroseconds(quantile).map { $0.rounded() / 1000 }
        }
        median = milliseconds(0.5)
        p90 = milliseconds(0.9)
        p99 = milliseconds(0.99)
    }
}
