// TrafficReports: reads the workers' counters every second for the verdict, the charts and the
// admin port's account of backends that get no requests. It costs the workers nothing.

internal import Admin
internal import Backends
internal import Configuration
internal import Proxy
internal import Stats

/// The recent traffic of services, listeners and backends. Control thread only.
final class TrafficReports {
    let registry: StatsRegistry
    private let services: ServiceSet
    private let publisher: ListenerPublisher
    /// Whether there is an admin port that shows it.
    private let isShown: Bool
    /// What is wrong with the traffic, for the verdict.
    private(set) var troubles = TrafficWatch()
    /// Which backends get requests; empty without an admin port.
    private(set) var turns = TurnWatch()
    /// Client connections that there were at the last look, of all listeners.
    private(set) var openConnections = 0
    /// The last minutes; empty without an admin port.
    let history = TrafficHistory()

    /// Nothing seen yet.
    ///
    /// - Parameter isShown: whether there is an admin port.
    init(
        _ registry: StatsRegistry, _ services: ServiceSet, _ publisher: ListenerPublisher,
        isShown: Bool
    ) {
        self.registry = registry
        self.services = services
        self.publisher = publisher
        self.isShown = isShown
    }

    /// Reads the counters for the last second. Returns whether trouble began or ended.
    func look() -> Bool {
        var requests: [String: Int] = [:]
        let figures = services.all.map { service in
            let figures = registry.trafficFigures(service.id.index)
            requests[service.name] = figures.ended
            return (service.id.index, figures)
        }
        openConnections = 0
        let ofListeners = publisher.published.entries.map { entry in
            let totals = registry.listenerTotals(entry.options.index)
            openConnections += totals[.open]
            // Requests that reached a service are counted there. When listeners share a service,
            // each is given all of its requests, so its unrouted ones make a smaller share.
            let routed = entry.settings.routedServiceNames.reduce(0) { $0 + (requests[$1] ?? 0) }
            return (
                entry.options.index,
                TrafficWatch.ListenerFigures(
                    connections: (totals[.accepted], totals[.refused]),
                    requests: (
                        routed + totals[.unrouted] + totals[.answered] + totals[.badRequests]
                            + totals[.deniedByListener] + totals[.deniedByRoute]
                            + totals[.deniedUnknown] + totals[.limitedByListener]
                            + totals[.limitedByRoute],
                        totals[.unrouted]
                    ))
            )
        }
        let hasChanged = troubles.update(now: .now, services: figures, listeners: ofListeners)
        guard isShown else { return hasChanged }
        lookAtTurns()
        history.record(
            services.all.prefix(TrafficHistory.servicesMax).map {
                ($0.id.index, registry.serviceTotals($0.id.index))
            })
        return hasChanged
    }

    /// Reads the counters of the backends of all rotations.
    private func lookAtTurns() {
        turns.update(
            now: .now,
            services.all.map { service in
                let figures = service.roster.rotation.members.map { member in
                    let totals = registry.backendTotals(member.id.rawValue, hasTimes: false)
                    return TurnWatch.Figures(
                        backend: member.id.rawValue, requests: totals[.requests],
                        received: totals[.bytesReceived])
                }
                return (service.id.index, figures)
            })
    }
}
