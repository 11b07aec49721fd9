// FolderListing: the files of a folder with certificates.

internal import Glibc

/// What is in a folder. Blocks for as long as a disk does.
package enum FolderListing {
    /// Files of a folder that are looked at, those of its folders included.
    package static let filesMax = 20_000

    /// The names in the folder at `path`, sorted, without those that begin with a dot; nil when it
    /// can't be read.
    static func names(in path: String) -> [String]? {
        guard let folder = unsafe opendir(path) else { return nil }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        // The entry is valid until the next call; its name ends in zero.
        while names.count <= filesMax, let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name.first != "." { names.append(name) }
        }
        return names.sorted()
    }

    /// Whether `path` is a folder, or a link to one.
    package static func isFolder(_ path: String) -> Bool { kind(of: path) == S_IFDIR }

    /// Whether something is there, if only a link to nothing.
    package static func exists(_ path: String) -> Bool {
        var status = stat()
        // The kernel fills the record, or says that it did not.
        return unsafe lstat(path, &status) == 0
    }

    private static func kind(of path: String) -> mode_t? {
        var status = stat()
        // The kernel fills the record, or says that it did not.
        guard unsafe stat(path, &status) == 0 else { return nil }
        return status.st_mode & S_IFMT
    }

    /// The paths of what is in the folder at `path` and in its folders, but not deeper; nil when
    /// it can't be read.
    package static func files(in path: String) -> [String]? {
        guard let names = names(in: path) else { return nil }
        var files: [String] = []
        for name in names {
            let file = join(path, name)
            guard isFolder(file) else {
                files.append(file)
                continue
            }
            for inner in Self.names(in: file) ?? [] {
                let innerFile = join(file, inner)
                if !isFolder(innerFile) { files.append(innerFile) }
            }
        }
        return files
    }

    /// The path of `name` in the folder at `path`.
    static func join(_ path: String, _ name: String) -> String {
        path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    /// The folder that `path` is in.
    static func parent(of path: String) -> Substring {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : path[..<slash]
    }
}
