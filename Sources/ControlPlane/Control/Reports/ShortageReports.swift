// ShortageReports: reports what this machine runs out of to the journal, the log and the admin
// page. No backend is to blame for that, so nothing else would say why requests fail.

internal import Admin
internal import Backends
internal import Configuration
internal import Events
internal import Traffic
internal import Wording

/// Watches what this machine is short of. Control thread only.
final class ShortageReports {
    private var watch = ShortageWatch()
    private let journal: Journal
    private let log: () -> Log

    /// Nothing seen yet.
    init(_ journal: Journal, log: @escaping () -> Log) {
        self.journal = journal
        self.log = log
    }

    /// Journals and logs shortages that began or ended; call it once a second. Returns whether
    /// there were any.
    func look() -> Bool {
        let changes = watch.look(now: .now)
        for change in changes {
            switch change {
            case .began(let shortage):
                let clause = shortage.clause(descriptorLimit: DescriptorRoom.current.limit)
                journal.write(note: "\(clause): \(shortage.advice)", at: .now)
                log().write(
                    .warning, "machine.short",
                    ["of": shortage.rawValue, "cause": clause, "advice": shortage.advice])
            case .ended(let shortage, let time, let failures):
                let cause =
                    "there are \(shortage.rawValue) again, after \(time.spoken) and "
                    + "\(counted(failures, "call")) that failed"
                journal.write(note: cause, at: .now)
                log().write(.info, "machine.enough", ["of": shortage.rawValue, "cause": cause])
            }
        }
        return !changes.isEmpty
    }

    /// Warns if the process may have fewer descriptors than the clients that `listeners` let in
    /// need: two for each, its own and one to a backend.
    func warnOfDescriptors(for listeners: [Listener]) {
        let limit = DescriptorRoom.current.limit
        let connections = listeners.reduce(0) { $0 + $1.policy.connectionsMax }
        guard connections > limit / 2 else { return }
        log().write(
            .warning, "machine.few_descriptors",
            [
                "limit": "\(limit)", "connections": "\(connections)",
                "cause": "limits.connections lets so many clients in, and each needs up to two "
                    + "descriptors",
                "advice": Shortage.descriptors.advice,
            ])
    }

    /// Each kind of shortage for the admin port.
    func shown(_ clock: DisplayClock) -> [AdminSnapshot.Shortage] {
        Shortage.allCases.map { shortage in
            let episode = watch.episodes[shortage]
            return AdminSnapshot.Shortage(
                kind: shortage.rawValue, count: ShortageTally.count(of: shortage),
                since: episode.map { clock.wall($0.since) },
                what: shortage.clause(descriptorLimit: DescriptorRoom.current.limit),
                advice: shortage.advice)
        }
    }
}
