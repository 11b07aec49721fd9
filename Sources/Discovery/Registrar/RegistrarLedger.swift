// RegistrarLedger: what is to be registered beside what the agent holds, and what to do next. It
// never asks: it says what is to be asked, and is told what came of it. Pure: `now` is passed in.
//
// | wanted | the agent holds             | what follows                                            |
// |--------|-----------------------------|---------------------------------------------------------|
// | yes    | nothing of that id          | register                                                |
// | yes    | ours, as it is wanted       | report, when the state is another or the report old     |
// | yes    | ours, otherwise             | register                                                |
// | yes    | one that is not ours        | nothing: it is told, and left alone                     |
// | no     | ours                        | deregister: a ghost, or a container that goes           |
// | no     | one that is not ours        | nothing                                                 |
//
// Before the first list nothing is written: nobody knows what is ours. One request of an id is
// under way at a time, so that what is done first arrives first; and a list says nothing of an id
// that was written after it was asked for. Removals go first, then registrations, then states that
// changed, then reports that are only renewed.
//
// A failure on the way, 429 and a list that fails are the agent's: all waits for 0.25 s * 2^n, at
// most 5 s, and begins with a list. Any other refusal is the service's, and is tried again after
// 1 s * 2^n, at most 60 s, while the others go on.

package import Consul
internal import Endpoints

