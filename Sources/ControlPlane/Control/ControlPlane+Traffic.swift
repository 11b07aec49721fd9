// ControlPlane+Traffic: the workers' counters are looked at every second, for the verdict and the
// charts.

internal import Admin
internal import Backends
internal import Configuration
internal import Proxy
internal import Stats

extension ControlPlane {
    /// Takes what services and listeners came to within the last second.
    func watchTraffic() {
        var requests: [String: Int] = [:]
        let figures = services.all.map { service in
            let figures = registry.trafficFigures(service.id.index)
            requests[service.name] = figures.ended
            return (service.id.index, figures)
        }
        let ofListeners = listeners.entries.map { entry in
            let totals = registry.listenerTotals(entry.options.index)
            // What reached a service is counted there. When listeners share one, each has all of
            // it, and needs more that is not routed before that is a share to speak of.
            let routed = entry.settings.serviceNames.reduce(0) { $0 + (requests[$1] ?? 0) }
            return (
                entry.options.index,
                TrafficWatch.ListenerFigures(
                    connections: (totals[.accepted], totals[.refused]),
                    requests: (
                        routed + totals[.unrouted] + totals[.answered] + totals[.badRequests],
                        totals[.unrouted]
                    ))
            )
        }
        if trafficWatch.note(now: .now, services: figures, listeners: ofListeners) {
            isStatusDue = true
        }
        guard adminHandler != nil else { return }
        watchTurns()
        history.note(
            services.all.prefix(TrafficHistory.servicesMax).map {
                ($0.id.index, registry.serviceTotals($0.id.index))
            })
    }
}
