// ChildProcess: a program that the bench starts, signals by its own id, and never leaves behind.
//
// `setpriv --pdeathsig` has the kernel end the program with the thread that spawned it, so that a
// bench that is killed takes its servers along. That thread has to outlive the program: it is the
// main one of a plain command, or it blocks until the end, as `run` does.

internal import Glibc

/// A program under way. The thread that made it only.
package final class ChildProcess {
    /// How it ended.
    package enum Exit: Equatable, CustomStringConvertible {
        /// By itself, with this status.
        case status(Int32)
        /// By this signal.
        case signal(Int32)

        /// For messages.
        package var description: String {
            switch self {
            case .status(let code): "exit status \(code)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    /// The id of the process; another's once it has ended.
    package let id: Int32
    private let outputPath: String
    private var ended: Exit?

    /// Starts `command[0]`, found by PATH, with `environment` added to the own one, its output and
    /// errors in the file `outputPath`.
    ///
    /// - Throws: `BenchError` when there is no such program.
    package init(
        _ command: [String], environment: [String: String] = [:], outputPath: String
    ) throws {
        self.outputPath = outputPath
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, outputPath, flags, 0o600)
        unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let settings = environment.map { "\($0.key)=\($0.value)" }
        let words = ["setpriv", "--pdeathsig", "KILL", "--", "env"] + settings + command
        // The vector ends in a null pointer and outlives the call, which copies it.
        var pointers = unsafe words.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var id: pid_t = 0
        let failure = unsafe posix_spawnp(&id, words[0], &actions, nil, pointers, environ)
        guard failure == 0 else { throw BenchError("cannot start \(words[0]): error \(failure)") }
        self.id = id
    }

    deinit {
        signal(SIGKILL)
        _ = waitForExit()
    }

    /// How it ended; nil while it runs.
    package var exit: Exit? {
        if let ended { return ended }
        var status: Int32 = 0
        guard unsafe waitpid(id, &status, WNOHANG) == id else { return nil }
        ended = Self.exit(status)
        return ended
    }

    /// Sends a signal, unless it has ended.
    package func signal(_ number: Int32) {
        if exit == nil { kill(id, number) }
    }

    /// Blocks until it has ended.
    package func waitForExit() -> Exit {
        if let ended { return ended }
        var status: Int32 = 0
        while unsafe waitpid(id, &status, 0) < 0, errno == EINTR {}
        let exit = Self.exit(status)
        ended = exit
        return exit
    }

    /// Ends it: `signal` first, SIGKILL after `limitMilliseconds`.
    package func stop(with signal: Int32 = SIGTERM, limitMilliseconds: Int = 2_000) {
        self.signal(signal)
        for _ in 0..<(limitMilliseconds / 10) where exit == nil { usleep(10_000) }
        self.signal(SIGKILL)
        _ = waitForExit()
    }

    /// Both outputs so far.
    package var output: String { text(outputPath) }

    private static func exit(_ status: Int32) -> Exit {
        let number = status & 0x7f
        return number == 0 ? .status(status >> 8 & 0xff) : .signal(number)
    }
}

/// Runs a program to its end; its output, both kinds together, and how it ended.
package func run(_ command: [String]) throws -> (output: String, exit: ChildProcess.Exit) {
    let path = "/tmp/fairlead-bench-\(getpid()).output"
    defer { unsafe _ = unlink(path) }
    let child = try ChildProcess(command, outputPath: path)
    let exit = child.waitForExit()
    return (child.output, exit)
}

/// The output of a program without the line end, or empty when it does not run: a report says
/// nothing where nothing is known.
package func output(of command: [String]) -> String {
    guard !command.isEmpty, let text = try? run(command).output else { return "" }
    return text.last == "\n" ? String(text.dropLast()) : text
}
