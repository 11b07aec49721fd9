// FileWatch: whether a file has changed. It is looked at by its stamp each second rather than
// watched by inotify: that sees files which are replaced by renaming, links that are turned (as
// Kubernetes does with its volumes) and network file systems all alike, for one system call a
// second.

internal import Documents
package import Events

/// Looks at one file. Control thread only.
package final class FileWatch {
    /// How often the file is looked at.
    package static let lookInterval = Duration.seconds(1)

    private let path: String
    private let settles: Bool
    private let onChange: () -> Void
    private var timer: Timer?
    /// The stamp of the file that was reported last.
    private var told: FileStamp?
    /// The stamp at the last look.
    private var seen: FileStamp?

    /// Watches the file at `path` from now on, until `stop()`. `onChange` is called when it has
    /// changed, has come or is gone; with `settles` only when it was the same at two looks in a
    /// row, so that a file which is being written is not read by halves.
    package init(
        path: String, settles: Bool, on loop: EventLoop, onChange: @escaping () -> Void
    ) {
        self.path = path
        self.settles = settles
        self.onChange = onChange
        told = FileStamp(path: path)
        seen = told
        timer = Timer(on: loop) { [unowned self] in look() }
        timer?.schedule(after: Self.lookInterval)
    }

    /// Looks no more.
    package func stop() {
        timer?.cancel()
    }

    private func look() {
        timer?.schedule(after: Self.lookInterval)
        let now = FileStamp(path: path)
        let isSettled = !settles || now == seen
        seen = now
        guard isSettled, now != told else { return }
        told = now
        onChange()
    }
}
