// NamedFileWatch: takes up pages of errors and files of users that have changed on disk, and
// notices the files that close a listener or a route for as long as they are there.
//
// A FileFollower says when to look. What can't be read leaves in force what is in use.

internal import CertificateFiles
internal import Configuration
internal import Documents
internal import Events
internal import Passwords
internal import Routing
internal import Traffic

/// Follows the files that listeners and routes name, but for certificates. Control thread only.
final class NamedFileWatch {
    private let live: LiveConfiguration
    private let log: () -> Log
    private let current: () -> Configuration
    private var follower: FileFollower?
    /// Why a file could not be read when that was tried last, by path: it is told once.
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
        var new = NamedFiles()
        new.pages = changed(configuration.files.pages, .pages) {
            (path) throws(FileTextError) in
            try PageFile.read(path)
        } size: {
            ("bytes", $0.bytes.count)
        }
        new.users = changed(configuration.files.users, .users) {
            (path) throws(FileTextError) in
            try UserFile.read(path)
        } size: {
            ("users", $0.count)
        }
        let hasMoved = configuration.maintenanceFiles.contains { path, isThere in
            (FileStamp(path: path) != nil) != isThere
        }
        if hasMoved || !new.isEmpty { live.filesChanged(new) }
    }

    /// What the log is told of files of a kind.
    private struct Told {
        let new: StaticString
        let mended: StaticString
        let refused: StaticString
        /// What follows from a refusal.
        let effect: String

        static let pages = Told(
            new: "page.new", mended: "page.mended", refused: "page.refused",
            effect: "the page in use stays")
        static let users = Told(
            new: "users.new", mended: "users.mended", refused: "users.refused",
            effect: "the users in force stay")
    }

    /// The contents of those of `files`, by path, that say something else now. Tells of them, and
    /// of what is wrong with others; `size` says of new contents how much of what there is.
    private func changed<Content: Equatable>(
        _ files: [String: Content], _ told: Told,
        read: (String) throws(FileTextError) -> Content,
        size: (Content) -> (of: String, count: Int)
    ) -> [String: Content] {
        var new: [String: Content] = [:]
        for (path, old) in files {
            do throws(FileTextError) {
                let content = try read(path)
                if troubles.removeValue(forKey: path) != nil {
                    log().write(.info, told.mended, ["file": path])
                }
                guard content != old else { continue }
                new[path] = content
                let (unit, count) = size(content)
                log().write(.info, told.new, ["file": path, unit: "\(count)"])
            } catch {
                guard troubles.updateValue(error.text, forKey: path) != error.text else { continue }
                log().write(
                    .error, told.refused,
                    ["file": path, "cause": error.text, "effect": told.effect])
            }
        }
        return new
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

    /// All files of pages, of users and of maintenance.
    fileprivate var watchedFiles: [String] {
        Array(files.pages.keys) + files.users.keys + maintenanceFiles.map(\.path)
    }
}
