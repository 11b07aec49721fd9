// FileFollower: notices that files on disk may have changed.
//
// Folders on the way to the files are watched, links included, and a moment after the last change
// their owner looks. Once a minute that happens as well: network file systems don't tell of
// a change that another machine made.

internal import CertificateFiles
internal import Events

/// Has its owner look at files when they may have changed. Control thread only.
final class FileFollower {
    private let loop: EventLoop
    private let settling: Settling
    private let paths: () -> WatchedPaths
    private let look: () -> Void
    private let warn: (_ cause: Errno, _ effect: String) -> Void
    private var folders: FolderWatch?
    private var settled: Timer?
    private var minutely: Timer?
    /// When the first change came that was not looked at yet.
    private var firstChange: ContinuousClock.Instant?
    private var isWarned = false

    /// How long changes are waited for: they come in bursts, such as a file that is written and
    /// then renamed.
    struct Settling {
        /// How long it has to be quiet.
        var time: Duration
        /// After how long an endless burst is looked at; nil for never.
        var most: Duration?
    }

    /// How often its owner looks although no change was noticed.
    private static let lookInterval = Duration.seconds(60)

    /// Follows nothing before `start`.
    /// - Parameters:
    ///   - paths: what is followed, as it stands; none costs nothing.
    ///   - warn: the system refuses to watch folders, with what follows from that; called once
    ///     until it does not refuse.
    ///   - look: the files may have changed.
    init(
        on loop: EventLoop, _ settling: Settling, paths: @escaping () -> WatchedPaths,
        warn: @escaping (_ cause: Errno, _ effect: String) -> Void, look: @escaping () -> Void
    ) {
        self.loop = loop
        self.settling = settling
        self.paths = paths
        self.warn = warn
        self.look = look
    }

    func start() {
        settled = Timer(on: loop) { [unowned self] in lookNow() }
        minutely = Timer(on: loop) { [unowned self] in lookNow() }
        follow()
    }

    /// Follows no more.
    func stop() {
        rest()
        settled = nil
        minutely = nil
    }

    /// What is followed may be something else: has its owner look soon, since that may have changed
    /// since it was read.
    func follow() {
        guard let settled, let minutely else { return }
        let paths = paths()
        guard !paths.folders.isEmpty else { return rest() }
        watch(paths)
        settled.schedule(after: settling.time)
        if !minutely.isScheduled { minutely.schedule(after: Self.lookInterval) }
    }

    private func rest() {
        settled?.cancel()
        minutely?.cancel()
        folders?.close()
        folders = nil
    }

    private func watch(_ paths: WatchedPaths) {
        var refusal: Errno?
        do throws(Errno) {
            let watch =
                if let folders { folders } else {
                    try FolderWatch(on: loop) { [unowned self] in changed() }
                }
            folders = watch
            refusal = watch.watch(paths.folders)
        } catch {
            refusal = error
        }
        if let refusal, !isWarned {
            warn(
                refusal, "changes are seen once a minute; raise fs.inotify.max_user_watches")
        }
        isWarned = refusal != nil
    }

    private func changed() {
        let first = firstChange ?? .now
        firstChange = first
        let left = settling.most.map { max(.zero, $0 - (.now - first)) } ?? settling.time
        settled?.schedule(after: min(settling.time, left))
    }

    private func lookNow() {
        firstChange = nil
        settled?.cancel()
        minutely?.schedule(after: Self.lookInterval)
        look()
        watch(paths())
    }
}
