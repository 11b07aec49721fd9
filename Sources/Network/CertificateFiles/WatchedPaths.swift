// WatchedPaths: the folders in which something changes when a path comes to lead to something else:
// those that it goes through, and those that each link on the way goes through. Kubernetes turns
// the link ..data beside the files, certbot those in live/NAME, and people put another folder in
// the place of one.

package import Events
internal import Glibc

/// Folders and the names in them that matter. Value type; reads links, one thread.
package struct WatchedPaths {
    /// What matters, by folder.
    package private(set) var folders: [String: WatchedNames] = [:]
    /// More links than the kernel follows.
    private static let linksMax = 40

    /// Nothing yet.
    package init() {}

    /// Adds what `source` is read from.
    package mutating func add(_ source: CertificateSource) {
        switch source {
        case .files(let chain, let key, let staple):
            for path in [chain, key, staple ?? chain + CertificateReader.stapleEnding] {
                walk(path)
            }
        case .path(let path) where FolderListing.isFolder(path): addFolder(path)
        case .path(let path):
            walk(path)
            walk(path + CertificateReader.stapleEnding)
        case .clients(let authorities, let revocations, _):
            walk(authorities)
            if let revocations { walk(revocations) }
        case .named: break
        }
    }

    /// Adds the file at `path`, which need not be there.
    package mutating func add(file path: String) { walk(path) }

    private mutating func addFolder(_ path: String) {
        let folder = walk(path)
        note(folder, .all)
        for name in FolderListing.names(in: folder) ?? [] {
            let file = FolderListing.join(folder, name)
            let target = walk(file)
            guard FolderListing.isFolder(target) else { continue }
            note(target, .all)
            for name in FolderListing.names(in: target) ?? [] {
                walk(FolderListing.join(target, name))
            }
        }
    }

    private mutating func note(_ folder: String, _ names: WatchedNames) {
        folders[folder] = folders[folder]?.joined(with: names) ?? names
    }

    /// Notes each folder on the way to `path`, and returns the path without links.
    @discardableResult
    private mutating func walk(_ path: String) -> String {
        var pending = Self.parts(path)
        var folder = path.hasPrefix("/") ? "/" : Self.currentFolder
        var links = 0
        while let name = pending.popLast() {
            if name == ".." {
                folder = String(FolderListing.parent(of: folder))
                continue
            }
            note(folder, .these([name]))
            let next = FolderListing.join(folder, name)
            guard links < Self.linksMax, let target = Self.link(next) else {
                folder = next
                continue
            }
            links += 1
            if target.hasPrefix("/") { folder = "/" }
            pending += Self.parts(target)
        }
        return folder
    }

    /// The names in a path, the last one first.
    private static func parts(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.reversed().map(String.init)
    }

    /// Where a link leads; nil for what is none.
    private static func link(_ path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        // The kernel writes at most `count` bytes, which the array has, and no zero behind them.
        let count = unsafe bytes.withUnsafeMutableBytes { room in
            guard let start = room.baseAddress else { return 0 }
            return unsafe readlink(
                path, start.assumingMemoryBound(to: CChar.self), room.count)
        }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    private static var currentFolder: String {
        guard let text = unsafe getcwd(nil, 0) else { return "/" }
        // glibc allocates the text, which ends in zero.
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }
}
