// ReadinessReports: tells the workers whether the process is ready, for routes that respond with
// it. The admin port's verdict decides, so that a load balancer in front hears the same at each
// address. Where no route asks, it costs nothing.

internal import Admin
internal import Configuration
internal import Proxy
internal import Routing

/// Mails the workers what routes respond. Control thread only.
final class ReadinessReports {
    private let snapshots: AdminSnapshots
    private let workers: ProxyWorkers
    /// Whether a route asks.
    private var isAsked = false
    /// What the workers were told last.
    private var told = false
    /// No look before this time: a verdict with thousands of backends takes its time.
    private var restsUntil = ContinuousClock.now
    /// Whether the process stops, or another one serves in its place.
    private var isOver = false

    /// Tells nothing yet; workers begin with not being ready.
    init(_ snapshots: AdminSnapshots, _ workers: ProxyWorkers) {
        self.snapshots = snapshots
        self.workers = workers
    }

    /// Call it before workers get routes of `listeners`.
    func listenersChange(to listeners: [Listener]) {
        isAsked = listeners.contains { $0.routes.contains { $0.respond.health == .ready } }
        restsUntil = .now
        look()
    }

    /// Tells the workers if the state of the process has changed. Call it after changes of services
    /// and every second. It rests for twenty times as long as it took.
    func look() {
        let start = ContinuousClock.now
        guard isAsked, !isOver, start >= restsUntil else { return }
        tell(AdminVerdict(snapshots.snapshot(.verdict)).isReady)
        let end = ContinuousClock.now
        restsUntil = end + start.duration(to: end) * 20
    }

    /// The process stops: from now on it is not ready, at any port.
    func processStops() {
        isOver = true
        snapshots.isStopping = true
        tell(false)
    }

    /// Another process serves at the same addresses: what was told stays, and the admin port says
    /// of the services what it said, since a load balancer takes an answer from either for one
    /// about both.
    func processYields() { isOver = true }

    private func tell(_ isReady: Bool) {
        guard isReady != told else { return }
        told = isReady
        workers.setReady(isReady)
    }
}
