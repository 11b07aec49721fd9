// ControlPlane+Shortages: what this machine runs out of, for the journal, the log and the page: no
// backend is to blame for it, so nothing else would say why requests fail.

internal import Admin
internal import Backends
internal import Configuration
internal import Events

extension ControlPlane {
    /// Journals and logs shortages that began or ended. Once a second.
    func lookAtShortages() {
        for change in shortages.look(now: .now) {
            switch change {
            case .began(let shortage):
                let what =
                    "\(shortage.clause(descriptorLimit: DescriptorRoom.current.limit)): "
                    + shortage.advice
                journal.note(what, at: .now)
                log.write(.warning, "machine.short", ["of": shortage.rawValue, "what": what])
            case .ended(let shortage, let time, let failures):
                let what =
                    "there are \(shortage.rawValue) again, after \(time.components.seconds) s and "
                    + "\(failures) calls that failed"
                journal.note(what, at: .now)
                log.write(.info, "machine.enough", ["of": shortage.rawValue, "what": what])
            }
            logJournal()
        }
    }

    /// Warns if the process may have fewer descriptors than the clients that it takes on need: two for
    /// each, its own and one to a backend.
    func warnOfDescriptors() {
        let limit = DescriptorRoom.current.limit
        let connections = configuration.listeners.reduce(0) { $0 + $1.limits.connections }
        guard connections > limit / 2 else { return }
        log.write(
            .warning, "machine.few_descriptors",
            [
                "limit": "\(limit)", "connections": "\(connections)",
                "what": "limits.connections lets so many clients in, and each needs up to two "
                    + "descriptors: \(Shortage.descriptors.advice)",
            ])
    }

    /// Each kind of shortage for the admin port.
    func shownShortages(_ clock: DisplayClock) -> [AdminSnapshot.Shortage] {
        Shortage.allCases.map { shortage in
            let episode = shortages.episodes[shortage]
            return AdminSnapshot.Shortage(
                kind: shortage.rawValue, count: ShortageTally.count(of: shortage),
                since: episode.map { clock.wall($0.since) },
                what: shortage.clause(descriptorLimit: DescriptorRoom.current.limit),
                advice: shortage.advice)
        }
    }
}
