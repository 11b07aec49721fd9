// ChildCommand: a command that this process starts and waits for, with the standard streams of this
// process and no other descriptor of it.
//
// The command leads a process group of its own, so that what it has started can be found when it is
// over, unless a terminal is its input: then it stays in the group of this process, which is the
// one that may read there and that gets what is typed.

package import Events
internal import Glibc

/// Commands that run, and those that have ended. Control thread only.
package final class ChildCommand {
    /// How a command ended.
    package enum Ending: Equatable, Sendable {
        /// By itself, with this status, 0 to 255.
        case status(Int32)
        /// By this signal.
        case signal(Int32)

        /// What a shell makes of it: the status, or 128 and the signal.
        package var exitCode: Int32 {
            switch self {
            case .status(let code): code
            case .signal(let number): 128 + number
            }
        }
    }

    /// Its number.
    package let process: Int32
    private let hasOwnGroup: Bool
    private var ending: Ending?

    /// Whether the terminal itself sends what is typed there (Ctrl-C) to a command, since that is
    /// in the group of this process.
    package static var sharesTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// Starts `arguments`, the first of which is the program, a path or a name to be looked for in
    /// the folders of `PATH`.
    ///
    /// - Throws: `Errno`: no such program, not executable, no memory, too long.
    package init(_ arguments: [String], _ environment: ProcessEnvironment) throws(Errno) {
        hasOwnGroup = !Self.sharesTerminal
        var program = Self.program(arguments, environment)
        program.hasOwnGroup = hasOwnGroup
        process = try program.start()
    }

    /// Puts a command in the place of this process, under the same number. Returns only when that
    /// fails.
    package static func replaceThisProcess(
        by arguments: [String], _ environment: ProcessEnvironment
    ) -> Errno {
        program(arguments, environment).replaceThisProcess()
    }

    private static func program(
        _ arguments: [String], _ environment: ProcessEnvironment
    ) -> Program {
        Program(
            path: arguments.first ?? "", arguments: arguments, environment: environment.entries)
    }

    /// Sends it a signal, unless it has ended.
    package func signal(_ number: Int32) {
        guard ending == nil else { return }
        _ = kill(process, number)
    }

    /// Ends it at once, and what it has started in its group.
    package func killAll() {
        signal(SIGKILL)
        killRest()
    }

    private func killRest() {
        guard hasOwnGroup else { return }
        _ = kill(-process, SIGKILL)
    }

    /// Releases every child of this process that has ended, orphans that became its children
    /// included. Returns how this command ended; nil while it runs. With `killsRest` what it has
    /// left behind in its group ends with it. Call it at SIGCHLD.
    package func reap(killsRest: Bool) -> Ending? {
        if ending == nil, hasEnded {
            // Before its number is released, which may be another group's from then on.
            if killsRest { killRest() }
            var status: Int32 = 0
            // The kernel writes one number.
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
            // As WIFEXITED and its like have it.
            let signal = status & 0x7f
            ending = signal == 0 ? .status(status >> 8 & 0xff) : .signal(signal)
        }
        Self.reapOrphans(but: ending == nil ? process : nil)
        return ending
    }

    /// Whether it has ended and waits to be released.
    private var hasEnded: Bool {
        var information = unsafe siginfo_t()
        // The kernel writes one record, or leaves it as it is while the process runs.
        let flags = WEXITED | WNOHANG | WNOWAIT
        guard unsafe waitid(P_PID, id_t(process), &information, flags) == 0 else { return false }
        return unsafe information.si_signo == SIGCHLD
    }

    /// Releases children that have ended, up to one that is `own`: it is released by its number.
    private static func reapOrphans(but own: pid_t?) {
        while true {
            var information = unsafe siginfo_t()
            let flags = WEXITED | WNOHANG | WNOWAIT
            guard unsafe waitid(P_ALL, 0, &information, flags) == 0,
                unsafe information.si_signo == SIGCHLD
            else { return }
            let number = unsafe information._sifields._sigchld.si_pid
            guard number != own else { return }
            _ = waitpid(number, nil, WNOHANG)
        }
    }
}

/// The signals of this process. Any thread.
package enum ProcessSignal {
    /// Whether `signal` is ignored, as `nohup` has it for SIGHUP: then it should stay so, here and
    /// in commands that are started.
    package static func isIgnored(_ signal: Int32) -> Bool {
        var action = sigaction()
        // The kernel writes one record.
        guard unsafe sigaction(signal, nil, &action) == 0 else { return false }
        let handler = unsafe action.__sigaction_handler.sa_handler
        return unsafe unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}
