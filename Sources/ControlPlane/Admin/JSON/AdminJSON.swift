// AdminJSON: the documents at /stats and /services. The property names of these structs are the
// keys of the documents, and those are a contract: keys are added, never renamed.

internal import Backends
internal import HTTPServer
internal import JSON
internal import Stats
internal import Traffic
internal import WallClock

/// A document and a line feed. Nil if it has a number that JSON can't express, which none of ours
/// has.
func encodeJSON(_ document: some Encodable) -> [UInt8]? {
    JSON.encode(document).map { $0 + Array("\n".utf8) }
}

func timeText(_ seconds: Double) -> String {
    UTCTime(secondsSince1970: seconds).iso8601
}

/// `/services`.
struct ServicesDocument: Encodable {
    let services: [ServiceView]

    /// - Parameter backendsMax: of each service.
    init(_ snapshot: AdminSnapshot, backendsMax: Int = .max) {
        services = snapshot.services.map {
            ServiceView(
                $0, at: snapshot.takenAt, hasRecent: true, backendsMax: backendsMax)
        }
    }
}

/// `/stats`.
struct StatsDocument: Encodable {
    struct Problem: Encodable {
        let level: String
        let text: String
    }

    struct Process: Encodable {
        let openDescriptors: Int
        let descriptorsMax: Int
        let residentBytes: Int
        let cpuSeconds: Double
    }

    struct Unserved: Encodable {
        let count: Int
        /// The first of them by name.
        let containers: [IdleView]
    }

    let time: String
    let version: String
    let startedAt: String
    let uptimeSeconds: Double
    let workers: Int
    let draining: Bool
    let ready: Bool
    let level: String
    let sentence: String
    let problems: [Problem]
    let listeners: [ListenerView]
    let services: [ServiceView]
    let registries: [RegistryView]
    /// Containers of Docker's engine by state.
    let containers: [String: Int]
    /// Containers that run and that no service wants; nil for none.
    let unserved: Unserved?
    /// The certificates of listeners; nil where none speaks TLS.
    let certificates: CertificatesView?
    /// The keys of session tickets that several processes share; nil where they are not.
    let ticketKeys: TicketKeysView?
    /// Limits that several processes have together; nil where there are none.
    let rateShares: RateSharesView?
    let following: FollowingView?
    let reloads: ReloadsView?
    /// The newest first; nil in the figures of `/events`, which has it beside them.
    let journal: [JournalView]?
    let dnsMessages: [String: Int]
    let checks: [String: Int]
    let accessLogLines: [String: Int]
    let traceSpans: [String: Int]
    let process: Process?
    /// Calls that failed because this machine had run out of something, by what that was.
    let shortages: [String: Int]

    /// - Parameters:
    ///   - backendsMax: of each service, those that are not up first.
    ///   - certificatesMax: those that end first.
    init(
        _ snapshot: AdminSnapshot, hasJournal: Bool = true, backendsMax: Int = .max,
        certificatesMax: Int = .max
    ) {
        let verdict = AdminVerdict(snapshot)
        time = timeText(snapshot.takenAt)
        version = snapshot.version
        startedAt = timeText(snapshot.startedAt)
        uptimeSeconds = snapshot.uptimeSeconds
        workers = snapshot.workers
        draining = snapshot.isDraining
        ready = verdict.isReady
        level = verdict.level.rawValue
        sentence = verdict.sentence
        dnsMessages = snapshot.dnsMessages
        checks = snapshot.checks
        accessLogLines = snapshot.accessLogLines
        traceSpans = snapshot.traceSpans
        problems = verdict.problems.map { Problem(level: $0.level.rawValue, text: $0.text) }
        listeners = snapshot.listeners.map(ListenerView.init)
        services = snapshot.services.map {
            ServiceView($0, at: snapshot.takenAt, backendsMax: backendsMax)
        }
        registries = snapshot.registries.map(RegistryView.init)
        containers = snapshot.containers
        unserved =
            snapshot.unserved.isEmpty
            ? nil
            : Unserved(
                count: snapshot.unservedCount, containers: snapshot.unserved.map(IdleView.init))
        certificates = CertificatesView(snapshot, countMax: certificatesMax)
        ticketKeys = snapshot.ticketKeys.map(TicketKeysView.init)
        rateShares = snapshot.rateShares.map(RateSharesView.init)
        following = snapshot.following.map(FollowingView.init)
        reloads = snapshot.reloads.map(ReloadsView.init)
        journal = hasJournal ? snapshot.journal.map(JournalView.init) : nil
        shortages = Dictionary(
            snapshot.shortages.map { ($0.kind, $0.count) }, uniquingKeysWith: { $1 })
        process = snapshot.process.map {
            Process(
                openDescriptors: $0.openDescriptors, descriptorsMax: $0.descriptorsMax,
                residentBytes: $0.residentBytes, cpuSeconds: $0.cpuSeconds)
        }
    }
}

typealias ListenerView = Counted<ListenerFields, ListenerCounter>

struct ListenerFields: Encodable {
    let name: String
    let address: String
    let mode: String
    let services: [String]
    /// The services that get copies of its requests; nil for none.
    let mirrors: [String]?
}

extension ListenerView {
    init(_ listener: AdminSnapshot.Listener) {
        let fields = ListenerFields(
            name: listener.name, address: "\(listener.endpoint)", mode: listener.mode.rawValue,
            services: listener.services, mirrors: listener.mirrors.isEmpty ? nil : listener.mirrors)
        self.init(fields, listener.totals)
    }
}

