// TraceExporter: sends the workers' spans to a collector, by OTLP over HTTP as JSON. A collector
// that is away costs requests nothing: spans wait in the buffers that there are, are sent again a
// few times, and then dropped and counted.

internal import Configuration
internal import DNSClient
internal import Events
internal import HTTPClient
internal import Proxy
internal import Stats
internal import Traces

/// Sends spans. Control thread only.
final class TraceExporter {
    /// What became of spans that were handed over.
    struct Counts {
        var sent = 0
        /// The collector did not want them.
        var rejected = 0
        /// No attempt to send them was successful.
        var failed = 0
    }

    private(set) var counts = Counts()
    private let client: HTTPClient
    private let hosts: HostResolver
    private let loop: EventLoop
    private let registry: StatsRegistry
    private let workers: Int
    private let log: () -> Log
    /// Where and how spans are sent; nil while they are not.
    private var connection: CollectorConnection?
    /// What `follow` was told last.
    private var settings: TraceSettings?
    /// Where workers put spans; nil until they are sent for the first time.
    private var spool: SpanSpool?
    private var reader: MailboxReader<SpanSpool.Batch>?
    /// Batches that wait.
    private var waiting: [SpanSpool.Batch] = []
    /// Batches that are being sent, or wait to be sent again.
    private var sending: [SpanSpool.Batch] = []
    private var pause = TracePause()
    /// Whether the last attempt failed, which was logged.
    private var isFailing = false
    private var retrying: Timer?

    /// The most bytes of spans in one request.
    private static let bytesMax = 1 << 20
    /// How long the last spans may take to be sent when the process ends.
    private static let stopLimit = Duration.seconds(2)

    /// Sends nothing before `follow`. Finds hosts by `hosts`.
    init(
        _ hosts: HostResolver, _ registry: StatsRegistry, workers: Int, on loop: EventLoop,
        log: @escaping () -> Log
    ) {
        client = HTTPClient(on: loop)
        self.hosts = hosts
        self.loop = loop
        self.registry = registry
        self.workers = workers
        self.log = log
        retrying = Timer(on: loop) { [unowned self] in post() }
    }

    /// Sends as `settings` say from now on. Returns how workers trace; nil for not at all.
    func follow(_ settings: TraceSettings) -> TraceOptions? {
        defer { self.settings = settings }
        switch settings.to {
        case .off: return nil
        case .log: return TraceOptions(settings.policy, spool: nil)
        case .collector(let url):
            if self.settings.map(settings.isSent) != true {
                connection = CollectorConnection(url, settings, client, hosts)
                isFailing = false
            }
            return TraceOptions(settings.policy, spool: makeSpool())
        }
    }

    /// Nil, which is logged, when the process has no descriptor left.
    private func makeSpool() -> SpanSpool? {
        if let spool { return spool }
        do throws(Errno) {
            let made = try SpanSpool(workers: workers)
            reader = try MailboxReader(made.mailbox, on: loop) { [unowned self] batch in
                waiting.append(batch)
                sendNext()
            }
            spool = made
        } catch {
            logFailing("\(error)")
        }
        return spool
    }

    /// Spans by what became of them; empty while there never were any.
    var spans: [String: Int] {
        guard spool != nil else { return [:] }
        return [
            "sent": counts.sent, "rejected": counts.rejected, "failed": counts.failed,
            "dropped": registry.traceTotals.dropped,
        ]
    }

    // MARK: - Sending

    private func sendNext() {
        guard sending.isEmpty, !waiting.isEmpty else { return }
        var bytes = 0
        let count = waiting.prefix { batch in
            bytes += batch.text.count
            return bytes <= Self.bytesMax
        }.count
        sending = Array(waiting.prefix(max(1, count)))
        waiting.removeFirst(sending.count)
        pause = TracePause()
        post()
    }

    private func post() {
        guard let connection, !sending.isEmpty else { return }
        connection.send(sending.map(\.text)) { [weak self] answer in self?.handle(answer) }
    }

    private func handle(_ answer: TraceAnswer) {
        let total = sending.reduce(0) { $0 + $1.count }
        switch answer {
        case .taken(let rejected, let reason):
            counts.sent += max(0, total - rejected)
            counts.rejected += min(rejected, total)
            if rejected > 0 {
                logFailing("it has rejected \(rejected) of \(total) spans: \(reason)")
            } else if isFailing {
                isFailing = false
                log().write(.info, "traces.sent", ["to": target])
            }
        case .again(let reason, let after):
            logFailing(reason)
            if let time = pause.next(after: after) {
                retrying?.schedule(after: time)
                return
            }
            counts.failed += total
        case .refused(let reason):
            logFailing(reason)
            counts.rejected += total
        }
        for batch in sending { spool?.giveBack(batch) }
        sending = []
        sendNext()
    }

    private var target: String { settings.map { "\($0.to)" } ?? "" }

    /// Logs why spans are not taken: once, until they are.
    private func logFailing(_ cause: String) {
        guard !isFailing else { return }
        isFailing = true
        log().write(
            .warning, "traces.failing",
            [
                "to": target, "cause": cause,
                "effect": "spans are sent again a few times, then dropped; requests go on",
            ])
    }

    // MARK: - The end

    /// Sends what the workers have left, which have ended, as far as it can be sent soon.
    func stop() {
        guard reader != nil else { return }
        var isLate = false
        let limit = Timer(on: loop) { isLate = true }
        limit.schedule(after: Self.stopLimit)
        loop.runOnce()
        while !isLate, !sending.isEmpty || !waiting.isEmpty, !isFailing {
            loop.runOnce(waiting: true)
        }
        limit.cancel()
        reader?.close()
        reader = nil
    }
}
