// PageWatch: takes up pages of errors that have changed on disk, and notices the files that close a
// listener or a route for as long as they are there.
//
// A FileFollower says when to look. A page that can't be read leaves the one in use in force.

internal import CertificateFiles
internal import Configuration
internal import Documents
internal import Events
internal import Routing
internal import Traffic

/// Follows the files of pages and of maintenance. Control thread only.
final class PageWatch {
    private let live: LiveConfiguration
    private let log: () -> Log
    private let current: () -> Configuration
    private var follower: FileFollower?
    /// Why a page could not be read when that was tried last, by path: it is told once.
    private var troubles: [String: String] = [:]

    /// Has `live` take up what changes of the files that `current` names; watches nothing before
    /// `start`.
    init(
        _ live: LiveConfiguration, on loop: EventLoop, log: @escaping () -> Log,
        _ current: @escaping () -> Configuration
    ) {
        self.live = live
        self.log = log
        self.current = current
        follower = FileFollower(
            on: loop, FileFollower.Settling(time: .milliseconds(300)),
            paths: {
                var paths = WatchedPaths()
                for file in current().watchedFiles { paths.add(file: file) }
                return paths
            },
            warn: { log().write(.warning, "page.unwatched", ["cause": "\($0)", "effect": $1]) },
            look: { [unowned self] in look() })
    }

    /// Begins to watch; without files it costs nothing.
    func start() { follower?.start() }

    /// Watches no more.
    func stop() { follower?.stop() }

    /// The configuration may name other files: watches these, and looks at them soon, since they
    /// may have changed since they were read.
    func follow() { follower?.follow() }

    // MARK: - Reading

    private func look() {
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
