// ControlPlane+Reload: the configuration is read again, on SIGHUP, when its file changes if that is
// asked for, or by the admin port, and takes the place of the one that runs.

package import Configuration
internal import Consul
internal import Events
internal import InstanceSources

/// What came of a reload. Value type.
enum ReloadOutcome: Equatable, Sendable {
    /// What was read is what runs already, but for the order in which it is written.
    case unchanged
    /// The configuration runs now. A line for each thing that is different, such as `listener
    /// public: added` or `service web: changed (checks)`; never empty.
    case applied([String])
    /// The configuration can't be taken up, and nothing has changed. A line for each reason, with
    /// its place; never empty.
    case refused([String])
}

extension ControlPlane {
    /// Keeps the configuration up to date from `origin`, which it was made of: by `reload`, by its
    /// file if that is to be watched, and by Consul if it says so itself. `effective` says in full
    /// what runs. Before `start`.
    package func follow(_ origin: ConfigurationOrigin, effective: EffectiveConfiguration? = nil) {
        let live = LiveConfiguration(
            on: loop, origin: origin, effective: effective,
            apply: { [unowned self] (new) throws(ChangeRefusal) in try apply(new) },
            log: { [unowned self] in log })
        self.live = live
        watchFile()
        let settings = configuration.consul
        guard settings.kv != nil || settings.tags else { return }
        feeds = ConsulFeeds(settings, agents: factory.agents, live: live, on: loop) {
            [unowned self] in log
        }
    }

    /// Reads the configuration again and makes it what runs: the file as it is now, environment and
    /// flags as at the start, and from Consul's K/V store and tags what they said last. It takes
    /// effect as a whole or not at all; listeners, services, backends and counters that are the
    /// same in both go on. The log and the metrics tell the outcome as well, and a refusal stands
    /// on the admin page until a reload is good.
    ///
    /// Control thread only; returns when it is decided, and new listeners accept as soon as their
    /// services have backends. Takes about as long as a start; reading the file blocks.
    @discardableResult
    func reload() -> ReloadOutcome {
        guard let live else { return .unchanged }
        let outcome = supervision.tellingReload { live.reload() }
        watchFile()
        supervision.statusMayDiffer()
        releaseMemorySoon()
        return outcome
    }

    /// What runs, as `fairlead check --print` writes it: YAML with every option and where its value
    /// is from, what came from Consul included, secrets masked. Nil for a configuration that was
    /// not read by `run`. Control thread only; takes some milliseconds for a thousand services.
    var configurationText: String? { live?.effective?.yaml }

    /// Writes what is as severe as `level` or more from now on, until the configuration says
    /// something else than it does now. Control thread only.
    func setLogLevel(_ level: LogLevel) {
        guard level != log.level else { return }
        let before = log.level
        log = Log(level: level, format: log.format)
        // At whatever level: from here on lines are missing, or more.
        Log(level: .info, format: log.format).write(
            .info, "log.level_changed", ["from": before.rawValue, "to": level.rawValue])
    }

    /// Watches the file, or does so no more, as the configuration has it.
    private func watchFile() {
        guard configuration.reload.watch, !isDraining, let path = live?.origin.path else {
            fileWatch?.stop()
            fileWatch = nil
            return
        }
        guard fileWatch == nil else { return }
        fileWatch = FileWatch(path: path, settles: true, on: loop) { [unowned self] in
            log.write(.info, "configuration.file_changed", ["file": path])
            reload()
        }
    }
}