struct ReloadsView: Encodable {
    let applied: Int
    let unchanged: Int
    let refused: Int
    let refusedAt: String?
    let reasons: [String]

    init(_ reloads: AdminSnapshot.Reloads) {
        applied = reloads.applied
        unchanged = reloads.unchanged
        refused = reloads.refused
        refusedAt = reloads.refusal.map { timeText($0.at) }
        reasons = reloads.refusal?.reasons ?? []
    }
}

struct FollowingView: Encodable {
    struct Feed: Encodable {
        let summary: String
        let lastGoodAt: String?
        let failure: String?
        let problems: [String]
    }

    let feeds: [Feed]
    let refusedAt: String?
    let reasons: [String]
    let applied: Int
    let refused: Int

    init(_ following: AdminSnapshot.Following) {
        feeds = following.feeds.map {
            Feed(
                summary: $0.summary, lastGoodAt: $0.lastGoodAt.map(timeText), failure: $0.failure,
                problems: $0.problems)
        }
        refusedAt = following.refusal.map { timeText($0.at) }
        reasons = following.refusal?.reasons ?? []
        applied = following.applied
        refused = following.refused
    }
}

struct RegistryView: Encodable {
    let kind: String
    let address: String
    let well: Bool
    let sentence: String
    let answers: [String: Int]
    let malformed: Int
    let lastMalformed: String
    let lastMalformedAt: String?

    init(_ registry: AdminSnapshot.Registry) {
        kind = registry.kind
        address = registry.address
        well = registry.isWell
        sentence = registry.sentence
        answers = registry.answers
        malformed = registry.malformed
        lastMalformed = registry.lastMalformed
        lastMalformedAt = registry.lastMalformedAt.map(timeText)
    }
}

struct IdleView: Encodable {
    let name: String
    let metadata: [String: String]
    let reason: String
    let ended: Bool

    init(_ idle: AdminSnapshot.Idle) {
        name = idle.name
        metadata = idle.metadata
        reason = idle.reason
        ended = idle.hasEnded
    }
}

typealias ServiceView = Counted<ServiceFields, ServiceCounter>

struct ServiceFields: Encodable {
    struct Source: Encodable {
        let summary: String
        let lastGoodAt: String?
        let lastGoodAgeSeconds: Double?
        let lastGoodCount: Int
        let lastFailureAt: String?
        let lastFailure: String
        let failing: Bool
        let findings: [String]
        let leftOut: Int
        /// What is part of the service and gets no requests; nil when nothing is.
        let idle: [IdleView]?
        let nextAskAt: String?
        let answers: [String: Int]
    }

    let name: String
    let mode: String
    let sources: [Source]
    let hold: String?
    let deploy: String?
    let emergency: String?
    let emergencies: Int
    let ejectionsRefused: Int
    let checked: Bool
    /// Nil where its backends speak no TLS.
    let verifiesBackends: Bool?
    let inRotation: Int
    let durationMilliseconds: Durations
    /// Calls of gRPC by their status; nil where there were none.
    let grpcStatuses: [String: Int]?
    /// Of these, the ones that ended since their clients' time was over.
    let grpcLate: Int?
    let backendCount: Int
    let backends: [BackendView]
    let recent: Recent?

    /// Each of the last seconds, the oldest first.
    struct Recent: Encodable {
        let requests: [Int]
        let errors: [Int]
    }

    init(
        _ service: AdminSnapshot.Service, at now: Double, hasRecent: Bool, backendsMax: Int
    ) {
        let counts = service.counts
        name = service.name
        mode = service.mode.rawValue
        sources = service.sources.map { Source($0, at: now) }
        hold = service.hold
        deploy = service.deploy
        emergency = service.emergency.map { $0.isRefusing ? "refusing" : "serving" }
        emergencies = service.emergencies
        ejectionsRefused = service.ejectionsRefused
        checked = service.isChecked
        verifiesBackends = service.verifiesBackends
        inRotation = counts.inRotation
        durationMilliseconds = Durations(service.totals.duration)
        let calls = service.totals.calls
        grpcStatuses =
            calls.isEmpty
            ? nil
            : Dictionary(
                calls.occurring.map { ($0.name, $0.count) }, uniquingKeysWith: { $1 })
        grpcLate = calls.isEmpty ? nil : calls.late
        backendCount = counts.all
        backends = BackendView.some(of: service, countMax: backendsMax)
        recent =
            hasRecent
            ? service.recent.map { Recent(requests: $0.requests, errors: $0.errors) } : nil
    }
}

extension ServiceView {
    init(
        _ service: AdminSnapshot.Service, at now: Double, hasRecent: Bool = false,
        backendsMax: Int = .max
    ) {
        let fields = ServiceFields(
            service, at: now, hasRecent: hasRecent, backendsMax: backendsMax)
        self.init(fields, service.totals.counts)
    }
}

extension ServiceFields.Source {
    init(_ source: AdminSnapshot.Source, at now: Double) {
        summary = source.summary
        lastGoodAt = source.lastGoodAt.map(timeText)
        lastGoodAgeSeconds = source.lastGoodAt.map { (max(0, now - $0) * 1000).rounded() / 1000 }
        lastGoodCount = source.lastGoodCount
        lastFailureAt = source.lastFailureAt.map(timeText)
        lastFailure = source.lastFailure
        failing = source.isFailing
        findings = source.findings
        leftOut = source.leftOutCount
        idle = source.idle.isEmpty ? nil : source.idle.map(IdleView.init)
        nextAskAt = source.nextAskAt.map(timeText)
        answers = source.answers
    }
}
