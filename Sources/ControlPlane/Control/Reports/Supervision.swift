// Supervision: reports to the service manager, which restarts a process that hangs and shows its
// status.

internal import Admin
internal import Events
internal import Glibc
internal import Processes
internal import Proxy

/// Reports to the service manager. Control thread only. Does nothing without a service manager.
final class Supervision {
    private let manager: ServiceManager?
    private let loop: EventLoop
    /// The workers whose loop has turned since the last report to the watchdog.
    private var workersAlive: Set<Int> = []
    private var watchdogTimer: Timer?
    /// Whether the status may differ from the last one reported.
    private var isStatusDue = true
    private var lastStatus = ""
    /// Whether connections are accepted.
    private(set) var isServing = false

    /// Reports nothing yet.
    init(_ manager: ServiceManager?, on loop: EventLoop) {
        self.manager = manager
        self.loop = loop
    }

    /// Reports that connections are accepted from now on, and feeds the watchdog.
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
            // Every worker's loop must have turned since the last time, not only this thread's.
            guard workersAlive.count >= workersLeft() else { return }
            workersAlive = []
            manager?.notify(.alive)
            ping()
        }
        ping()
        watchdogTimer?.schedule(after: interval)
    }

    /// Reports that these workers accept connections from now on, and feeds the watchdog.
    func serve(_ workers: WorkerControl) {
        serve(workersLeft: { workers.left }, ping: { workers.proxy.ping() })
    }

    /// A worker's loop has turned.
    func workerTurned(_ worker: Int) { workersAlive.insert(worker) }

    /// The status may have changed.
    func statusMayDiffer() { isStatusDue = true }

    /// Reports the status if it has changed. Call it every second; it asks for the verdict only
    /// after a change and while something is wrong.
    func reportStatus(isAdminAwaited: Bool, _ verdict: () -> AdminVerdict) {
        guard isStatusDue, isServing, let manager else { return }
        let verdict = verdict()
        // Problems are reported with their age, so they change every second.
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

    /// Runs `reload`, and reports to the manager when it begins and ends, whatever asked for it.
    func reportReload<Outcome>(_ reload: () -> Outcome) -> Outcome {
        // Before the first connection the manager does not expect a report of readiness.
        guard isServing else { return reload() }
        manager?.notify(.reloading)
        defer { manager?.notify(.ready(process: getpid())) }
        return reload()
    }

    /// Reports that the process is stopping.
    func stop() { manager?.notify(.stopping) }
}
