// RegistrarMetrics: a registrar's figures as the page of its `/metrics`.

internal import Admin
internal import Consul
internal import Docker
internal import Registrar

/// The page. Value type.
struct RegistrarMetrics {
    private var out: PrometheusText
    var bytes: [UInt8] { out.bytes }

    init(
        _ registrar: Registrar, _ agents: ConsulAgents, _ start: ProcessTime,
        format: PrometheusText.Format
    ) {
        out = PrometheusText(format)
        let counts = registrar.counts
        var states = ["registered": 0, "pending": 0, "refused": 0, "foreign": 0, "leaving": 0]
        for row in registrar.rows { states[row.state, default: 0] += 1 }
        family(.gauge, "build_info", "The version that runs.", "version", [fairleadVersion: 1])
        family(
            .gauge, "services", "Services by how they stand with the agent.", "state", states)
        family(
            .counter, "requests_total", "Requests that the agent did.", "kind",
            [
                "register": Int(counts.registrations), "deregister": Int(counts.deregistrations),
                "report": Int(counts.reports), "list": Int(counts.lists),
            ])
        one(.counter, "request_failures_total", "Requests that failed.", Double(counts.failures))
        one(
            .counter, "forgotten_total", "Services that the agent had forgotten.",
            Double(counts.forgotten))
        one(
            .gauge, "problems", "Things that can't be done as containers ask.",
            Double(registrar.problems.values.reduce(0) { $0 + $1.count }))
        one(
            .gauge, "engine_up", "Whether the engine is followed.",
            registrar.engine.isKnown && registrar.engine.failure == nil ? 1 : 0)
        one(
            .counter, "engine_events_total", "Events of the engine.",
            Double(registrar.engine.events.read))
        one(
            .gauge, "agent_up", "Whether the agent is available.",
            agents.statuses.first?.isAvailable == true ? 1 : 0)
        one(.gauge, "ready", "Whether all goes well.", registrar.troubles.isEmpty ? 1 : 0)
        one(.gauge, "start_time_seconds", "When the process began, since 1970.", start.wall)
        out.end()
    }

    private mutating func one(
        _ kind: Metric.Kind, _ name: String, _ help: String, _ value: Double
    ) {
        out.one(Metric(kind, "fairlead_registrar_\(name)", [], help), value)
    }

    private mutating func family(
        _ kind: Metric.Kind, _ name: String, _ help: String, _ label: String,
        _ values: [String: Int]
    ) {
        out.family(
            Metric(kind, "fairlead_registrar_\(name)", [label], help),
            values.sorted { $0.key < $1.key }.map { .init([$0.key], Double($0.value)) })
    }
}
