// ControlPlane+Journal: what is journalled goes to the log as well, and to those who follow the
// journal.

internal import Admin
internal import Backends
internal import Configuration
internal import Events
internal import Wording

extension ControlPlane {
    /// Writes what was journalled since the last call; changes of backends that are alike a moment
    /// later.
    func logJournal() {
        guard journal.nextNumber > loggedEntries else { return }
        let entries = journal.entries(from: loggedEntries)
        if let first = entries.first, first.number > loggedEntries {
            log.write(
                .warning, "journal.overrun",
                [
                    "entries": "\(first.number - loggedEntries)",
                    "cause": "more happened at once than the journal holds",
                ])
        }
        loggedEntries = journal.nextNumber
        for entry in entries {
            // What concerns the whole process is logged by whoever did it.
            if entry.service == .process { continue }
            // The emergency may be over because no backend is left.
            if case .emergencyEnded = entry.event, isUnavailable(entry.service) { continue }
            write(journalLines.take(entry, service: services.name(of: entry.service)))
        }
        for service in Set(entries.filter(\.event.isFinding).map(\.service)) {
            noteAvailability(service)
        }
        if !journalLines.isEmpty, journalTimer?.isScheduled != true {
            let timer =
                journalTimer ?? Timer(on: loop) { [unowned self] in write(journalLines.flush()) }
            journalTimer = timer
            timer.schedule(after: JournalLines.patience)
        }
        adminHandler?.journalChanged()
    }

    private func write(_ lines: [JournalLines.Line]) {
        for line in lines { log.write(line) }
    }

    // MARK: - Services that have nothing

    private func isUnavailable(_ id: ServiceID) -> Bool {
        services[id]?.roster.isWithoutBackends ?? false
    }

    /// Says when a service has no backend at all any more, and when it has one again. With backends
    /// of which none is up the journal says what becomes of requests.
    private func noteAvailability(_ id: ServiceID) {
        guard let service = services[id] else {
            unavailable.remove(id)
            return
        }
        guard isUnavailable(id) else {
            guard unavailable.remove(id) != nil else { return }
            write(journalLines.flush())
            log.write(.info, "service.recovered", ["service": service.name])
            return
        }
        guard unavailable.insert(id).inserted else { return }
        write(journalLines.flush())
        let isNamed = listeners.serviceIDs.contains(id)
        log.write(
            isNamed ? .error : .warning, "service.no_backend",
            [
                "service": service.name, "cause": service.whyWithoutBackends,
                "effect": isNamed
                    ? "requests are refused" : "no listener sends requests there",
            ])
    }
}

extension ServiceControl {
    /// Why it has no backend for requests, as a clause.
    var whyWithoutBackends: String {
        roster.count == 0 ? "discovery names none" : "all of them drain"
    }
}

extension JournalEvent {
    /// Whether it may decide that a service has no backend, or has one again: what changes a
    /// service alone comes before its sources were asked.
    fileprivate var isFinding: Bool {
        switch self {
        case .serviceAdded, .serviceRemoved, .sourceChanged, .optionsChanged, .note: false
        default: true
        }
    }
}
