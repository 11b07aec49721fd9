// WorkerControl: the workers' threads on the control thread: they are started, report, drain, and
// stop the loop when all have ended.

internal import Configuration
internal import Events
internal import Processes
internal import Proxy
internal import Stats

/// The workers, with what they write to and what they report by. Control thread only.
final class WorkerControl {
    /// What they do.
    let proxy: ProxyWorkers
    /// What they write to; nil for none.
    let accessLog: AccessLogControl?
    /// How many have not ended.
    private(set) var left: Int
    /// Called with each report, but for those of workers that have ended.
    var onReport: (ProxyReport) -> Void = { _ in }
    private let loop: EventLoop
    private let reports: Mailbox<ProxyReport>
    /// Nil before `read`.
    private var reader: MailboxReader<ProxyReport>?
    /// Whether the threads run, or have run.
    private var isStarted = false
    /// While it waits to drain; nil before that.
    private var drainTimer: Timer?

    /// Opens the listeners that `options` have, on sockets of `inherited` where those have the
    /// address, and the access log; nothing is accepted before `start`.
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
            if left == 0 { loop.stop() }
        }
    }

    /// Starts the threads: connections are accepted from now on.
    ///
    /// - Throws: `Errno` when the system has no thread to give.
    func start() throws(Errno) {
        try proxy.start()
        isStarted = true
    }

    /// Accepts no more from `delay` on; the loop stops when everything in flight has ended, or
    /// had `limit` to do so.
    func drain(after delay: Duration, limit: Duration) {
        drainTimer = Timer(on: loop) { [unowned self] in drain(limit: limit) }
        drainTimer?.schedule(after: delay)
    }

    /// Accepts no more from now on; see `drain(after:limit:)`.
    func drain(limit: Duration) {
        // Workers that have not begun have nothing to finish, and would not say so.
        guard isStarted else {
            loop.stop()
            return
        }
        proxy.drain(limit: limit)
    }
}
