// PageWatch: takes up pages of errors that have changed on disk, and notices the files that close a
// listener or a route for as long as they are there.
//
// Folders on the way to the files are watched, links included, and a moment after the last change
// the files are read. Once a minute they are compared as well: network file systems don't tell of a
// change that another machine made. A page that can't be read leaves the one in use in force.

internal import CertificateFiles
internal import Configuration
internal import Documents
internal import Events
internal import Routing
internal import Traffic

/// Follows the files of pages and of maintenance. Control thread only.
final class PageWatch {
    private let live: LiveConfiguration
    private let loop: EventLoop
    private let log: () -> Log
    private let current: () -> Configuration
    private var folders: FolderWatch?
    private var settling: Timer?
    private var minutely: Timer?
    /// Why a page could not be read when that was tried last, by path: it is told once.
    private var troubles: [String: String] = [:]
    private var isWarned = false

    /// Changes come in bursts, such as a file that is written and then renamed: they are read once
    /// it has been quiet for so long.
    static let settleTime = Duration.milliseconds(300)
    /// How often the files are compared although nothing was told of a change.
    static let lookInterval = Duration.seconds(60)

    /// Has `live` take up what changes of the files that `current` names; watches nothing before
    /// `start`.
    init(
        _ live: LiveConfiguration, on loop: EventLoop, log: @escaping () -> Log,
        _ current: @escaping () -> Configuration
    ) {
        self.live = live
        self.loop = loop
        self.log = log
        self.current = current
    }

    /// Begins to watch; without files it costs nothing.
    func start() {
        settling = Timer(on: loop) { [unowned self] in look() }
        minutely = Timer(on: loop) { [unowned self] in look() }
        follow()
    }

    /// Watches no more.
    func stop() {
        settling?.cancel()
        minutely?.cancel()
        folders?.close()
        folders = nil
        settling = nil
    }

    /// The configuration may name other files: watches these, and looks at them soon, since they
    /// may have changed since they were read.
    func follow() {
        guard let settling, let minutely else { return }
        let files = current().watchedFiles
        guard !files.isEmpty else {
            settling.cancel()
            minutely.cancel()
            folders?.close()
            folders = nil
            return
        }
        watch(files)
        settling.schedule(after: Self.settleTime)
        if !minutely.isScheduled { minutely.schedule(after: Self.lookInterval) }
    }

    private func watch(_ files: [String]) {
        var paths = WatchedPaths()
        for file in files { paths.add(file: file) }
        var refusal: Errno?
        do throws(Errno) {
            let watch =
                if let folders { folders } else {
                    try FolderWatch(on: loop) { [unowned self] in
                        settling?.schedule(after: Self.settleTime)
                    }
                }
            folders = watch
            refusal = watch.watch(paths.folders)
        } catch {
            refusal = error
        }
        if let refusal, !isWarned {
            log().write(
                .warning, "page.unwatched",
                [
                    "cause": "\(refusal)",
                    "effect": "changes are seen once a minute; raise fs.inotify.max_user_watches",
                ])
        }
        isWarned = refusal != nil
    }

    // MARK: - Reading

    private func look() {
        settling?.cancel()
        minutely?.schedule(after: Self.lookInterval)
        let configuration = current()
        var new: [String: Page] = [:]
        for (path, old) in configuration.pages {
            do throws(FileTextError) {
                let page = try PageFile.read(path)
                if troubles.removeValue(forKey: path) != nil {
                    log().write(.info, "page.mended", ["file": path])
                }
                guard page != old else { continue }
                new[path] = page
                log().write(
                    .info, "page.new", ["file": path, "bytes": "\(page.bytes.count)"])
            } catch {
                guard troubles.updateValue(error.text, forKey: path) != error.text else { continue }
                log().write(
                    .error, "page.refused",
                    ["file": path, "cause": error.text, "effect": "the page in use stays"])
            }
        }
        let hasMoved = configuration.maintenanceFiles.contains { path, isThere in
            (FileStamp(path: path) != nil) != isThere
        }
        if hasMoved || !new.isEmpty { live.filesChanged(new) }
        watch(configuration.watchedFiles)
    }
}

extension Configuration {
    /// The files that close something while they are there, and whether each was there.
    fileprivate var maintenanceFiles: [(path: String, isThere: Bool)] {
        listeners.flatMap { listener in
            ([listener.policy.maintenance] + listener.routes.map(\.maintenance)).compactMap {
                rule in
                if case .whileFile(let path) = rule.when { (path, rule.isFileThere) } else { nil }
            }
        }
    }

    /// All files of pages and of maintenance.
    fileprivate var watchedFiles: [String] { pages.keys + maintenanceFiles.map(\.path) }
}
