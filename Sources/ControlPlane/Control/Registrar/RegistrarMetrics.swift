// RegistrarMetrics: a registrar's figures in Prometheus' text format 0.0.4.

internal import Consul
internal import Docker
internal import Registrar

/// The page. Value type.
struct RegistrarMetrics {
    private(set) var text = ""

    init(_ registrar: Registrar, _ agents: ConsulAgents, _ start: ProcessTime) {
        let counts = registrar.counts
        var states = ["registered": 0, "pending": 0, "refused": 0, "foreign": 0, "leaving": 0]
        for row in registrar.rows { states[row.state, default: 0] += 1 }
        family("build_info", "gauge", "The version that runs.", "version", [fairleadVersion: 1])
        family(
            "services", "gauge", "Services by how they stand with the agent.", "state",
            states.mapValues(Double.init))
        family(
            "requests_total", "counter", "Requests that the agent did.", "kind",
            [
                "register": Double(counts.registrations),
                "deregister": Double(counts.deregistrations), "report": Double(counts.reports),
                "list": Double(counts.lists),
            ])
        one("request_failures_total", "counter", "Requests that failed.", Double(counts.failures))
        one(
            "forgotten_total", "counter", "Services that the agent had forgotten.",
            Double(counts.forgotten))
        one(
            "problems", "gauge", "Things that can't be done as containers ask.",
            Double(registrar.problems.values.reduce(0) { $0 + $1.count }))
        one(
            "engine_up", "gauge", "Whether the engine is followed.",
            registrar.engine.isKnown && registrar.engine.failure == nil ? 1 : 0)
        one(
            "engine_events_total", "counter", "Events of the engine.",
            Double(registrar.engine.events.read))
        one(
            "agent_up", "gauge", "Whether the agent is available.",
            agents.statuses.first?.isAvailable == true ? 1 : 0)
        one("ready", "gauge", "Whether all goes well.", registrar.troubles.isEmpty ? 1 : 0)
        one("start_time_seconds", "gauge", "When the process began, since 1970.", start.wall)
    }

    private mutating func one(_ name: String, _ kind: String, _ help: String, _ value: Double) {
        head(name, kind, help)
        text += "fairlead_registrar_\(name) \(Self.number(value))\n"
    }

    private mutating func family(
        _ name: String, _ kind: String, _ help: String, _ label: String, _ values: [String: Double]
    ) {
        head(name, kind, help)
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            text += "fairlead_registrar_\(name){\(label)=\"\(key)\"} \(Self.number(value))\n"
        }
    }

    private mutating func head(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP fairlead_registrar_\(name) \(help)\n"
        text += "# TYPE fairlead_registrar_\(name) \(kind)\n"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