/// The services of one machine, wanted and held. Value type, loop thread.
package struct RegistrarLedger {
    /// Something to ask of the agent.
    package enum Action: Hashable, Sendable {
        /// All that it holds.
        case list
        /// Whether it still holds the service of this id.
        case find(String)
        case register(AgentService, replacesChecks: Bool)
        /// How the service of this id is.
        case report(ContainerRegistration.Report, of: String)
        case deregister(String)

        /// The service that it is about; nil for all.
        package var id: String? {
            switch self {
            case .list: nil
            case .find(let id), .report(_, let id), .deregister(let id): id
            case .register(let service, _): service.id
            }
        }

        /// Whether it leaves what the agent holds as it is.
        var isReport: Bool { if case .report = self { true } else { false } }
    }

    /// One service, for the status page. Value type.
    package struct Row: Sendable, Equatable {
        /// Its id.
        package let id: String
        /// What is wanted; nil while it is to go.
        package let wanted: ContainerRegistration?
        /// Whether the agent holds it as it is wanted.
        package let isHeld: Bool
        /// Whether the agent holds one of that id which is not ours.
        package let isForeign: Bool
        /// Why the last request about it failed; nil when it did not.
        package let failure: ConsulFailure?
    }

    /// How often one service is looked for: an agent that has restarted without its data is found
    /// out by that.
    package static let findInterval = Duration.seconds(5)
    static let agentWaitMin = Duration.milliseconds(250)
    static let agentWaitMax = Duration.seconds(5)
    static let refusalWaitMin = Duration.seconds(1)
    static let refusalWaitMax = Duration.seconds(60)

    struct Entry {
        var wanted: ContainerRegistration?
        /// What the agent holds and is ours; nil for nothing.
        var held: Held?
        var isForeign = false
        /// Whether the agent held it once.
        var wasHeld = false
        var action: Action?
        /// The number of the last write.
        var written: UInt64 = 0
        var failures = 0
        var failure: ConsulFailure?
        var retryAt: ContinuousClock.Instant?
        /// The state that the agent knows by our report, and when that is to be renewed.
        var reported: (status: AgentCheck.Status, due: ContinuousClock.Instant)?
        /// The last known states of its checks, by id.
        var states: [String: AgentCheck.Status] = [:]
    }

    struct Held {
        /// The fingerprint; nil for one that is not as it was registered.
        var fingerprint: String?
        var name: String
        /// The first digits of the container's id; nil when it does not say.
        var container: String?
        /// Whether an operator keeps it in maintenance.
        var isInMaintenance = false
        /// Whether a Registrator has registered it.
        var isAdopted = false
    }

    let options: RegistrarOptions
    var entries = LedgerEntries()
    /// Ids of services that the agent holds and that are not ours, by the last list.
    var foreign: Set<String> = []
    /// What happened since it was last taken.
    var news: [RegistrarNews] = []
    var absence: (String) -> String = { _ in "" }
    /// Counts writes.
    var sequence: UInt64 = 0
    /// Whether it was said once what is wanted.
    package private(set) var isPlanned = false
    /// Whether the agent has said once what it holds.
    package internal(set) var isListed = false
    /// The number of the last write when the list under way was asked for; nil for none.
    var listing: UInt64?
    var listAt: ContinuousClock.Instant
    var findAt: ContinuousClock.Instant
    var finding: String?
    /// The service that was looked for last.
    private var lastFound = ""
    var agentFailures = 0
    /// Why the agent can't be asked now; nil while it answers.
    package internal(set) var agentFailure: ConsulFailure?

    /// A ledger that knows nothing yet.
    package init(_ options: RegistrarOptions, now: ContinuousClock.Instant) {
        self.options = options
        listAt = now
        findAt = now + Self.findInterval
    }

    /// What happened since the last call.
    package mutating func takeNews() -> [RegistrarNews] {
        defer { news = [] }
        return news
    }

    // MARK: What is wanted

    /// Wants these services and no others. `ids`: those that may be wanted otherwise than before;
    /// nil for all. `absence` says why a container, by the first 12 digits of its id, has none.
    package mutating func want(
        _ registrations: [String: ContainerRegistration], changed ids: Set<String>? = nil,
        absence: @escaping (String) -> String
    ) {
        // What was only held so far may be a ghost from now on.
        let ids = isPlanned ? ids : nil
        isPlanned = true
        self.absence = absence
        for id in ids ?? Set(entries.all.keys).union(registrations.keys) {
            guard let registration = registrations[id] else {
                entries[id]?.wanted = nil
                drop(id)
                continue
            }
            var entry = entries[id] ?? Entry(isForeign: foreign.contains(id))
            guard entry.wanted != registration else { continue }
            if entry.wanted?.containerID != registration.containerID { entry.states = [:] }
            if entry.wanted?.service != registration.service { entry.retryAt = nil }
            entry.wanted = registration
            if entry.isForeign { news.append(.conflict(registration)) }
            entries[id] = entry
        }
    }

    /// Has the agent asked for all that it holds, as soon as it can be.
    package mutating func listSoon(now: ContinuousClock.Instant) {
        if agentFailure == nil { listAt = min(listAt, now) }
    }

    /// Renews every report as soon as it can: nobody may be there to do so for a while.
    package mutating func renewReports(now: ContinuousClock.Instant) {
        for id in entries.all.keys { entries[id]?.reported?.due = now }
    }

    /// Forgets an entry of which nothing is left.
    mutating func drop(_ id: String) {
        guard let entry = entries[id], entry.wanted == nil, entry.held == nil, entry.action == nil
        else { return }
        entries[id] = nil
    }

    // MARK: What to do

    /// What to do now, at most `max` actions in the order of their worth. They are under way then.
    package mutating func next(now: ContinuousClock.Instant, max: Int) -> [Action] {
        guard max > 0 else { return [] }
        var actions: [Action] = []
        if listing == nil, listAt <= now {
            listing = sequence
            actions.append(.list)
        }
        guard isListed, agentFailure == nil else { return actions }
        var best: [(rank: Int, id: String, action: Action)] = []
        entries.advance(to: now)
        for id in entries.due {
            guard let entry = entries[id] else { continue }
            guard let (rank, action) = step(entry, id, now) else {
                entries.putOff(id, until: deadline(entry, now))
                continue
            }
            let place =
                best.firstIndex { (rank, id) < ($0.rank, $0.id) } ?? best.count
            guard place < max - actions.count else { continue }
            best.insert((rank, id, action), at: place)
            if best.count > max - actions.count { best.removeLast() }
        }
        for choice in best {
            entries[choice.id]?.action = choice.action
            if !choice.action.isReport {
                sequence += 1
                entries[choice.id]?.written = sequence
            }
            actions.append(choice.action)
        }
        if actions.isEmpty, finding == nil, findAt <= now, let id = nextToFind() {
            finding = id
            lastFound = id
            actions.append(.find(id))
        }
        return actions
    }

    private func step(
        _ entry: Entry, _ id: String, _ now: ContinuousClock.Instant
    ) -> (rank: Int, Action)? {
        guard entry.action == nil, !entry.isForeign, entry.retryAt ?? now <= now else { return nil }
        guard let wanted = entry.wanted else {
            return entry.held != nil && isPlanned ? (0, .deregister(id)) : nil
        }
        guard let held = entry.held, held.fingerprint == wanted.fingerprint else {
            return (1, .register(asWritten(wanted, entry), replacesChecks: replaces(entry)))
        }
        guard let report = wanted.report else { return nil }
        guard let reported = entry.reported, reported.status == report.status else {
            return (2, .report(report, of: id))
        }
        return reported.due <= now ? (3, .report(report, of: id)) : nil
    }

    private func replaces(_ entry: Entry) -> Bool { entry.held?.isInMaintenance != true }

    /// The service with its checks in the states that they are in, as far as that is known: one
    /// that the agent has forgotten goes on where it was.
    private func asWritten(_ wanted: ContainerRegistration, _ entry: Entry) -> AgentService {
        var service = wanted.service
        for index in service.checks.indices {
            guard let id = service.checks[index].id else { continue }
            if id == wanted.report?.check {
                service.checks[index].status = wanted.report?.status
            } else if let known = entry.states[id] {
                service.checks[index].status = known
            }
        }
        return service
    }

    /// The next service to look for, so that each has its turn; nil when the agent holds none.
    private func nextToFind() -> String? {
        let held = entries.all.filter { $1.held != nil && $1.action == nil }.keys
        return held.filter { $0 > lastFound }.min() ?? held.min()
    }

    /// When there is something to do, if nothing happens before; nil for never.
    package func nextDeadline(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        var times: [ContinuousClock.Instant] = []
        if listing == nil { times.append(listAt) }
        guard isListed, agentFailure == nil else { return times.min() }
        if finding == nil, entries.all.contains(where: { $1.held != nil && $1.action == nil }) {
            times.append(findAt)
        }
        times += entries.due.compactMap { id in entries[id].flatMap { due($0, id, now) } }
        return (times + [entries.nextDeadline].compactMap(\.self)).min()
    }

    /// When there is something to do for one service; nil for never.
    private func due(
        _ entry: Entry, _ id: String, _ now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant? {
        step(entry, id, now) != nil ? now : deadline(entry, now)
    }

    /// When there is something to do for a service for which there is nothing now; nil for never.
    private func deadline(
        _ entry: Entry, _ now: ContinuousClock.Instant
    ) -> ContinuousClock.Instant? {
        guard entry.action == nil, !entry.isForeign else { return nil }
        if let retryAt = entry.retryAt, retryAt > now { return retryAt }
        return entry.wanted?.report == nil || entry.held == nil ? nil : entry.reported?.due
    }

    /// Whether nothing is left to be done now but what time will bring.
    package func isSettled(now: ContinuousClock.Instant) -> Bool {
        isListed && isPlanned && agentFailure == nil
            && !entries.all.contains { $1.action != nil || step($1, $0, now) != nil }
    }

    /// Every service that is wanted or held, by id.
    package var rows: [Row] {
        entries.all.sorted { $0.key < $1.key }.map { id, entry in
            Row(
                id: id, wanted: entry.wanted,
                isHeld: entry.held != nil
                    && entry.held?.fingerprint == entry.wanted?.fingerprint,
                isForeign: entry.isForeign, failure: entry.failure)
        }
    }
}

extension ContainerRegistration {
    /// The text that stands for all of it, in the agent's own copy as well.
    var fingerprint: String? { service.meta[RegistrarOptions.fingerprintKey] }
}
