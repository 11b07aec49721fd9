// Program: a program started with some of this process's descriptors, or put in the place of this
// process. The one file of the module that holds C strings.

internal import CLinux
internal import Events
internal import Glibc

/// A program to start. Value type.
struct Program {
    /// Its file; a name without a slash is looked for in the folders of this process's `PATH`.
    var path: String
    /// What it is called, and the arguments.
    var arguments: [String]
    /// `NAME=VALUE` each; values may be any bytes but NUL.
    var environment: [[UInt8]]
    /// Open in the program under the same numbers; all others are closed by the time that it runs.
    var descriptors: [Descriptor] = []
    /// Whether it becomes the first of a process group of its own.
    var hasOwnGroup = false

    /// Starts it, with the standard streams of this process. Returns its number; the caller waits
    /// for its end.
    ///
    /// - Throws: `Errno`: no such file, not executable, no memory.
    func start() throws(Errno) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for descriptor in descriptors {
            // Onto itself, which makes it stay open (posix_spawn_file_actions_adddup2(3)).
            unsafe posix_spawn_file_actions_adddup2(
                &actions, descriptor.number, descriptor.number)
        }
        // A thread may have blocked signals, as those of libraries do, and a loop has SIGPIPE
        // ignored; the program must get its own.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var broken = sigset_t()
        unsafe sigemptyset(&broken)
        unsafe sigaddset(&broken, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &broken)
        // The group's number is the program's own.
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let group = hasOwnGroup ? POSIX_SPAWN_SETPGROUP : 0
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group))
        var process: pid_t = 0
        let error = unsafe Self.withStrings(arguments.map { Array($0.utf8) }) { arguments in
            unsafe Self.withStrings(environment) { variables in
                unsafe posix_spawnp(
                    &process, path, &actions, &attributes, arguments, variables)
            }
        }
        guard error == 0 else { throw Errno(rawValue: error) }
        return process
    }

    /// Puts it in the place of this process, under the same number. Returns only when that fails.
    func replaceThisProcess() -> Errno {
        // As `start` has it.
        _ = signal(SIGPIPE, SIG_DFL)
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigprocmask(SIG_SETMASK, &none, nil)
        return unsafe Self.withStrings(arguments.map { Array($0.utf8) }) { arguments in
            unsafe Self.withStrings(environment) { variables in
                unsafe _ = execvpe(path, arguments, variables)
                return Errno.current
            }
        }
    }

    /// Calls `body` with the strings as execve(2) has them: an array of pointers that ends with
    /// nil.
    private static func withStrings<R>(
        _ strings: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        // Copies that end with a zero, freed below; the callee only reads them.
        var pointers =
            unsafe strings.map { bytes in
                unsafe strdup((bytes + [0]).map { CChar(bitPattern: $0) })
            } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe body(&pointers)
    }
}
