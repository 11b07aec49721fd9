// JournalLines: turns journal entries into log lines. Backends that change alike within a moment
// share a line, so that a service of a thousand instances starts with one line, and fails with one.
//
// | level   | what                                                                              |
// |---------|-----------------------------------------------------------------------------------|
// | error   | requests are refused, or go to backends that are not up                           |
// | warning | a backend is down or ejected, or stays though requests fail on it; discovery      |
// |         | fails, or lost much at once; requests were cut off                                |
// | info    | everything else: what comes, goes, is back, or was ordered                        |
// | debug   | first checks that begin                                                           |

internal import Backends
internal import Configuration
internal import Endpoints
internal import Wording

/// Entries of the journal on their way into the log. Value type, control thread; the caller owns
/// the clock.
struct JournalLines {
    /// A log line without its time.
    typealias Line = LogFolding.Event

    /// Changes of backends of one service that are alike.
    private struct Change {
        let key: Key
        var endpoints: [Endpoint]
        /// The endpoints as a set, to look one up quickly.
        var seen: Set<Endpoint>
    }

    private struct Key: Hashable {
        let service: String
        let from: BackendState.Phase?
        let to: BackendState.Phase
        let cause: Cause
    }

    /// How long a change waits for others like it.
    static let patience = Duration.milliseconds(100)
    /// Backends that one line names; of more it gives the count.
    private static let namedMax = 10

    private var changes: [Change] = []

    /// Whether changes wait for `flush`.
    var isEmpty: Bool { changes.isEmpty }

    /// Adds an entry that concerns the service called `service`. Returns the lines to write now, in
    /// order; changes of backends wait for others like them. `emptyWait` is how long requests wait
    /// while none of its backends gets any; nil: they are refused.
    mutating func add(
        _ entry: JournalEntry, service: String, emptyWait: Duration? = nil
    ) -> [Line] {
        if case .phase(let from, let to, let cause) = entry.event, let endpoint = entry.endpoint {
            return add(Key(service: service, from: from, to: to, cause: cause), endpoint)
        }
        var lines = flush()
        guard var line = entry.event.line(emptyWait: emptyWait) else { return lines }
        var head = [(key: "service", value: service)]
        if let endpoint = entry.endpoint { head.append((key: "backend", value: "\(endpoint)")) }
        line.values = head + line.values
        lines.append(line)
        return lines
    }

    private mutating func add(_ key: Key, _ endpoint: Endpoint) -> [Line] {
        var lines: [Line] = []
        // This backend's change waits already. Without a flush, changes in between would be out of
        // order.
        if changes.contains(where: { $0.key == key && $0.seen.contains(endpoint) }) {
            lines = flush()
        }
        if let place = changes.firstIndex(where: { $0.key == key }) {
            changes[place].endpoints.append(endpoint)
            changes[place].seen.insert(endpoint)
        } else {
            changes.append(Change(key: key, endpoints: [endpoint], seen: [endpoint]))
        }
        return lines
    }

    /// What becomes of requests while no backend gets any, where they wait for so long; a clause.
    static func effect(ofNone emptyWait: Duration?) -> String {
        emptyWait.map { "requests wait for one, for up to \(Units.write($0))" }
            ?? "requests are refused"
    }

    /// Returns the lines of all changes that wait.
    mutating func flush() -> [Line] {
        defer { changes = [] }
        return changes.map(Self.line)
    }

    private static func line(_ change: Change) -> Line {
        var values = [(key: "service", value: change.key.service)]
        if change.endpoints.count == 1 {
            values.append((key: "backend", value: "\(change.endpoints[0])"))
        } else {
            let named = change.endpoints.prefix(namedMax).map { "\($0)" }.joined(separator: ",")
            let isCut = change.endpoints.count > namedMax
            values.append((key: "count", value: "\(change.endpoints.count)"))
            values.append((key: "backends", value: isCut ? named + ",…" : named))
        }
        guard let from = change.key.from else {
            return Line(severity: .info, name: "backend.found", values: values)
        }
        values.append((key: "from", value: from.rawValue))
        values.append((key: "to", value: change.key.to.rawValue))
        values.append((key: "cause", value: "\(change.key.cause)"))
        return Line(severity: severity(of: change.key.to), name: "backend.state", values: values)
    }

    private static func severity(of phase: BackendState.Phase) -> LogLevel {
        switch phase {
        case .checking: .debug
        case .discovered, .up, .draining, .gone: .info
        case .down, .ejected: .warning
        }
    }
}

