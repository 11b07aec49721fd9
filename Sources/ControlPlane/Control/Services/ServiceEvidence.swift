// ServiceEvidence: what live requests on all workers show of one service over the last seconds:
// outliers, and whether the backends that discovery still names can carry the load.

internal import Backends
internal import Evidence
internal import Stats

/// Weighs the traffic of one service. Control thread only.
struct ServiceEvidence {
    /// The rules by which outliers are detected.
    var rules: OutlierWatch.Rules {
        get { outliers.rules }
        set { outliers.rules = newValue }
    }
    private var outliers: OutlierWatch
    /// Requests in flight, over the last seconds.
    private var loads = RecentMean()
    /// Requests in flight at each backend before discovery lost most of them; follows the present
    /// while it has not.
    private var usualLoad = 0.0

    /// Nothing seen yet.
    init(rules: OutlierWatch.Rules) {
        outliers = OutlierWatch(rules: rules)
    }

    /// Compares the counters of the last second, and reports to `roster` what they show; call it
    /// once a second.
    mutating func weigh(
        _ roster: Roster, _ members: Set<BackendID>, by registry: StatsRegistry,
        now: ContinuousClock.Instant
    ) {
        let figures = members.map { id in
            (id, OutlierWatch.Figures(registry.liveFigures(id.rawValue)))
        }
        for outlier in outliers.update(now: now, figures: figures) {
            roster.liveFailed(outlier.backend, outlier.failure, now: now)
        }
        weighLosses(roster, by: registry, now: now)
        guard roster.emergency != nil else { return }
        let recent = outliers.recent
        roster.liveWeight(
            answered: Int(recent.answers - recent.failures), failed: Int(recent.failures),
            bytes: Int(recent.bytes), now: now)
    }

    /// Compares the load of the backends that discovery still names with the load before it lost
    /// the others.
    private mutating func weighLosses(
        _ roster: Roster, by registry: StatsRegistry, now: ContinuousClock.Instant
    ) {
        guard roster.hasReserve else {
            loads.add(Double(registry.serviceTotals(roster.service.index)[.inFlight]))
            usualLoad = loads.mean / Double(max(1, roster.rotation.tiers.first?.count ?? 1))
            return
        }
        let serving = roster.rotation.tiers.first ?? []
        let inFlight = serving.reduce(0) {
            $0 + registry.backendTotals($1.id.rawValue, hasTimes: false)[.inFlight]
        }
        loads.add(Double(inFlight))
        roster.weighLoad(
            now: loads.mean / Double(max(1, serving.count)), before: usualLoad, now: now)
    }
}
