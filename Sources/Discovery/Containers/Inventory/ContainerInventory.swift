// ContainerInventory: all containers of an engine, as its events and answers come in. It never
// asks: it says what is to be asked next. Pure: `now` is passed in.
//
// An answer is a moment of the past: what happened while it was on its way is not in it. So each
// event has a number, and an answer says nothing of a container whose last event is newer than its
// question. What is said of one container is its state at that moment; the list is a copy that may
// be older than events that came before it (ContainerDetails.swift), so it only says who there is,
// and whom to ask for.
//
// | what comes                      | what follows at once           | what is asked              |
// |---------------------------------|--------------------------------|----------------------------|
// | kill by a signal that ends      | withdrawn, for the time that   | the container, when that   |
// |                                 |  it has to stop                |  time is over              |
// | kill by another signal          | nothing                        | nothing                    |
// | pause                           | withdrawn                      | the container              |
// | die                             | ended                          | the container              |
// | destroy                         | it is no more                  | nothing                    |
// | start                           | a new life: it is not told to  | the container              |
// |                                 |  stop any more                 |                            |
// | any other event                 | nothing                        | the container              |
// | a gap: what came is not all     | nothing                        | the list                   |
// | the list                        | those not listed are no more   | those that are new to us,  |
// |                                 |                                |  or listed as we don't     |
// |                                 |                                |  know them                 |

package import DockerAPI

