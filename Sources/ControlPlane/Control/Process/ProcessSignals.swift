// ProcessSignals: what signals ask of this process.
//
// | signal            | what is asked                                      |
// |-------------------|----------------------------------------------------|
// | SIGTERM, SIGINT   | stop: drain; the second one ends the process       |
// | SIGHUP            | read the configuration again                       |
// | SIGUSR1           | open the access log again                          |
// | SIGUSR2           | start a process that takes over from this one      |
// | SIGCHLD           | in a container's first process: release children   |

internal import Events
internal import Glibc

/// The signals that are watched while this is kept. Control thread only.
struct ProcessSignals {
    private var watches: [SignalWatch] = []

    /// Watches from now on. Each closure is called for each signal; `stop` with its number.
    init(
        on loop: EventLoop, stop: @escaping (Int32) -> Void, reload: @escaping () -> Void,
        reopenLog: @escaping () -> Void, upgrade: @escaping () -> Void
    ) {
        watches = [SIGTERM, SIGINT].map { number in
            SignalWatch(number, on: loop) { stop(number) }
        }
        // Watched without an access log as well: by default the signal ends a process.
        watches.append(SignalWatch(SIGUSR1, on: loop, action: reopenLog))
        watches.append(SignalWatch(SIGHUP, on: loop, action: reload))
        watches.append(SignalWatch(SIGUSR2, on: loop, action: upgrade))
        // Children that nobody waits for are left to the first process of a container.
        guard getpid() == 1 else { return }
        watches.append(
            SignalWatch(SIGCHLD, on: loop) {
                while waitpid(-1, nil, WNOHANG) > 0 {}
            })
    }
}
