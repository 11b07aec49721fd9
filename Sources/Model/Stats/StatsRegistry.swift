// StatsRegistry: where workers get their counter blocks and the control thread reads them.

internal import Locking

/// Every counter of the process. Sendable; the lock is taken when a block is made, removed or read,
/// never while counting.
package final class StatsRegistry: Sendable {
    private let workerCount: Int
    /// By the listener's number, then by worker.
    private let listeners: Locked<[Int: [ListenerCounters]]>
    private let accessLogs: [AccessLogCounters]
    private let traces: [TraceCounters]
    /// By the service's number, then by worker.
    private let services: Locked<[Int: [ServiceCounters]]>
    /// By the backend's number, then by worker.
    private let backends = Locked<[UInt32: [BackendCounters]]>([:])

    /// Blocks for so many workers (at least 1), listeners and services, numbered from 0; more come
    /// by `addListener` and `addService`.
    package init(workers: Int, listeners: Int, services: Int) {
        workerCount = workers
        self.listeners = Locked([:])
        accessLogs = (0..<workers).map { _ in AccessLogCounters() }
        traces = (0..<workers).map { _ in TraceCounters() }
        self.services = Locked([:])
        for number in 0..<listeners { addListener(number) }
        for number in 0..<services { addService(number) }
    }

    /// Makes the blocks of a listener, under a number that was never used before. One that is in
    /// the place of the listener `old` goes on where that one is: what clients of both do is
    /// counted in the same blocks. Any thread, before a worker is told of the listener.
    package func addListener(_ number: Int, continuing old: Int? = nil) {
        listeners.withLock { listeners in
            let blocks =
                old.flatMap { listeners[$0] } ?? (0..<workerCount).map { _ in ListenerCounters() }
            let before = listeners.updateValue(blocks, forKey: number)
            precondition(before == nil, "a listener's number is used once")
        }
    }

    /// Forgets a listener whose last connection is closed, so that its series end with it. Any
    /// thread.
    package func removeListener(_ number: Int) {
        listeners.withLock { _ = $0.removeValue(forKey: number) }
    }

    /// The block in which `worker` counts for a listener. For one that is gone, which a worker may
    /// hear of late, one that nobody reads. Any thread.
    package func listener(_ number: Int, worker: Int) -> ListenerCounters {
        listeners.withLock { $0[number]?[worker] } ?? ListenerCounters()
    }

    /// Makes the blocks of a service, under a number that was never used before. Any thread, before
    /// a worker is told of the service.
    package func addService(_ number: Int) {
        let blocks = (0..<workerCount).map { _ in ServiceCounters() }
        let old = services.withLock { $0.updateValue(blocks, forKey: number) }
        precondition(old == nil, "a service's number is used once")
    }

    /// Forgets a service that is gone, so that its series end with it. Workers may still count in
    /// the blocks that they have. Any thread.
    package func removeService(_ number: Int) {
        services.withLock { _ = $0.removeValue(forKey: number) }
    }

    /// The block in which `worker` counts for the service of that number. For a service that is
    /// gone, which a worker may hear of late, one that nobody reads. Any thread.
    package func service(_ number: Int, worker: Int) -> ServiceCounters {
        services.withLock { $0[number]?[worker] } ?? ServiceCounters()
    }

    /// Makes the blocks of a backend, under a number that was never used before. Any thread, before
    /// a worker is told of the backend.
    package func addBackend(_ number: UInt32) {
        let blocks = (0..<workerCount).map { _ in BackendCounters() }
        let old = backends.withLock { $0.updateValue(blocks, forKey: number) }
        precondition(old == nil, "a backend's number is used once")
    }

    /// The block in which `worker` counts for the backend of that number. For a backend that is
    /// gone, which a worker may hear of late, one that nobody reads. Any thread.
    package func backend(_ number: UInt32, worker: Int) -> BackendCounters {
        backends.withLock { $0[number]?[worker] } ?? BackendCounters()
    }

    /// Forgets a backend that is gone, so that its series end with it. Workers may still count in
    /// the blocks that they have. Any thread.
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

    /// The block in which `worker` counts its spans. Any thread.
    package func traces(worker: Int) -> TraceCounters { traces[worker] }

    /// Spans over all workers. Any thread.
    package var traceTotals: (spans: Int, dropped: Int) {
        traces.reduce(into: (0, 0)) { totals, counters in
            totals.0 += counters.spans.current
            totals.1 += counters.dropped.current
        }
    }

    /// A listener's counters over all workers; zeros for one that is not known, or gone. Any
    /// thread.
    package func listenerTotals(_ number: Int) -> ListenerTotals {
        let blocks = listeners.withLock { $0[number] ?? [] }
        return blocks.reduce(into: ListenerTotals()) { $0.add($1.counts) }
    }

    /// A service's counters over all workers; zeros for one that is not known, or gone. Any thread.
    package func serviceTotals(_ number: Int) -> ServiceTotals {
        let blocks = services.withLock { $0[number] ?? [] }
        return blocks.reduce(into: ServiceTotals()) { $0.add($1) }
    }

    /// What came of a service's requests, over all workers; zeros for one that is not known, or
    /// gone. Any thread.
    package func trafficFigures(_ number: Int) -> TrafficFigures {
        let blocks = services.withLock { $0[number] ?? [] }
        return blocks.reduce(into: TrafficFigures()) { $0.add($1) }
    }

    /// What live requests on a backend came to, over all workers; zeros for one that is not known,
    /// or gone. Any thread.
    package func liveFigures(_ number: UInt32) -> LiveFigures {
        let blocks = backends.withLock { $0[number] ?? [] }
        return blocks.reduce(into: LiveFigures()) { $0.add($1) }
    }

    /// A backend's counters over all workers; zeros for one that is not known, or gone. Without
    /// `hasTimes` its histogram, which is most of the work, is left at zeros. Any thread.
    package func backendTotals(_ number: UInt32, hasTimes: Bool = true) -> BackendTotals {
        let blocks = backends.withLock { $0[number] ?? [] }
        return blocks.reduce(into: BackendTotals()) { $0.add($1, hasTimes: hasTimes) }
    }
}
