// WorkerControl: starts and drains the workers' threads, reads their reports, and says when all
// have ended.

internal import Configuration
internal import Events
internal import Processes
internal import Proxy
internal import Stats

/// The workers, their access log and their reports. Control thread only.
final class WorkerControl {
    /// The workers themselves.
    let proxy: ProxyWorkers
    /// The log that they write requests to; nil for none.
    let accessLog: AccessLogControl?
    /// How many workers have not ended.
    private(set) var left: Int
    /// Called with each report, except that a worker has ended.
    var onReport: (ProxyReport) -> Void = { _ in }
    /// Called once, when all have ended after a drain.
    var onEnded: () -> Void = {}
    private let loop: EventLoop
    private let reports: Mailbox<ProxyReport>
    /// Reads `reports`; nil before `read`.
    private var reader: MailboxReader<ProxyReport>?
    /// Whether the threads were started.
    private var isStarted = false
    /// Runs from `drain(after:limit:)` until it drains; nil before.
    private var drainTimer: Timer?

    /// Opens the access log and the listeners of `options`, on sockets of `inherited` where one has
    /// the address. Nothing is accepted before `start`.
    ///
    /// - Throws: `StartFailure`.
    init(
        _ configuration: Configuration, _ options: ProxyOptions, _ registry: StatsRegistry,
        inherited: inout InheritedSockets, on loop: EventLoop, log: @escaping () -> Log
    ) throws {
        self.loop = loop
        left = options.workers
        do throws(Errno) {
            reports = try Mailbox()
        } catch {
            throw StartFailure(
                description: "no descriptor left: \(error); raise the limit (ulimit -n)")
        }
        accessLog = try AccessLogControl(configuration, registry, log: log)
        do throws(ListenFailure) {
            proxy = try ProxyWorkers(
                options: options, registry: registry, reports: reports,
                accessLog: accessLog?.accessLog, inherited: { inherited.take($0) })
        } catch {
            throw StartFailure(listeningOn: error.endpoint, error.error)
        }
    }

    /// Reads reports from now on.
    ///
    /// - Throws: `Errno` when no descriptor is left.
    func read() throws(Errno) {
        reader = try MailboxReader(reports, on: loop) { [unowned self] report in
            guard case .finished = report else { return onReport(report) }
            left -= 1
            if left == 0 { onEnded() }
        }
    }

    /// Starts the threads, which accept connections from now on.
    ///
    /// - Throws: `Errno` when the system has no thread to give.
    func start() throws(Errno) {
        try proxy.start()
        isStarted = true
    }

    /// Stops accepting after `delay`. The workers end when everything in flight has ended, after
    /// `limit` at the latest.
    func drain(after delay: Duration, limit: Duration) {
        drainTimer = Timer(on: loop) { [unowned self] in drain(limit: limit) }
        drainTimer?.schedule(after: delay)
    }

    /// Stops accepting now; see `drain(after:limit:)`.
    func drain(limit: Duration) {
        // Workers that were not started have nothing to finish, and would not report.
        guard isStarted else {
            onEnded()
            return
        }
        proxy.drain(limit: limit)
    }
}
