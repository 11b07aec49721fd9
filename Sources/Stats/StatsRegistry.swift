// StatsRegistry: where workers get their counter blocks and the control thread reads them.

internal import Locking

/// Every counter of the process. Sendable; the lock is taken when a block is made, removed or read,
/// never while counting.
package final class StatsRegistry: Sendable {
    private let workerCount: Int
    private let listeners: [[ListenerCounters]]
    private let services: [[ServiceCounters]]
    private let accessLogs: [AccessLogCounters]
    /// By the backend's number, then by worker.
    private let backends = Locked<[UInt32: [BackendCounters]]>([:])

    /// Blocks for so many workers (at least 1), listeners and services, numbered from 0.
    package init(workers: Int, listeners: Int, services: Int) {
        workerCount = workers
        self.listeners = (0..<listeners).map { _ in (0..<workers).map { _ in ListenerCounters() } }
        accessLogs = (0..<workers).map { _ in AccessLogCounters() }
        self.services = (0..<services).map { _ in (0..<workers).map { _ in ServiceCounters() } }
    }

    /// The block in which `worker` counts for a listener. Any thread.
    package func listener(_ index: Int, worker: Int) -> ListenerCounters {
        listeners[index][worker]
    }

    /// The block in which `worker` counts for a service. Any thread.
    package func service(_ index: Int, worker: Int) -> ServiceCounters { services[index][worker] }

    /// The block in which `worker` counts for the backend of that number, made at the first call.
    /// Any thread.
    package func backend(_ number: UInt32, worker: Int) -> BackendCounters {
        backends.withLock { backends in
            if let blocks = backends[number] { return blocks[worker] }
            let blocks = (0..<workerCount).map { _ in BackendCounters() }
            backends[number] = blocks
            return blocks[worker]
        }
    }

    /// Forgets a backend that is gone, so that its series end with it. Any thread.
    package func removeBackend(_ number: UInt32) {
        backends.withLock { _ = $0.removeValue(forKey: number) }
    }

    /// The block in which `worker` counts its access log's lines. Any thread.
    package func accessLog(worker: Int) -> AccessLogCounters { accessLogs[worker] }

    /// Lines of the access log over all workers. Any thread.
    package var accessLogTotals: (lines: Int, dropped: Int) {
        accessLogs.reduce(into: (0, 0)) { totals, counters in
            totals.0 += counters.lines.current
            totals.1 += counters.dropped.current
        }
    }

    /// A listener's counters over all workers. Any thread.
    package func listenerTotals(_ index: Int) -> ListenerTotals {
        listeners[index].reduce(into: ListenerTotals()) { $0.add($1) }
    }

    /// A service's counters over all workers. Any thread.
    package func serviceTotals(_ index: Int) -> ServiceTotals {
        services[index].reduce(into: ServiceTotals()) { $0.add($1) }
    }

    /// A backend's counters over all workers; zeros for one that no worker has used. Any thread.
    package func backendTotals(_ number: UInt32) -> BackendTotals {
        let blocks = backends.withLock { $0[number] ?? [] }
        return blocks.reduce(into: BackendTotals()) { $0.add($1) }
    }
}
