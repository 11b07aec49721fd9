// FolderWatch: whether something has changed in folders, by inotify(7). Folders are watched and not
// files: a file that is replaced by renaming, or by turning a link, is another file.

internal import CLinux
internal import Glibc

/// The names in a folder whose changes count. Value type, any thread.
package enum WatchedNames: Equatable, Sendable {
    /// Every name.
    case all
    /// These alone.
    case these(Set<String>)

    /// Names that count here or there.
    package func joined(with other: WatchedNames) -> WatchedNames {
        switch (self, other) {
        case (.these(let here), .these(let there)): .these(here.union(there))
        case (.all, _), (_, .all): .all
        }
    }

    fileprivate func contain(_ name: String) -> Bool {
        switch self {
        case .all: true
        case .these(let names): names.contains(name)
        }
    }
}

/// Watches folders. Loop thread only.
package final class FolderWatch: Channel {
    private let onChange: () -> Void
    /// What counts, by the kernel's numbers of watches.
    private var names: [Int32: WatchedNames] = [:]
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    /// Written, replaced, made, removed, renamed, or with other rights; and the folder itself is
    /// gone.
    private static let kinds = UInt32(
        IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB
            | IN_DELETE_SELF | IN_MOVE_SELF)

    /// Watches nothing yet; `onChange` is called after each batch of changes, until `close()`.
    ///
    /// - Throws: `Errno` when the process or its user can have no more of it.
    package init(on loop: EventLoop, onChange: @escaping () -> Void) throws(Errno) {
        self.onChange = onChange
        let number = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard number >= 0 else { throw .current }
        super.init(Descriptor(number: number), on: loop)
        startReading()
    }

    /// Watches these folders from now on, and no others. A folder that isn't there is left out; the
    /// one that it would be in may be watched for its name. Returns why a folder that is there
    /// can't be watched, if so: the kernel's limit, most often.
    package func watch(_ folders: [String: WatchedNames]) -> Errno? {
        var next: [Int32: WatchedNames] = [:]
        var refusal: Errno?
        for (folder, wanted) in folders {
            // The path lives across the call. A folder that is watched already keeps its number.
            let watch = unsafe inotify_add_watch(
                descriptor.number, folder, Self.kinds | UInt32(IN_ONLYDIR))
            if watch < 0 {
                let error = Errno.current
                if error.rawValue != ENOENT, error.rawValue != ENOTDIR { refusal = error }
                continue
            }
            // Two paths may lead to one folder.
            next[watch] = next[watch]?.joined(with: wanted) ?? wanted
        }
        for watch in names.keys where next[watch] == nil {
            _ = inotify_rm_watch(descriptor.number, watch)
        }
        names = next
        return refusal
    }

    public override func onReadable() {
        var hasChanged = false
        while true {
            // The kernel writes whole records, and at most as many bytes as there is room.
            let count = unsafe read(descriptor.number, &buffer, buffer.count)
            guard count > 0 else { break }
            hasChanged = records(count) || hasChanged
        }
        if hasChanged { onChange() }
    }

    /// Whether one of the records in the first `count` bytes counts.
    private func records(_ count: Int) -> Bool {
        let head = MemoryLayout<inotify_event>.size
        var hasChanged = false
        var place = 0
        while place + head <= count {
            // A record lies there whole, at any alignment; it has no pointers.
            let event = unsafe buffer.withUnsafeBytes {
                unsafe $0.loadUnaligned(fromByteOffset: place, as: inotify_event.self)
            }
            let end = place + head + Int(event.len)
            let name = buffer[(place + head)..<min(end, count)].prefix { $0 != 0 }
            place = end
            if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
                hasChanged = true
            } else if let wanted = names[event.wd], event.mask & UInt32(IN_IGNORED) == 0 {
                // Without a name it is about the folder itself.
                hasChanged =
                    name.isEmpty || wanted.contain(String(decoding: name, as: UTF8.self))
                    || hasChanged
            }
        }
        return hasChanged
    }
}
