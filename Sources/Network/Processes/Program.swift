// Program: a program started with some of this process's descriptors. The one file of the module
// that holds C strings.

internal import Events
internal import Glibc

/// A program to start. Value type.
struct Program {
    /// Its file.
    var path: String
    /// What it is called, and the arguments.
    var arguments: [String]
    var environment: [String: String]
    /// Open in the program under the same numbers; all others are closed by the time that it runs.
    var descriptors: [Descriptor]

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
        // A thread may have blocked signals, as those of libraries do; the program must get its
        // own.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var process: pid_t = 0
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let error = unsafe Self.withStrings(arguments) { arguments in
            unsafe Self.withStrings(variables) { variables in
                unsafe posix_spawn(
                    &process, path, &actions, &attributes, arguments, variables)
            }
        }
        guard error == 0 else { throw Errno(rawValue: error) }
        return process
    }

    /// Calls `body` with the strings as execve(2) has them: an array of pointers that ends with
    /// nil.
    private static func withStrings<R>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        // Copies, freed below; the callee only reads them.
        var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe body(&pointers)
    }
}
