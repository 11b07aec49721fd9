// MetricsText: a snapshot as Prometheus' text format 0.0.4 or as OpenMetrics 1.0. Both want all
// series of a family together, so this goes family by family over the services, not the other way
// round.
//
// With thousands of backends nearly all lines are theirs, so these are put together from bytes that
// were made once: a name, a backend's labels, a number. A line allocates nothing.

internal import Backends
internal import Stats

/// Writes `/metrics`.
package struct MetricsText {
    /// The text format.
    package enum Format: Sendable {
        /// Prometheus' text format, version 0.0.4.
        case prometheus
        /// OpenMetrics, version 1.0.0.
        case openMetrics

        /// The format that a client with this Accept field prefers; Prometheus' own when it does
        /// not say.
        package init(accept: String?) {
            var best = (format: Format.prometheus, weight: 0.0)
            for part in (accept ?? "").split(separator: ",") {
                let words = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
                let weight = words.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
                let format: Format
                switch words.first {
                case "application/openmetrics-text": format = .openMetrics
                case "text/plain", "text/*", "*/*": format = .prometheus
                default: continue
                }
                if weight ?? 1 > best.weight { best = (format, weight ?? 1) }
            }
            self = best.format
        }

        var contentType: StaticString {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

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

    /// The page.
    package private(set) var bytes: [UInt8] = []
    /// The metrics as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
    private let snapshot: AdminSnapshot
    private let format: Format
    private let options: Options

    /// Every metric of `snapshot`.
    package init(
        _ snapshot: AdminSnapshot, format: Format = .prometheus, options: Options = Options()
    ) {
        self.snapshot = snapshot
        self.format = format
        self.options = options
        writeProcess()
        writeListeners()
        writeServices()
        writeDiscovery()
        writeBackends()
        if format == .openMetrics { append("# EOF\n") }
    }

    // MARK: - Families

    private mutating func writeProcess() {
        one(.buildInfo, 1, [snapshot.version])
        one(.uptime, snapshot.uptimeSeconds)
        one(.draining, snapshot.isDraining ? 1 : 0)
        one(.ready, AdminVerdict(snapshot).isReady ? 1 : 0)
        one(.workers, Double(snapshot.workers))
        one(.startTime, snapshot.startedAt)
        family(.accessLogLines, Self.byKind(snapshot.accessLogLines))
        if let following = snapshot.following {
            let counts = ["applied": following.applied, "refused": following.refused]
            family(.configurations, Self.byKind(counts))
        }
        if let reloads = snapshot.reloads {
            let counts = [
                "applied": reloads.applied, "unchanged": reloads.unchanged,
                "refused": reloads.refused,
            ]
            family(.reloads, Self.byKind(counts))
            one(.reloadRefused, reloads.refusal == nil ? 0 : 1)
        }
        family(.shortages, snapshot.shortages.map { Series([$0.kind], Double($0.count)) })
        guard let process = snapshot.process else { return }
        one(.openDescriptors, Double(process.openDescriptors))
        one(.descriptorsMax, Double(process.descriptorsMax))
        one(.residentBytes, Double(process.residentBytes))
        one(.cpuSeconds, process.cpuSeconds)
    }

    private mutating func writeListeners() {
        write(Metric.listenerCounters, of: snapshot.listeners.map { ($0.name, $0.totals) })
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
            family(counters.metric, series)
        }
    }

    private mutating func writeServices() {
        let services = snapshot.services
        write(Metric.serviceCounters, of: services.map { ($0.name, $0.totals.counts) })
        writeHead(of: .duration)
        for service in services {
            histogram(.duration, Self.labels(.duration, [service.name]), service.totals.duration)
        }
        writeRosters(services)
    }

    private mutating func writeRosters(_ services: [AdminSnapshot.Service]) {
        family(
            .backends,
            services.flatMap { service in
                var counts: [BackendState.Phase: Int] = [:]
                for backend in service.backends { counts[backend.state, default: 0] += 1 }
                return Self.shownPhases.map { phase in
                    Series([service.name, phase.rawValue], Double(counts[phase] ?? 0))
                }
            })
        family(.rotation, services.map { Series([$0.name], Double($0.counts.inRotation)) })
        family(
            .emergency,
            services.flatMap { service in
                [("serving", false), ("refusing", true)].map { conduct, isRefusing in
                    let isIt = service.emergency?.isRefusing == isRefusing
                    return Series([service.name, conduct], isIt ? 1 : 0)
                }
            })
        family(.emergencies, services.map { Series([$0.name], Double($0.emergencies)) })
        family(.ejectionsRefused, services.map { Series([$0.name], Double($0.ejectionsRefused)) })
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
        family(.deploys, ended.map { Series($0.labels, Double($0.deploys.count)) })
        family(.deploySeconds, ended.map { Series($0.labels, $0.deploys.seconds) })
        family(.deployRunning, tallies.map { Series([$0.name], $0.tally.isUnderWay ? 1 : 0) })
    }

    private mutating func writeDiscovery() {
        let asked = snapshot.services.flatMap { service in
            service.sources.map { (labels: [service.name, $0.summary], source: $0) }
        }
        family(
            .goodAnswerAge,
            asked.compactMap { labels, source in
                source.lastGoodAt.map { Series(labels, max(0, snapshot.takenAt - $0)) }
            })
        family(
            .goodAnswerInstances, asked.map { Series($0.labels, Double($0.source.lastGoodCount)) })
        family(.leftOut, asked.map { Series($0.labels, Double($0.source.leftOutCount)) })
        family(
            .discoveryFailing, asked.map { Series($0.labels, $0.source.isFailing ? 1 : 0) })
        family(
            .heldBackends,
            snapshot.services.map { service in
                Series([service.name], Double(service.holds.reduce(0) { $0 + $1.backends }))
            })
        family(
            .answers,
            asked.flatMap { labels, source in
                source.answers.sorted { $0.key < $1.key }.map {
                    Series(labels + [$0.key], Double($0.value))
                }
            })
        writeRegistries()
        family(.containers, Self.byKind(snapshot.containers))
        family(.dnsMessages, Self.byKind(snapshot.dnsMessages))
        family(.checks, Self.byKind(snapshot.checks))
        one(.lateChecks, Double(snapshot.lateChecks))
        one(.checkLateness, snapshot.checkLatenessSeconds)
    }

    private mutating func writeRegistries() {
        let registries = snapshot.registries.map {
            (labels: [$0.kind, $0.address], registry: $0)
        }
        family(.registryUp, registries.map { Series($0.labels, $0.registry.isWell ? 1 : 0) })
        family(
            .registryAnswers,
            registries.flatMap { labels, registry in
                registry.answers.sorted { $0.key < $1.key }.map {
                    Series(labels + [$0.key], Double($0.value))
                }
            })
        family(
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
            let start = Array("{service=\"\(Self.escaped(service.name))\",backend=\"".utf8)
            for backend in service.backends.prefix(options.backendsMax - rows.rows.count) {
                var labels = start
                labels.reserveCapacity(start.count + 48)
                labels += "\(backend.endpoint)\"".utf8
                rows.rows.append(Row(backend))
                rows.labels.append(labels)
            }
        }
        one(.omittedBackends, Double(count - rows.rows.count))
        // Eighteen lines each, which are mostly name and labels.
        bytes.reserveCapacity(bytes.count + rows.rows.count * 18 * 96)
        writeStates(rows)
        column(.backendInRotation, rows) { $0.isInRotation ? 1 : 0 }
        column(.backendOnProbation, rows) { $0.isOnProbation ? 1 : 0 }
        column(.backendCheckPassed, rows) { $0.check }
        for counters in Metric.backendCounters where !rows.rows.isEmpty {
            writeHead(of: counters.metric)
            for (values, name) in counters.members {
                lines(of: counters.metric, values, rows) { $0.counts[name] }
            }
        }
        if options.hasBackendHistograms { writeFirstBytes(rows.labels) }
    }

    private mutating func writeFirstBytes(_ labels: [[UInt8]]) {
        guard !labels.isEmpty else { return }
        writeHead(of: .backendFirstByte)
        let backends = snapshot.services.lazy.flatMap(\.backends)
        for (backend, labels) in zip(backends, labels) {
            histogram(.backendFirstByte, labels, backend.totals.firstByte)
        }
    }

    private mutating func writeStates(_ rows: Rows) {
        guard !rows.rows.isEmpty else { return }
        writeHead(of: .backendState)
        let name = Array(Metric.backendState.name.utf8)
        let ends = Self.shownPhases.map { phase in
            [0, 1].map { Array(",state=\"\(phase.rawValue)\"} \($0)\n".utf8) }
        }
        for index in rows.rows.indices {
            let state = rows.rows[index].state
            for (phase, end) in zip(Self.shownPhases, ends) {
                bytes += name
                bytes += rows.labels[index]
                bytes += end[state == phase ? 1 : 0]
            }
        }
    }

    /// Writes the family's head, and a line for each backend that has a value.
    private mutating func column(_ metric: Metric, _ rows: Rows, _ value: (Row) -> Int?) {
        guard !rows.rows.isEmpty else { return }
        writeHead(of: metric)
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
            bytes += name
            bytes += rows.labels[index]
            bytes += end
            append(value)
            bytes.append(0x0A)
        }
    }

    // MARK: - The format

    /// One line: the values of the family's labels, and the number.
    private struct Series {
        let labels: [String]
        let value: Double

        init(_ labels: [String], _ value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    private mutating func one(_ metric: Metric, _ value: Double, _ labels: [String] = []) {
        family(metric, [Series(labels, value)])
    }

    private mutating func family(_ metric: Metric, _ series: [Series]) {
        guard !series.isEmpty else { return }
        writeHead(of: metric)
        for series in series {
            append(metric.name)
            if !metric.labels.isEmpty {
                bytes += Self.labels(metric, series.labels)
                append("}")
            }
            append(" ")
            append(Self.number(series.value))
            append("\n")
        }
    }

    /// Writes a histogram whose labels, without the closing brace, are `labels`.
    private mutating func histogram(
        _ metric: Metric, _ labels: [UInt8], _ totals: HistogramTotals
    ) {
        let bucket = Array("\(metric.name)_bucket".utf8)
        var sum = 0
        for (index, count) in totals.counts.enumerated() {
            sum += count
            bytes += bucket
            bytes += labels
            bytes += bounds[index]
            append(sum)
            bytes.append(0x0A)
        }
        for (suffix, value) in [
            ("_sum", Self.number(Double(totals.sumMicroseconds) / 1_000_000)),
            ("_count", "\(sum)"),
        ] {
            append(metric.name)
            append(suffix)
            bytes += labels
            append("} ")
            append(value)
            append("\n")
        }
    }

    /// `,le="0.001"} ` for each bucket. OpenMetrics wants floats that look like floats.
    private var bounds: [[UInt8]] { format == .prometheus ? Self.plainBounds : Self.floatBounds }
    private static let plainBounds = bounds { number($0) }
    private static let floatBounds = bounds { "\($0)" }

    private static func bounds(_ text: (Double) -> String) -> [[UInt8]] {
        Histogram.boundsMicroseconds.map { ",le=\"\(text(Double($0) / 1_000_000))\"} " }
            .map { Array($0.utf8) } + [Array(",le=\"+Inf\"} ".utf8)]
    }

    private mutating func writeHead(of metric: Metric) {
        var name = metric.name
        var kind = metric.kind.rawValue
        if format == .openMetrics {
            // In OpenMetrics a family has the name of its series without their suffix.
            if metric.kind == .counter { name.removeLast("_total".count) }
            if name.hasSuffix("_info") {
                name.removeLast("_info".count)
                kind = "info"
            }
        }
        append("# HELP \(name) \(metric.help)\n# TYPE \(name) \(kind)\n")
        guard format == .openMetrics else { return }
        for unit in ["seconds", "bytes"] where name.hasSuffix("_\(unit)") {
            append("# UNIT \(name) \(unit)\n")
        }
    }

    /// `{service="web"`, still open.
    private static func labels(_ metric: Metric, _ values: [String]) -> [UInt8] {
        precondition(metric.labels.count == values.count, "\(metric.name): a value for each label")
        let pairs = zip(metric.labels, values).map { "\($0)=\"\(escaped($1))\"" }
        return Array("{\(pairs.joined(separator: ","))".utf8)
    }

    private mutating func append(_ text: String) { bytes += text.utf8 }

    /// Appends digits without making a String.
    private mutating func append(_ number: Int) {
        if number < 0 { bytes.append(0x2D) }
        var rest = number.magnitude
        let start = bytes.count
        repeat {
            bytes.append(0x30 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        if bytes.count - start > 1 { bytes[start...].reverse() }
    }

    /// A label's value, in which backslash, quote and line feed are escaped.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A number as text; whole numbers without a fraction, and never in exponent form while they
    /// are exact.
    private static func number(_ value: Double) -> String {
        if value.rounded() == value, abs(value) < 9e15 { return "\(Int(value))" }
        return "\(value)"
    }
}
