// MetricsText: a snapshot as the page of `/metrics`. It goes family by family over the services,
// not the other way round, as the format wants it (PrometheusText).
//
// With thousands of backends nearly all lines are theirs, so these are put together from bytes that
// were made once: a name, a backend's labels, a number. A line allocates nothing.

internal import Backends
internal import Stats

/// Writes `/metrics`.
package struct MetricsText {
    /// Which metrics are written. Any thread.
    package struct Options: Sendable {
        /// Whether each backend has a histogram: twenty more series.
        package var hasBackendHistograms = false
        /// The most backends that have series, those of the first services; a gauge says how many
        /// have none.
        package var backendsMax = 10_000

        /// The defaults.
        package init() {}
    }

    private typealias Series = PrometheusText.Series

    private var out: PrometheusText
    /// The page.
    package var bytes: [UInt8] { out.bytes }
    /// The metrics as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
    private let snapshot: AdminSnapshot
    private let options: Options

    /// Every metric of `snapshot`.
    package init(
        _ snapshot: AdminSnapshot, format: PrometheusText.Format = .prometheus,
        options: Options = Options()
    ) {
        self.snapshot = snapshot
        out = PrometheusText(format)
        self.options = options
        writeProcess()
        writeListeners()
        writeCertificates()
        writeServices()
        writeDiscovery()
        writeBackends()
        out.end()
    }

    // MARK: - Families

    private mutating func writeProcess() {
        out.one(.buildInfo, 1, [snapshot.version])
        out.one(.uptime, snapshot.uptimeSeconds)
        out.one(.draining, snapshot.isDraining ? 1 : 0)
        out.one(.ready, AdminVerdict(snapshot).isReady ? 1 : 0)
        out.one(.workers, Double(snapshot.workers))
        out.one(.startTime, snapshot.startedAt)
        out.family(.accessLogLines, Self.byKind(snapshot.accessLogLines))
        out.family(.traceSpans, Self.byKind(snapshot.traceSpans))
        if let following = snapshot.following {
            let counts = ["applied": following.applied, "refused": following.refused]
            out.family(.configurations, Self.byKind(counts))
        }
        if let reloads = snapshot.reloads {
            let counts = [
                "applied": reloads.applied, "unchanged": reloads.unchanged,
                "refused": reloads.refused,
            ]
            out.family(.reloads, Self.byKind(counts))
            out.one(.reloadRefused, reloads.refusal == nil ? 0 : 1)
        }
        if let shares = snapshot.rateShares { out.one(.rateShares, Double(shares.count)) }
        out.family(.shortages, snapshot.shortages.map { Series([$0.kind], Double($0.count)) })
        guard let process = snapshot.process else { return }
        out.one(.openDescriptors, Double(process.openDescriptors))
        out.one(.descriptorsMax, Double(process.descriptorsMax))
        out.one(.residentBytes, Double(process.residentBytes))
        out.one(.cpuSeconds, process.cpuSeconds)
    }

    private mutating func writeListeners() {
        write(Metric.listenerCounters, of: snapshot.listeners.map { ($0.name, $0.totals) })
    }

    /// Certificates that have a series of their own.
    private static let certificatesMax = 1000

    private mutating func writeCertificates() {
        if let keys = snapshot.ticketKeys {
            out.one(.ticketKeysFailing, keys.problem == nil ? 0 : 1)
        }
        let certificates = snapshot.certificates
        guard !certificates.inUse.isEmpty || !certificates.refused.isEmpty else { return }
        out.one(.certificates, Double(certificates.inUse.count))
        out.family(
            .certificateEnd,
            certificates.endingFirst(countMax: Self.certificatesMax).map {
                Series([$0.title, $0.place], $0.ends)
            })
        out.one(.certificatesRefused, Double(certificates.refused.count))
        guard !certificates.revocations.isEmpty else { return }
        out.family(.revocationsEnd, certificates.revocations.map { Series([$0.place], $0.ends) })
    }

    /// Each family of counters, over all of `things`.
    private mutating func write<Name>(
        _ families: [CounterFamily<Name>], of things: [(name: String, totals: CounterTotals<Name>)]
    ) {
        for counters in families {
            let series = things.flatMap { thing in
                counters.members.map {
                    Series([thing.name] + $0.values, Double(thing.totals[$0.name]))
                }
            }
            out.family(counters.metric, series)
        }
    }

    private mutating func writeServices() {
        let services = snapshot.services
        write(Metric.serviceCounters, of: services.map { ($0.name, $0.totals.counts) })
        let ofCalls = services.filter { !$0.totals.calls.isEmpty }
        out.family(
            .callStatuses,
            ofCalls.flatMap { service in
                service.totals.calls.occurring.map {
                    Series([service.name, $0.name], Double($0.count))
                }
            })
        out.family(
            .lateCalls, ofCalls.map { Series([$0.name], Double($0.totals.calls.late)) })
        out.writeHead(of: .duration)
        for service in services {
            out.histogram(
                .duration, PrometheusText.labels(.duration, [service.name]),
                service.totals.duration, service.totals.exemplars)
        }
        writeRosters(services)
    }

    private mutating func writeRosters(_ services: [AdminSnapshot.Service]) {
        out.family(
            .backends,
            services.flatMap { service in
                var counts: [BackendState.Phase: Int] = [:]
                for backend in service.backends { counts[backend.state, default: 0] += 1 }
                return Self.shownPhases.map { phase in
                    Series([service.name, phase.rawValue], Double(counts[phase] ?? 0))
                }
            })
        out.family(
            .backendsVerified,
            services.compactMap { service in
                service.verifiesBackends.map { Series([service.name], $0 ? 1 : 0) }
            })
        out.family(.rotation, services.map { Series([$0.name], Double($0.counts.inRotation)) })
        out.family(
            .emergency,
            services.flatMap { service in
                [("serving", false), ("refusing", true)].map { conduct, isRefusing in
                    let isIt = service.emergency?.isRefusing == isRefusing
                    return Series([service.name, conduct], isIt ? 1 : 0)
                }
            })
        out.family(.emergencies, services.map { Series([$0.name], Double($0.emergencies)) })
        out.family(
            .ejectionsRefused, services.map { Series([$0.name], Double($0.ejectionsRefused)) })
        writeDeploys(services)
    }

    private mutating func writeDeploys(_ services: [AdminSnapshot.Service]) {
        let tallies = services.compactMap { service in
            service.deploys.map { (name: service.name, tally: $0) }
        }
        let ended: [(labels: [String], deploys: DeployTally.Ended)] = tallies.flatMap {
            name, tally in
            [([name, "done"], tally.done), ([name, "undone"], tally.undone)]
        }
        out.family(.deploys, ended.map { Series($0.labels, Double($0.deploys.count)) })
        out.family(.deploySeconds, ended.map { Series($0.labels, $0.deploys.seconds) })
        out.family(.deployRunning, tallies.map { Series([$0.name], $0.tally.isUnderWay ? 1 : 0) })
    }

    private mutating func writeDiscovery() {
        let asked = snapshot.services.flatMap { service in
            service.sources.map { (labels: [service.name, $0.summary], source: $0) }
        }
        out.family(
            .goodAnswerAge,
            asked.compactMap { labels, source in
                source.lastGoodAt.map { Series(labels, max(0, snapshot.takenAt - $0)) }
            })
        out.family(
            .goodAnswerInstances, asked.map { Series($0.labels, Double($0.source.lastGoodCount)) })
        out.family(.leftOut, asked.map { Series($0.labels, Double($0.source.leftOutCount)) })
        out.family(
            .discoveryFailing, asked.map { Series($0.labels, $0.source.isFailing ? 1 : 0) })
        out.family(
            .heldBackends,
            snapshot.services.map { service in
                Series([service.name], Double(service.holds.reduce(0) { $0 + $1.backends }))
            })
        out.family(
            .answers,
            asked.flatMap { labels, source in
                source.answers.sorted { $0.key < $1.key }.map {
                    Series(labels + [$0.key], Double($0.value))
                }
            })
        writeRegistries()
        out.family(.containers, Self.byKind(snapshot.containers))
        out.family(.certificateOrders, Self.byKind(snapshot.certificateOrders))
        out.family(.dnsMessages, Self.byKind(snapshot.dnsMessages))
        out.family(.checks, Self.byKind(snapshot.checks))
        out.one(.lateChecks, Double(snapshot.lateChecks))
        out.one(.checkLateness, snapshot.checkLatenessSeconds)
    }

    private mutating func writeRegistries() {
        let registries = snapshot.registries.map {
            (labels: [$0.kind, $0.address], registry: $0)
        }
        out.family(.registryUp, registries.map { Series($0.labels, $0.registry.isWell ? 1 : 0) })
        out.family(
            .registryAnswers,
            registries.flatMap { labels, registry in
                registry.answers.sorted { $0.key < $1.key }.map {
                    Series(labels + [$0.key], Double($0.value))
                }
            })
        out.family(
            .registryMalformed,
            registries.map { Series($0.labels, Double($0.registry.malformed)) })
    }

    private static func byKind(_ counts: [String: Int]) -> [Series] {
        counts.sorted { $0.key < $1.key }.map { Series([$0.key], Double($0.value)) }
    }

    // MARK: - Backends

    /// The states that have series. A backend that is gone is on no roster, so it can't have one.
    private static let shownPhases = BackendState.Phase.allCases.filter { $0 != .gone }

    /// The numbers of a backend's lines: plain ones, since each is read a dozen times.
    private struct Row {
        let state: BackendState.Phase
        let isInRotation: Bool
        let isOnProbation: Bool
        /// 1 if the last check passed, else 0; nil before the first.
        let check: Int?
        let counts: CounterTotals<BackendCounter>

        init(_ backend: AdminSnapshot.Backend) {
            state = backend.state
            isInRotation = backend.isInRotation
            isOnProbation = backend.isOnProbation
            check = backend.check.map { $0.passed ? 1 : 0 }
            counts = backend.totals.counts
        }
    }

    private struct Rows {
        var rows: [Row] = []
        /// `{service="web",backend="10.0.0.1:80"` of each.
        var labels: [[UInt8]] = []
    }

    private mutating func writeBackends() {
        var rows = Rows()
        let count = snapshot.services.reduce(0) { $0 + $1.backends.count }
        for service in snapshot.services {
            let start = Array(
                "{service=\"\(PrometheusText.escaped(service.name))\",backend=\"".utf8)
            for backend in service.backends.prefix(options.backendsMax - rows.rows.count) {
                var labels = start
                labels.reserveCapacity(start.count + 48)
                labels += "\(backend.endpoint)\"".utf8
                rows.rows.append(Row(backend))
                rows.labels.append(labels)
            }
        }
        out.one(.omittedBackends, Double(count - rows.rows.count))
        // Eighteen lines each, which are mostly name and labels.
        out.bytes.reserveCapacity(out.bytes.count + rows.rows.count * 18 * 96)
        writeStates(rows)
        column(.backendInRotation, rows) { $0.isInRotation ? 1 : 0 }
        column(.backendOnProbation, rows) { $0.isOnProbation ? 1 : 0 }
        column(.backendCheckPassed, rows) { $0.check }
        for counters in Metric.backendCounters where !rows.rows.isEmpty {
            out.writeHead(of: counters.metric)
            for (values, name) in counters.members {
                lines(of: counters.metric, values, rows) { $0.counts[name] }
            }
        }
        if options.hasBackendHistograms { writeFirstBytes(rows.labels) }
    }

    private mutating func writeFirstBytes(_ labels: [[UInt8]]) {
        guard !labels.isEmpty else { return }
        out.writeHead(of: .backendFirstByte)
        let backends = snapshot.services.lazy.flatMap(\.backends)
        for (backend, labels) in zip(backends, labels) {
            out.histogram(.backendFirstByte, labels, backend.totals.firstByte)
        }
    }

    private mutating func writeStates(_ rows: Rows) {
        guard !rows.rows.isEmpty else { return }
        out.writeHead(of: .backendState)
        let name = Array(Metric.backendState.name.utf8)
        let ends = Self.shownPhases.map { phase in
            [0, 1].map { Array(",state=\"\(phase.rawValue)\"} \($0)\n".utf8) }
        }
        for index in rows.rows.indices {
            let state = rows.rows[index].state
            for (phase, end) in zip(Self.shownPhases, ends) {
                out.bytes += name
                out.bytes += rows.labels[index]
                out.bytes += end[state == phase ? 1 : 0]
            }
        }
    }

    /// Writes the family's head, and a line for each backend that has a value.
    private mutating func column(_ metric: Metric, _ rows: Rows, _ value: (Row) -> Int?) {
        guard !rows.rows.isEmpty else { return }
        out.writeHead(of: metric)
        lines(of: metric, [], rows, value)
    }

    /// Writes a line for each backend that has a value; `values` are those of more labels.
    private mutating func lines(
        of metric: Metric, _ values: [String], _ rows: Rows, _ value: (Row) -> Int?
    ) {
        let name = Array(metric.name.utf8)
        let more = zip(metric.labels.suffix(values.count), values).map { ",\($0)=\"\($1)\"" }
        let end = Array("\(more.joined())} ".utf8)
        for index in rows.rows.indices {
            guard let value = value(rows.rows[index]) else { continue }
            out.bytes += name
            out.bytes += rows.labels[index]
            out.bytes += end
            out.append(value)
            out.bytes.append(0x0A)
        }
    }
}
