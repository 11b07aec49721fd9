// ProgramFile: the path by which this program was started, links kept. An upgrade in place starts
// what lies there by then: `/opt/fairlead/current` may lead to another version, and a package may
// have put another file in the place of this one. /proc/self/exe tells where the links led at the
// start, which is the old version.

internal import CLinux
internal import Glibc

/// Where this program was started from. Any thread.
package enum ProgramFile {
    /// What the system tells of a start. Value type.
    package struct Start {
        /// What execve(2) was given (getauxval(3), AT_EXECFN): with a shell, the path that it found
        /// for a bare name. Relative to `folder` unless it begins with a slash. Nil where the
        /// system does not tell.
        package var executed: String?
        /// What the program was called: its first argument, which is whatever its starter made it.
        package var called: String?
        /// The working directory, by the name that the starter used for it if it told one. Nil when
        /// it is gone.
        package var folder: String?
        /// The folders in which a shell looks for a bare name: `PATH`.
        package var searched: String?

        /// A start of which nothing is known.
        package init() {}
    }

    /// The path by which this process was started, absolute; where none that its start names leads
    /// to this program any more, where the system says that its file is. Nil when it does not say.
    /// Takes some system calls; call it at the start, before the working directory or the file can
    /// have changed.
    package static func path(environment: [String: String]) -> String? {
        let linked = "/proc/self/exe"
        guard let own = Identity(linked) else { return nil }
        var start = Start()
        // The kernel's string lies on the stack, above everything else, and stays as it was.
        if let text = unsafe UnsafePointer<CChar>(bitPattern: UInt(getauxval(UInt(AT_EXECFN)))) {
            start.executed = unsafe String(cString: text)
        }
        start.called = CommandLine.arguments.first
        start.folder = folder(saidToBe: environment["PWD"])
        start.searched = environment["PATH"]
        return candidates(start).first { Identity($0) == own } ?? target(of: linked)
    }

    /// The paths by which a program may have been started, the likeliest first. Pure.
    package static func candidates(_ start: Start) -> [String] {
        var found: [String] = []
        // execve(2) takes a bare name for one in the working directory; only shells look for it
        // elsewhere.
        if let executed = start.executed { found.append(absolute(executed, start.folder)) }
        guard let called = start.called, !called.isEmpty else { return found }
        if called.contains("/") {
            found.append(absolute(called, start.folder))
        } else {
            let folders = (start.searched ?? "").split(
                separator: ":", omittingEmptySubsequences: false)
            found += folders.map { folder in
                absolute(folder.isEmpty ? called : "\(folder)/\(called)", start.folder)
            }
        }
        return found
    }

    private static func absolute(_ path: String, _ folder: String?) -> String {
        guard !path.hasPrefix("/"), let folder else { return path }
        let rest = path.hasPrefix("./") ? path.dropFirst(2) : path[...]
        return folder.hasSuffix("/") ? "\(folder)\(rest)" : "\(folder)/\(rest)"
    }

    /// The working directory: by the name that a shell gave it, links kept, as long as that leads
    /// there.
    private static func folder(saidToBe said: String?) -> String? {
        if let said, said.hasPrefix("/"), let here = Identity("."), Identity(said) == here {
            return said
        }
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
        // The kernel writes a string with its NUL, within `count` bytes.
        guard unsafe getcwd(&bytes, bytes.count) != nil else { return nil }
        return text(bytes.prefix { $0 != 0 })
    }

    private static func target(of link: String) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        // The kernel writes at most `count` bytes, without a NUL behind them.
        let count = unsafe readlink(link, &bytes, bytes.count - 1)
        guard count > 0 else { return nil }
        return text(bytes.prefix(count))
    }

    private static func text(_ bytes: ArraySlice<CChar>) -> String {
        String(decoding: bytes.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Which file a path leads to.
    private struct Identity: Equatable {
        let device: dev_t
        let number: ino_t

        /// Nil when the path leads nowhere.
        init?(_ path: String) {
            var status = stat()
            // The call fills `status`.
            guard unsafe stat(path, &status) == 0 else { return nil }
            device = status.st_dev
            number = status.st_ino
        }
    }
}
