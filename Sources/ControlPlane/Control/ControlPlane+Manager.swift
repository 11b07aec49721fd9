// ControlPlane+Manager: what a service manager is told, and what the first process of a container
// does in the place of one.

internal import Admin
internal import Events
internal import Glibc
internal import Handover
internal import Proxy

extension ControlPlane {
    /// Connections are accepted from now on.
    func served() {
        isServing = true
        releaseMemorySoon()
        processStart.manager?.tell(.ready(process: getpid()))
        guard let limit = processStart.manager?.watchdogLimit else { return }
        // Twice within the limit, so that one that comes late is in time.
        let interval = limit / 2
        watchdogTimer = Timer(on: loop) { [unowned self] in
            watchdogTimer?.schedule(after: interval)
            // Each worker has to have turned since the last time, not this thread alone.
            guard workersAlive.count >= workersLeft else { return }
            workersAlive = []
            processStart.manager?.tell(.alive)
            workers.ping()
        }
        workers.ping()
        watchdogTimer?.schedule(after: interval)
    }

    /// Tells the service manager, for whoever asks it, how things are, if that is different than it
    /// was. Called every second; looks only after a change, and while something is wrong.
    func tellStatus() {
        guard isStatusDue, isServing, let manager = processStart.manager else { return }
        let verdict = AdminVerdict(snapshot(.verdict))
        // What is wrong is told with its age.
        isStatusDue = verdict.level != .good
        var parts = [verdict.sentence] + verdict.problems.map(\.text)
        if adminTimer != nil {
            parts.append("The admin port waits until another process leaves it.")
        }
        let line = parts.joined(separator: " ")
        guard line != statusTold else { return }
        statusTold = line
        manager.tell(.status(line))
    }

    /// Reads the configuration again by `reload`, which the service manager hears of, whoever asked
    /// for it.
    func tellingManager<Outcome>(_ reload: () -> Outcome) -> Outcome {
        // Before the first connection it does not expect to hear that this process is ready.
        guard isServing else { return reload() }
        processStart.manager?.tell(.reloading)
        defer { processStart.manager?.tell(.ready(process: getpid())) }
        return reload()
    }

    /// Children that nobody waits for are left to the first process of a container, which is this
    /// one then: they are released.
    func reapOrphans() {
        guard getpid() == 1 else { return }
        signals.append(
            SignalWatch(SIGCHLD, on: loop) {
                while waitpid(-1, nil, WNOHANG) > 0 {}
            })
    }
}
