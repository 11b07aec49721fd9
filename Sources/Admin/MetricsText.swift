// MetricsText: a snapshot in the Prometheus text format, version 0.0.4. The format wants all series
// of a family together, so this goes family by family over the services, not the other way round.

internal import Backends
internal import Stats

/// Writes `/metrics`.
package struct MetricsText {
    static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    /// The page.
    package private(set) var text = ""
    private let snapshot: AdminSnapshot

    /// Every metric of `snapshot`.
    package init(_ snapshot: AdminSnapshot) {
        self.snapshot = snapshot
        writeProcess()
        writeListeners()
        writeServices()
        writeDiscovery()
        writeBackends()
    }

    // MARK: - Families

    private mutating func writeProcess() {
        one(.buildInfo, 1, [snapshot.version])
        one(.uptime, max(0, snapshot.takenAt - snapshot.startedAt))
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
        guard let process = snapshot.process else { return }
        one(.openDescriptors, Double(process.openDescriptors))
        one(.descriptorsMax, Double(process.descriptorsMax))
        one(.residentBytes, Double(process.residentBytes))
        one(.cpuSeconds, process.cpuSeconds)
    }

    private mutating func writeListeners() {
        let listeners = snapshot.listeners
        func each(_ value: (ListenerTotals) -> Int) -> [Series] {
            listeners.map { Series([$0.name], Double(value($0.totals))) }
        }
        family(.accepted, each(\.accepted))
        family(.clientConnections, each(\.open))
        family(.refusedConnections, each(\.refused))
        family(.acceptErrors, each(\.acceptErrors))
        family(.badRequests, each(\.badRequests))
        family(.answered, each(\.answered))
        family(.unrouted, each(\.unrouted))
    }

    private mutating func writeServices() {
        let services = snapshot.services
        func each(_ value: (ServiceTotals) -> Int) -> [Series] {
            services.map { Series([$0.name], Double(value($0.totals))) }
        }
        family(.requests, each(\.requests))
        family(.inFlight, each(\.inFlight))
        family(
            .responses,
            services.flatMap { service in
                let totals = service.totals
                return [
                    ("2xx", totals.responses2xx), ("3xx", totals.responses3xx),
                    ("4xx", totals.responses4xx), ("5xx", totals.responses5xx),
                ].map { Series([service.name, $0.0], Double($0.1)) }
            })
        family(
            .errors,
            services.flatMap { service in
                let totals = service.totals
                return [
                    ("no_backend", totals.noBackend), ("backend_error", totals.backendErrors),
                    ("timeout", totals.timeouts), ("cut_short", totals.cutShort),
                    ("client_abort", totals.clientAborts), ("expired", totals.expired),
                    ("over_limit", totals.overLimit),
                ].map { Series([service.name, $0.0], Double($0.1)) }
            })
        family(.upgrades, each(\.upgrades))
        family(.retries, each(\.retries))
        family(.retriesDenied, each(\.retriesDenied))
        family(.hedges, each(\.hedges))
        family(.hedgesWon, each(\.hedgesWon))
        family(.queued, each(\.queued))
        family(.queueLength, each(\.queueLength))
        family(.receivedBytes, each(\.bytesFromClients))
        family(.sentBytes, each(\.bytesToClients))
        histogram(.duration, services.map { ([$0.name], $0.totals.duration) })
        family(
            .backends,
            services.flatMap { service in
                Self.shownPhases.map { phase in
                    let count = service.backends.count { $0.state == phase }
                    return Series([service.name, phase.rawValue], Double(count))
                }
            })
        family(.rotation, services.map { Series([$0.name], Double($0.rotationCount)) })
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
        family(
            .answers,
            asked.flatMap { labels, source in
                source.answers.sorted { $0.key < $1.key }.map {
                    Series(labels + [$0.key], Double($0.value))
                }
            })
        writeRegistries()
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

    private mutating func writeBackends() {
        let backends = snapshot.services.flatMap { service in
            service.backends.map { (labels: [service.name, "\($0.endpoint)"], backend: $0) }
        }
        func each(_ value: (AdminSnapshot.Backend) -> Int) -> [Series] {
            backends.map { Series($0.labels, Double(value($0.backend))) }
        }
        family(
            .backendState,
            backends.flatMap { labels, backend in
                Self.shownPhases.map {
                    Series(labels + [$0.rawValue], $0 == backend.state ? 1 : 0)
                }
            })
        family(.backendInRotation, each { $0.isInRotation ? 1 : 0 })
        family(.backendOnProbation, each { $0.isOnProbation ? 1 : 0 })
        family(
            .backendCheckPassed,
            backends.compactMap { labels, backend in
                backend.check.map { Series(labels, $0.passed ? 1 : 0) }
            })
        family(.backendRequests, each(\.totals.requests))
        family(.backendInFlight, each(\.totals.inFlight))
        family(.backendDials, each(\.totals.dials))
        family(.backendDialFailures, each(\.totals.dialFailures))
        family(.backendFailures, each(\.totals.failures))
        family(.backendOpen, each(\.totals.open))
        family(.backendServerErrors, each(\.totals.responses5xx))
        family(.backendReceivedBytes, each(\.totals.bytesReceived))
        family(.backendSentBytes, each(\.totals.bytesSent))
        histogram(.backendFirstByte, backends.map { ($0.labels, $0.backend.totals.firstByte) })
    }

    /// A backend that is gone is on no roster, so no series can say so.
    private static let shownPhases = BackendState.Phase.allCases.filter { $0 != .gone }

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
            write(metric.name, metric.labels, series.labels, Self.number(series.value))
        }
    }

    private mutating func histogram(_ metric: Metric, _ series: [([String], HistogramTotals)]) {
        guard !series.isEmpty else { return }
        writeHead(of: metric)
        for (labels, totals) in series {
            var sum = 0
            for (index, count) in totals.counts.enumerated() {
                sum += count
                let bounds = Histogram.boundsMicroseconds
                let bound =
                    index < bounds.count ? Self.number(Double(bounds[index]) / 1_000_000) : "+Inf"
                write("\(metric.name)_bucket", metric.labels + ["le"], labels + [bound], "\(sum)")
            }
            let seconds = Double(totals.sumMicroseconds) / 1_000_000
            write("\(metric.name)_sum", metric.labels, labels, Self.number(seconds))
            write("\(metric.name)_count", metric.labels, labels, "\(sum)")
        }
    }

    private mutating func writeHead(of metric: Metric) {
        text += "# HELP \(metric.name) \(metric.help)\n"
        text += "# TYPE \(metric.name) \(metric.kind.rawValue)\n"
    }

    private mutating func write(
        _ name: String, _ labels: [String], _ values: [String], _ number: String
    ) {
        precondition(labels.count == values.count, "\(name): a value for each label")
        text += name
        if !labels.isEmpty {
            let pairs = zip(labels, values).map { "\($0)=\"\(Self.escaped($1))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(number)\n"
    }

    /// In a label's value, backslash, quote and line feed are escaped.
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

    /// Whole numbers without a fraction, and never in exponent form while they are exact.
    private static func number(_ value: Double) -> String {
        if value.rounded() == value, abs(value) < 9e15 { return "\(Int(value))" }
        return "\(value)"
    }
}
