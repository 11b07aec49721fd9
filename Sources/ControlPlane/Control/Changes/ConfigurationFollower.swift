// ConfigurationFollower: keeps the running configuration up to date. It reads the configuration
// again on SIGHUP, when the admin port is asked to, and when a watched file changes, always
// together with what Consul says.

internal import Configuration
internal import Consul
internal import Docker
internal import Events
internal import InstanceSources

/// What came of a reload. Value type.
enum ReloadOutcome: Equatable, Sendable {
    /// What was read runs already; at most it is written in another order.
    case unchanged
    /// The configuration runs now. A line for each thing that is different, such as `listener
    /// public: added` or `service web: changed (checks)`; never empty.
    case applied([String])
    /// The configuration can't be applied, and nothing has changed. A line for each reason, with
    /// its place; never empty.
    case refused([String])
}

/// Follows the origin of a configuration. Control thread only.
final class ConfigurationFollower {
    /// Reads the configuration again.
    let live: LiveConfiguration
    /// Watches Consul; nil when the configuration asks for no watch.
    let feeds: ConsulFeeds?
    /// Watches the labels of containers; nil unless the configuration asks for it.
    let dockerFeed: DockerFeed?
    /// Follows the files of pages and of users, and those that say that something is closed.
    private let files: NamedFileWatch
    /// Watches the file; nil unless the configuration asks for it.
    private(set) var fileWatch: FileWatch?
    private let running: RunningConfiguration
    private let supervision: Supervision
    private let loop: EventLoop
    private let log: () -> Log
    private let onReload: () -> Void

    /// Keeps `running` up to date, which was made of `origin`; nothing is watched or asked before
    /// `start`.
    ///
    /// - Parameters:
    ///   - effective: says in full what runs; nil until the next reload if that is not known.
    ///   - onReload: called after each reload, whatever came of it.
    init(
        _ origin: ConfigurationOrigin, effective: EffectiveConfiguration?,
        _ running: RunningConfiguration, agents: ConsulAgents, docker: DockerWatch,
        _ supervision: Supervision,
        on loop: EventLoop, log: @escaping () -> Log, onReload: @escaping () -> Void
    ) {
        live = LiveConfiguration(
            on: loop, origin: origin, effective: effective,
            apply: { [unowned running] (new) throws(ChangeRefusal) in try running.apply(new) },
            certificates: { [unowned running] in running.certificates.readings },
            files: running.current.files, log: log)
        files = NamedFileWatch(live, on: loop, log: log) { [unowned running] in running.current }
        let settings = running.current.consul
        feeds =
            settings.kv != nil || settings.tags
            ? ConsulFeeds(settings, agents: agents, live: live, on: loop, log: log) : nil
        dockerFeed =
            running.current.docker.routes
            ? DockerFeed(docker, live: live, on: loop, log: log) : nil
        self.running = running
        self.supervision = supervision
        self.loop = loop
        self.log = log
        self.onReload = onReload
    }

    /// What is followed, in the order of the names.
    var allFeeds: [Feed] {
        (feeds?.feeds.sorted { $0.key < $1.key }.map(\.value) ?? [])
            + [dockerFeed?.feed].compactMap(\.self)
    }

    /// Begins to watch the file and to ask Consul, if the configuration says so.
    func start() {
        watchFile()
        files.start()
        feeds?.start()
        dockerFeed?.start()
    }

    /// The running configuration has changed: follows the files that it names.
    func configurationChanged() { files.follow() }

    /// Stops watching. The running configuration stays.
    func stop() {
        feeds?.stop()
        dockerFeed?.stop()
        fileWatch?.stop()
        files.stop()
    }

    /// Reads the configuration again and makes it what runs: the file as it is now, environment and
    /// flags as at the start, and the latest from Consul's K/V store and tags. It takes effect as a
    /// whole or not at all. Listeners, services, backends and counters that are in both are kept.
    /// The outcome is logged and counted, and the admin page shows a refusal until a reload
    /// succeeds.
    ///
    /// Returns once that is decided; new listeners accept when their services have backends. Takes
    /// about as long as a start. Reading the file blocks.
    @discardableResult
    func reload() -> ReloadOutcome {
        let outcome = supervision.reportReload { live.reload() }
        watchFile()
        supervision.statusMayDiffer()
        onReload()
        return outcome
    }

    /// What runs, as `fairlead check --print` writes it: YAML with every option and where its value
    /// is from, what came from Consul included, secrets masked. Nil until that is known. Takes some
    /// milliseconds for a thousand services.
    var text: String? { live.effective?.yaml }

    /// Starts or stops watching the file, as the running configuration says.
    private func watchFile() {
        guard running.current.reload.watch, !running.isStopped, let path = live.origin.path else {
            fileWatch?.stop()
            fileWatch = nil
            return
        }
        guard fileWatch == nil else { return }
        fileWatch = FileWatch(path: path, settles: true, on: loop) { [unowned self] in
            log().write(.info, "configuration.file_changed", ["file": path])
            reload()
        }
    }
}
