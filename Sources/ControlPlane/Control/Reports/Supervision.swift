// Supervision: what a service manager is told, so that it restarts what hangs and shows how things
// are.

internal import Admin
internal import Events
internal import Glibc
internal import Processes

/// Reports to the service manager. Control thread only; without one it does nothing.
final class Supervision {
    private let manager: ServiceManager?
    private let loop: EventLoop
    /// The workers that have turned since the manager was told last.
    private var workersAlive: Set<Int> = []
    private var watchdogTimer: Timer?
    /// Whether something may have changed, and what was told last.
    private var isStatusDue = true
    private var lastStatus = ""
    /// Whether connections are accepted.
    private(set) var isServing = false

    /// Nothing told yet.
    init(_ manager: ServiceManager?, on loop: EventLoop) {
        self.manager = manager
        self.loop = loop
    }

    /// Connections are accepted from now on.
    ///
    /// - Parameters:
    ///   - workersLeft: how many workers have not ended.
    ///   - ping: asks each of these for a `workerTurned`.
    func serve(workersLeft: @escaping () -> Int, ping: @escaping () -> Void) {
        isServing = true
        manager?.notify(.ready(process: getpid()))
        guard let limit = manager?.watchdogLimit else { return }
        // Twice within the limit, so that one that comes late is in time.
        let interval = limit / 2
        watchdogTimer = Timer(on: loop) { [unowned self] in
            watchdogTimer?.schedule(after: interval)
            // Each worker has to have turned since the last time, not this thread alone.
            guard workersAlive.count >= workersLeft() else { return }
            workersAlive = []
            manager?.notify(.alive)
            ping()
        }
        ping()
        watchdogTimer?.schedule(after: interval)
    }

    /// A worker has turned.
    func workerTurned(_ worker: Int) { workersAlive.insert(worker) }

    /// Something may have changed that the status tells.
    func statusMayDiffer() { isStatusDue = true }

    /// Tells the manager how things are, if that is different than it was.
    /// Called every second; asks for the verdict only after a change, and while something is wrong.
    func reportStatus(isAdminAwaited: Bool, _ verdict: () -> AdminVerdict) {
        guard isStatusDue, isServing, let manager else { return }
        let verdict = verdict()
        // What is wrong is told with its age.
        isStatusDue = verdict.level != .good
        var parts = [verdict.sentence] + verdict.problems.map(\.text)
        if isAdminAwaited {
            parts.append("The admin port waits until another process leaves it.")
        }
        let line = parts.joined(separator: " ")
        guard line != lastStatus else { return }
        lastStatus = line
        manager.notify(.status(line))
    }

    /// Reads the configuration again by `reload`, and tells the manager, whatever asked for it.
    func reportReload<Outcome>(_ reload: () -> Outcome) -> Outcome {
        // Before the first connection it does not expect to hear that this process is ready.
        guard isServing else { return reload() }
        manager?.notify(.reloading)
        defer { manager?.notify(.ready(process: getpid())) }
        return reload()
    }

    /// The process finishes what is under way, and ends.
    func stop() { manager?.notify(.stopping) }
}
