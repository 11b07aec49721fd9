// ContainerInventory: all containers of an engine, as its events and answers come in. It never
// asks: it says what is to be asked next. Pure: `now` is passed in.
//
// An answer is a moment of the past: what happened while it was on its way is not in it. So each
// event has a number, and an answer says nothing of a container whose last event is newer than its
// question.
//
// | what comes                      | what follows at once           | what is asked              |
// |---------------------------------|--------------------------------|----------------------------|
// | kill by a signal that ends      | withdrawn, for the time that   | the container, when that   |
// |                                 |  it has to stop                |  time is over              |
// | kill by another signal          | nothing                        | nothing                    |
// | pause                           | withdrawn                      | the container              |
// | die                             | ended                          | the container              |
// | destroy                         | it is no more                  | nothing                    |
// | start                           | a new life: it is not told to  | the container, all of it   |
// |                                 |  stop any more                 |                            |
// | any other event                 | nothing                        | the container              |
// | a gap: what came is not all     | nothing                        | all                        |
// | an answer that lists all        | those not listed are no more   | those whose start is new   |

package import DockerAPI

/// The containers of one engine. Value type, control thread.
package struct ContainerInventory: Sendable {
    /// Something to ask the engine.
    package enum Question: Sendable, Equatable {
        /// The list of all containers.
        case all
        /// The list of these.
        case some([String])
        /// All of one container.
        case details(String)
    }

    /// A question on its way: which events its answer may be older than.
    package struct Ticket: Sendable, Equatable {
        /// What was asked.
        package let question: Question
        fileprivate let sequence: UInt64
    }

    /// By id.
    package private(set) var containers: [String: Container] = [:]
    /// Entries of the last whole list that were left out, a clause each.
    package private(set) var problems: [String] = []
    /// Whether a whole list has been read since the last gap.
    package private(set) var isWhole = false

    /// Ids that one question may name; when more are to be asked for, all are.
    package static let idsMax = 64
    /// How long a process gets beyond its stop timeout, until it is asked whether it still runs.
    package static let stopSlack = Duration.seconds(1)

    /// Counts events.
    private var sequence: UInt64 = 0
    /// The number of the last event of each container that is to be asked for.
    private var due: [String: UInt64] = [:]
    /// The number of the event after which a container was no more.
    private var gone: [String: UInt64] = [:]
    /// Containers of which not all is known.
    private var withoutDetails: Set<String> = []
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
            due[id] = nil
            gone[id] = sequence
            withoutDetails.remove(id)
            return containers.removeValue(forKey: id) != nil
        case .die(let exitCode):
            due[id] = sequence
            return change(id) { $0.end(exitCode: exitCode) }
        case .pause:
            due[id] = sequence
            return change(id) { $0.summary.state = .paused }
        case .start:
            due[id] = sequence
            withoutDetails.insert(id)
            return change(id) { container in
                container.stop = nil
                container.details = nil
            }
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
        containers[id] = container
        return container != old
    }

    /// Events may have been missed: all has to be asked for again.
    package mutating func gap() {
        isListDue = true
        isWhole = false
    }

    /// It is time for a whole list, though nothing was missed as far as is known.
    package mutating func refresh() {
        isListDue = true
    }

    // MARK: Time

    /// When `advance` has something to do; nil for never.
    package var nextDeadline: ContinuousClock.Instant? {
        containers.values.compactMap { $0.stop?.until }.min()
    }

    /// Lets time pass: those that were told to stop, and had the time for it, are asked for, and
    /// serve on if they still run. Returns whether anything changed.
    package mutating func advance(to now: ContinuousClock.Instant) -> Bool {
        var isChanged = false
        for (id, container) in containers {
            guard let stop = container.stop, stop.until <= now else { continue }
            containers[id]?.stop = nil
            due[id] = sequence
            isChanged = true
        }
        return isChanged
    }

    // MARK: Questions

    /// Takes the next question to ask; nil when nothing is to be asked. Lists go before details.
    package mutating func nextQuestion() -> Ticket? {
        if isListDue || due.count > Self.idsMax {
            isListDue = false
            due = [:]
            return Ticket(question: .all, sequence: sequence)
        }
        if !due.isEmpty {
            let ids = due.keys.sorted()
            due = [:]
            return Ticket(question: .some(ids), sequence: sequence)
        }
        guard let next = unread.min() else { return nil }
        withoutDetails.remove(next)
        return Ticket(question: .details(next), sequence: sequence)
    }

    /// Whether there is a question to ask.
    package var hasQuestion: Bool { isListDue || !due.isEmpty || hasUnread }

    /// Whether a container runs of which not all was asked for.
    package var hasUnread: Bool { !unread.isEmpty }

    /// Those that do not run have nothing to say yet.
    private var unread: Set<String> {
        withoutDetails.filter { containers[$0]?.summary.state.isAlive == true }
    }

    // MARK: Answers

    /// The question has failed: it is to be asked again.
    package mutating func failed(_ ticket: Ticket) {
        switch ticket.question {
        case .all: isListDue = true
        case .some(let ids):
            for id in ids where due[id] == nil { due[id] = ticket.sequence }
        case .details(let id): if containers[id] != nil { withoutDetails.insert(id) }
        }
    }

    /// Takes the list that was asked for. Returns whether anything changed.
    package mutating func apply(_ list: ContainerList, to ticket: Ticket) -> Bool {
        var isChanged = false
        var listed: Set<String> = []
        for summary in list.containers {
            listed.insert(summary.id)
            if apply(summary, ticket) { isChanged = true }
        }
        let asked: [String]
        switch ticket.question {
        case .all:
            asked = Array(containers.keys)
            problems = list.problems
            isWhole = true
            gone = gone.filter { $0.value > ticket.sequence }
        case .some(let ids): asked = ids
        case .details: asked = []
        }
        for id in asked where !listed.contains(id) && !isNewer(id, than: ticket) {
            if containers.removeValue(forKey: id) != nil { isChanged = true }
            withoutDetails.remove(id)
        }
        return isChanged
    }

    private mutating func apply(_ summary: ContainerSummary, _ ticket: Ticket) -> Bool {
        let id = summary.id
        // It was destroyed while the answer was on its way.
        if let at = gone[id], at > ticket.sequence { return false }
        guard var container = containers[id] else {
            var container = Container(summary)
            container.update(summary)
            containers[id] = container
            withoutDetails.insert(id)
            return true
        }
        // What has happened since is asked for, and this is older.
        if isNewer(id, than: ticket) { return false }
        let old = container
        let wasAlive = container.summary.state.isAlive
        container.update(summary)
        // A start that was missed.
        if !wasAlive, summary.state.isAlive {
            container.details = nil
            withoutDetails.insert(id)
        }
        containers[id] = container
        return container != old
    }

    /// Takes the details that were asked for; nil when there is no such container any more. Returns
    /// whether anything changed.
    package mutating func apply(_ details: ContainerDetails?, to ticket: Ticket) -> Bool {
        guard case .details(let id) = ticket.question, containers[id] != nil else { return false }
        guard let details else {
            due[id] = due[id] ?? ticket.sequence
            return false
        }
        // It has started once more since: these are of its last life.
        if withoutDetails.contains(id) { return false }
        return change(id) { $0.details = details }
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
