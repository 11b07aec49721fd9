// ProcessSignals: what each signal makes this process do.
//
// | signal          | action                                            |
// |-----------------|---------------------------------------------------|
// | SIGTERM, SIGINT | drain and stop; the second one ends the process   |
// | SIGHUP          | reload the configuration                          |
// | SIGUSR1         | reopen the access log                             |
// | SIGUSR2         | start a process that takes over from this one     |
// | SIGCHLD         | as process 1: release children that have ended    |

internal import Events
internal import Glibc

/// Watches signals as long as it lives. Control thread only.
struct ProcessSignals {
    private var watches: [SignalWatch] = []

    /// Watches from now on. A closure is called at each signal; `stop` gets its number.
    init(
        on loop: EventLoop, stop: @escaping (Int32) -> Void, reload: @escaping () -> Void,
        reopenLog: @escaping () -> Void, upgrade: @escaping () -> Void
    ) {
        watches = [SIGTERM, SIGINT].map { number in
            SignalWatch(number, on: loop) { stop(number) }
        }
        // Watched even without an access log, since the signal ends a process by default.
        watches.append(SignalWatch(SIGUSR1, on: loop, action: reopenLog))
        watches.append(SignalWatch(SIGHUP, on: loop, action: reload))
        watches.append(SignalWatch(SIGUSR2, on: loop, action: upgrade))
        // Orphans become children of a container's first process.
        guard getpid() == 1 else { return }
        watches.append(
            SignalWatch(SIGCHLD, on: loop) {
                while waitpid(-1, nil, WNOHANG) > 0 {}
            })
    }
}