/// The containers of one engine. Value type, control thread.
package struct ContainerInventory: Sendable {
    /// Something to ask the engine.
    package enum Question: Sendable, Equatable {
        /// The list of all containers.
        case list
        /// All of one container.
        case container(String)
    }

    /// A question on its way: which events its answer may be older than.
    package struct Ticket: Sendable, Equatable {
        /// What was asked.
        package let question: Question
        fileprivate let sequence: UInt64
    }

    /// The containers of which something else is known than before, by their ids.
    package struct Changes: Sendable, Equatable {
        /// Every container that changed, also one that is no more.
        package fileprivate(set) var ids: Set<String> = []
        /// The containers among them that may be of other services than before: they are new, are
        /// no more, or have other labels or variables.
        package fileprivate(set) var renewed: Set<String> = []
    }

    /// By id.
    package private(set) var containers: [String: Container] = [:]
    /// The ids of the containers that offer something to a service, by its name.
    private var offering: [String: Set<String>] = [:]
    /// What was not taken yet by `takeChanges()`.
    private var changes = Changes()
    /// The ids of those that run, and of which not all is known.
    private var unread: Set<String> = []
    /// Until when each of those that were told to stop is believed to do so, by id.
    private var stops: [String: ContinuousClock.Instant] = [:]
    /// Entries of the last list that were left out, a clause each.
    package private(set) var problems: [String] = []
    /// Whether a list has been read since the last gap.
    package private(set) var isWhole = false

    /// How long a process gets beyond its stop timeout, until it is asked whether it still runs.
    package static let stopSlack = Duration.seconds(1)

    /// Counts events.
    private var sequence: UInt64 = 0
    /// The number of the last event of each container that is to be asked for.
    private var due: [String: UInt64] = [:]
    /// The number of the event, or of the question, after which a container was no more.
    private var gone: [String: UInt64] = [:]
    /// The number of the question whose answer each container is known by.
    private var answered: [String: UInt64] = [:]
    /// The number of the last list.
    private var lastList: UInt64 = 0
    private var isListDue = true

    /// Nothing is known yet.
    package init() {}

    // MARK: Events

    /// Takes an event. Returns whether it changes anything at once.
    package mutating func apply(_ event: EngineEvent, now: ContinuousClock.Instant) -> Bool {
        sequence += 1
        let id = event.container
        switch event.action {
        case .kill(let signal): return applyKill(signal, of: id, now: now)
        case .destroy:
            return remove(id, at: sequence)
        case .die(let exitCode):
            due[id] = sequence
            return change(id) { $0.end(exitCode: exitCode) }
        case .pause:
            due[id] = sequence
            return change(id) { $0.summary.state = .paused }
        case .start:
            due[id] = sequence
            return change(id) { $0.begin() }
        case .change:
            due[id] = sequence
            return false
        }
    }

    private mutating func applyKill(
        _ signal: Int?, of id: String, now: ContinuousClock.Instant
    ) -> Bool {
        let container = containers[id]
        let ends =
            signal.map { Signal.ending.contains($0) || $0 == container?.details?.stopSignal }
            ?? true
        guard ends else { return false }
        guard let container else {
            due[id] = sequence
            return false
        }
        let patience = container.details?.stopTimeout ?? .seconds(10)
        let stop = Container.Stop(signal: signal, until: now + patience + Self.stopSlack)
        // A second signal does not prolong the wait for the first.
        guard container.stop == nil else { return false }
        return change(id) { $0.stop = stop }
    }

    private mutating func change(_ id: String, _ change: (inout Container) -> Void) -> Bool {
        guard var container = containers[id] else { return false }
        let old = container
        change(&container)
        guard container != old else { return false }
        store(container, as: id, isRenewed: !container.isChosen(as: old))
        return true
    }

    /// Every change of a container goes through here.
    private mutating func store(_ container: Container, as id: String, isRenewed: Bool = true) {
        if isRenewed { index(id, from: containers[id], to: container) }
        containers[id] = container
        changes.ids.insert(id)
        if isRenewed { changes.renewed.insert(id) }
        stops[id] = container.stop?.until
        if container.summary.state.isAlive && container.details == nil {
            unread.insert(id)
        } else {
            unread.remove(id)
        }
    }

    private mutating func index(_ id: String, from old: Container?, to new: Container?) {
        for service in old?.serviceNames ?? [] {
            offering[service]?.remove(id)
            if offering[service]?.isEmpty == true { offering[service] = nil }
        }
        for service in new?.serviceNames ?? [] { offering[service, default: []].insert(id) }
    }

    /// The ids of the containers that offer something to the service of that name.
    package func ids(offeringTo service: String) -> Set<String> { offering[service] ?? [] }

    /// What has changed since this was called last.
    package mutating func takeChanges() -> Changes {
        defer { changes = Changes() }
        return changes
    }

    /// Events may have been missed: all has to be asked for again.
    package mutating func gap() {
        isListDue = true
        isWhole = false
        // No answer to an older question comes any more.
        gone = [:]
    }

    /// Has the list asked for, though nothing was missed as far as is known.
    package mutating func refresh() {
        isListDue = true
    }

    // MARK: Time

    /// When `advance` has something to do; nil for never.
    package var nextDeadline: ContinuousClock.Instant? {
        stops.values.min()
    }

    /// Lets time pass: those that were told to stop, and had the time for it, are asked for, and
    /// serve on if they still run. Returns whether anything changed.
    package mutating func advance(to now: ContinuousClock.Instant) -> Bool {
        var isChanged = false
        for (id, until) in stops where until <= now {
            due[id] = sequence
            if change(id, { $0.stop = nil }) { isChanged = true }
        }
        return isChanged
    }

    // MARK: Questions

    /// Events that were applied so far.
    package var eventCount: UInt64 { sequence }

    /// Takes the next question to ask; nil when nothing is to be asked. The list goes first, then
    /// the containers of the first `limit` events; nil: of all.
    package mutating func nextQuestion(upTo limit: UInt64? = nil) -> Ticket? {
        if isListDue {
            isListDue = false
            return Ticket(question: .list, sequence: sequence)
        }
        // The oldest event first, so that each has its turn.
        guard let next = due.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }),
            next.value <= limit ?? next.value
        else { return nil }
        due[next.key] = nil
        return Ticket(question: .container(next.key), sequence: sequence)
    }

    /// Whether there is a question to ask.
    package var hasQuestion: Bool { isListDue || !due.isEmpty }

    /// Whether a container runs of which not all is known.
    package var hasUnread: Bool { !unread.isEmpty }

    // MARK: Answers

    /// The question has failed: it is to be asked again.
    package mutating func failed(_ ticket: Ticket) {
        switch ticket.question {
        case .list: isListDue = true
        case .container(let id): due[id] = due[id] ?? ticket.sequence
        }
    }

    /// Takes the list that was asked for. Returns whether anything changed.
    package mutating func apply(_ list: ContainerList, to ticket: Ticket) -> Bool {
        var isChanged = false
        var listed: Set<String> = []
        for summary in list.containers {
            let id = summary.id
            listed.insert(id)
            // It was destroyed while the answer was on its way.
            if isGone(id, since: ticket) { continue }
            guard let container = containers[id] else {
                store(Container(summary), as: id)
                if summary.state.isAlive { due[id] = due[id] ?? ticket.sequence }
                isChanged = true
                continue
            }
            let isAsKnown =
                container.summary.state == summary.state
                && container.summary.health == summary.health
            if !isAsKnown { due[id] = due[id] ?? ticket.sequence }
        }
        for id in containers.keys where !listed.contains(id) && !isNewer(id, than: ticket) {
            remove(id, at: ticket.sequence)
            isChanged = true
        }
        problems = list.problems
        isWhole = true
        // Answers to older questions than the list before this one have come by now.
        gone = gone.filter { [lastList] in $0.value >= lastList }
        lastList = ticket.sequence
        return isChanged
    }

    /// Takes what was asked for of one container; nil when there is none any more. Returns whether
    /// anything changed.
    package mutating func apply(_ details: ContainerDetails?, to ticket: Ticket) -> Bool {
        guard case .container(let id) = ticket.question else { return false }
        // What has happened since is asked for, and this is older; or another answer was faster.
        if isNewer(id, than: ticket) || isGone(id, since: ticket) { return false }
        if let last = answered[id], last > ticket.sequence { return false }
        guard let details else { return remove(id, at: ticket.sequence) }
        answered[id] = ticket.sequence
        guard containers[id] != nil else {
            store(Container(details), as: id)
            return true
        }
        return change(id) { $0.update(details) }
    }

    /// The engine can't say what was asked of one container: what is known of it stays, and of one
    /// of which nothing is known besides what the list says that counts. Returns whether anything
    /// changed.
    package mutating func applyUnreadable(_ ticket: Ticket) -> Bool {
        guard case .container(let id) = ticket.question, let container = containers[id],
            container.details == nil
        else { return false }
        return apply(ContainerDetails(container.summary), to: ticket)
    }

    /// Returns whether it was known.
    @discardableResult
    private mutating func remove(_ id: String, at sequence: UInt64) -> Bool {
        due[id] = nil
        answered[id] = nil
        gone[id] = sequence
        stops[id] = nil
        unread.remove(id)
        guard let old = containers.removeValue(forKey: id) else { return false }
        index(id, from: old, to: nil)
        changes.ids.insert(id)
        changes.renewed.insert(id)
        return true
    }

    /// Whether a container was found to be no more when a question was asked, or later.
    private func isGone(_ id: String, since ticket: Ticket) -> Bool {
        gone[id].map { $0 >= ticket.sequence } ?? false
    }

    /// Whether something happened to a container after a question about it was asked.
    private func isNewer(_ id: String, than ticket: Ticket) -> Bool {
        due[id].map { $0 > ticket.sequence } ?? false
    }
}

extension ContainerSummary.State {
    /// Whether it has a process.
    package var isAlive: Bool {
        switch self {
        case .running, .paused: true
        case .created, .restarting, .removing, .exited, .dead: false
        }
    }
}