extension JournalEvent {
    /// The line of an event other than a change of phase, without the service and backend; nil for
    /// events that are logged elsewhere. `emptyWait` as for `add`.
    fileprivate func line(emptyWait: Duration?) -> LogFolding.Event? {
        switch self {
        case .phase, .note: nil
        case .share, .override, .checkOrdered, .operatorDrainLimit, .ejectionRefused,
            .probationEnded:
            backendLine
        case .serviceAdded: Self.line(.info, "service.added")
        case .serviceRemoved: Self.line(.info, "service.removed")
        case .optionsChanged: Self.line(.info, "service.changed", [("what", "options")])
        case .sourceChanged: Self.line(.info, "service.changed", [("what", "sources")])
        case .emergencyBegan(.routingToUnhealthy):
            Self.line(
                .error, "service.no_backend",
                [("effect", "\(Emergency.Mode.routingToUnhealthy)")])
        case .emergencyBegan(.failingFast):
            Self.line(.error, "service.no_backend", [("effect", Self.refusal(emptyWait))])
        case .emergencyRefuses:
            Self.line(
                .error, "service.no_backend",
                [
                    ("cause", "live requests fail as well"), ("effect", Self.refusal(emptyWait)),
                ])
        case .emergencyEnded(let time):
            Self.line(.info, "service.recovered", [("after", time.spoken)])
        case .sourceFailed, .sourceRecovered, .sourceRecalled, .failedOver, .returning,
            .failedBack, .holdEnded, .massLoss,
            .lostServe, .lostWait, .lostRecalled, .replacing, .replaced, .instancesRefused:
            discoveryLine
        }
    }

    private static func refusal(_ emptyWait: Duration?) -> String {
        JournalLines.effect(ofNone: emptyWait) + (emptyWait == nil ? " until a check passes" : "")
    }

    private var backendLine: LogFolding.Event? {
        switch self {
        case .share(let from, let to):
            Self.line(.info, "backend.share", [("from", "\(from)"), ("to", "\(to)")])
        case .override(let from, let to, let origin):
            Self.line(
                .info, "backend.override",
                [
                    ("from", from.map { "\($0)" } ?? "none"),
                    ("to", to.map { "\($0)" } ?? "none"), ("cause", "\(origin)"),
                ])
        case .checkOrdered(let origin):
            Self.line(.info, "backend.check_ordered", [("cause", "\(origin)")])
        case .operatorDrainLimit:
            Self.line(
                .warning, "backend.drain_limit",
                [
                    ("cause", "drained for as long as a drain may take"),
                    ("effect", "what ran on it was ended"),
                ])
        case .ejectionRefused(let reason):
            Self.line(
                .warning, "backend.kept",
                [("cause", "live requests fail, and \(reason)"), ("effect", "it stays")])
        case .probationEnded(let isProven):
            Self.line(
                .info, "backend.proven",
                [("cause", isProven ? "a live answer was good" : "nothing spoke against it")])
        default: nil
        }
    }

    private var discoveryLine: LogFolding.Event? {
        switch self {
        case .sourceFailed(let title, let failure, let hold):
            Self.line(
                .warning, "discovery.failed",
                title.field + [("cause", "\(failure)")]
                    + (hold.map { [("hold", $0.spoken)] } ?? []))
        case .sourceRecovered(let title, let count):
            Self.line(.info, "discovery.recovered", title.field + [("instances", "\(count)")])
        case .sourceRecalled(let title, let count, let age):
            Self.line(
                .warning, "discovery.recalled",
                title.field + [
                    ("instances", "\(count)"), ("age", age.spoken),
                    ("cause", "discovery fails from the start; the state file had them"),
                ])
        case .failedOver(let from, let to):
            Self.line(
                .warning, "discovery.failed_over",
                [("from", from.place), ("to", to.place), ("cause", "\(self)")])
        case .returning(let title, let wait):
            Self.line(
                .info, "discovery.returning",
                title.field + [("after", wait.spoken), ("cause", "\(self)")])
        case .failedBack(let title):
            Self.line(.info, "discovery.failed_back", title.field + [("cause", "\(self)")])
        case .holdEnded(let kind):
            Self.line(.warning, "discovery.hold_ended", [("hold", kind.rawValue)])
        case .massLoss(let lost, let count, let hold):
            Self.line(
                .warning, "discovery.mass_loss",
                [("lost", "\(lost)"), ("of", "\(count)"), ("hold", hold.spoken)])
        case .lostServe(let count, _):
            Self.line(
                .warning, "discovery.lost_serve", [("count", "\(count)"), ("cause", "\(self)")])
        case .lostWait(let count):
            Self.line(.info, "discovery.lost_wait", [("count", "\(count)")])
        case .replacing(let old, let new):
            Self.line(.info, "discovery.replacing", [("old", "\(old)"), ("new", "\(new)")])
        case .replaced(let old, let new):
            Self.line(.info, "discovery.replaced", [("old", "\(old)"), ("new", "\(new)")])
        case .lostRecalled(let count):
            Self.line(
                .warning, "discovery.lost_recalled",
                [("count", "\(count)"), ("cause", "no other backend is up")])
        case .instancesRefused(let count, let limit):
            Self.line(
                .warning, "discovery.instances_refused",
                [("count", "\(count)"), ("limit", "\(limit)")])
        default: nil
        }
    }

    private static func line(
        _ severity: LogLevel, _ name: String, _ values: [(String, String)] = []
    ) -> LogFolding.Event {
        LogFolding.Event(
            severity: severity, name: name, values: values.map { (key: $0.0, value: $0.1) })
    }
}

extension JournalEvent.SourceTitle {
    /// The source's place, if there are several.
    fileprivate var field: [(String, String)] { of == 1 ? [] : [("source", "\(number) of \(of)")] }
}
