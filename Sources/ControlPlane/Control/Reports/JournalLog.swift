// JournalLog: writes journal entries to the log, and tells the admin port that there are new ones.

internal import Backends
internal import Configuration
internal import Events
internal import Traffic
internal import Wording

/// Writes the journal to the log. Control thread only.
final class JournalLog {
    private let journal: Journal
    private let services: ServiceSet
    private let log: () -> Log
    private let publisher: ListenerPublisher
    /// Called when there are new entries.
    var onEntries: () -> Void = {}
    private var next: UInt64 = 0
    private var lines = JournalLines()
    private var timer: Timer?
    /// Services without a backend, for which that was logged.
    private var unavailable: Set<ServiceID> = []

    /// Nothing written yet.
    init(
        _ journal: Journal, of services: ServiceSet, _ publisher: ListenerPublisher,
        on loop: EventLoop, log: @escaping () -> Log
    ) {
        self.journal = journal
        self.services = services
        self.log = log
        self.publisher = publisher
        timer = Timer(on: loop) { [unowned self] in flush() }
    }

    /// Writes the entries since the last call. Changes of backends that are alike are written
    /// together a moment later.
    func write() {
        guard journal.nextNumber > next else { return }
        let entries = journal.entries(from: next)
        if let first = entries.first, first.number > next {
            log().write(
                .warning, "journal.overrun",
                [
                    "entries": "\(first.number - next)",
                    "cause": "more happened at once than the journal holds",
                ])
        }
        next = journal.nextNumber
        for entry in entries {
            // Events of the whole process are logged where they happen.
            if entry.service == .process { continue }
            // An emergency also ends when no backend is left; that is no recovery.
            if case .emergencyEnded = entry.event, isUnavailable(entry.service) { continue }
            write(
                lines.add(
                    entry, service: services.name(of: entry.service),
                    emptyWait: services[entry.service]?.settings.policy.limits.emptyWait))
        }
        for service in Set(entries.filter(\.event.isFinding).map(\.service)) {
            logAvailability(service)
        }
        if !lines.isEmpty, timer?.isScheduled != true {
            timer?.schedule(after: JournalLines.patience)
        }
        onEntries()
    }

    /// Writes changes that still wait for others like them.
    func flush() { write(lines.flush()) }

    /// Logs that listeners send requests to a service without a backend, once. Discovery may be
    /// silent, so that the journal says nothing about it.
    func logWithoutBackends(_ service: ServiceControl) {
        guard unavailable.insert(service.id).inserted else { return }
        writeWithoutBackends(service, .error, effect: Self.emptyEffect(of: service))
    }

    private static func emptyEffect(of service: ServiceControl) -> String {
        JournalLines.effect(ofNone: service.settings.policy.limits.emptyWait)
    }

    private func write(_ lines: [JournalLines.Line]) {
        for line in lines { log().write(line) }
    }

    // MARK: - Services that have nothing

    private func isUnavailable(_ id: ServiceID) -> Bool {
        services[id]?.roster.isWithoutBackends ?? false
    }

    /// Logs when a service has no backend at all, and when it has one again. If it has backends and
    /// none is up, the journal says what happens to requests.
    private func logAvailability(_ id: ServiceID) {
        guard let service = services[id] else {
            unavailable.remove(id)
            return
        }
        guard isUnavailable(id) else {
            guard unavailable.remove(id) != nil else { return }
            flush()
            log().write(.info, "service.recovered", ["service": service.name])
            return
        }
        guard unavailable.insert(id).inserted else { return }
        flush()
        if publisher.published.serviceIDs.contains(id) {
            writeWithoutBackends(service, .error, effect: Self.emptyEffect(of: service))
        } else {
            writeWithoutBackends(
                service, .warning, effect: "no listener sends requests there")
        }
    }

    private func writeWithoutBackends(
        _ service: ServiceControl, _ level: LogLevel, effect: String
    ) {
        // Why no backend may get requests, as a clause.
        let cause = service.roster.count == 0 ? "discovery names none" : "all of them drain"
        log().write(
            level, "service.no_backend",
            ["service": service.name, "cause": cause, "effect": effect])
    }
}

extension JournalEvent {
    /// Whether it may show that a service has no backend, or has one again. Changes of the service
    /// itself don't: they come before its sources have answered.
    fileprivate var isFinding: Bool {
        switch self {
        case .serviceAdded, .serviceRemoved, .sourceChanged, .optionsChanged, .note: false
        default: true
        }
    }
}
