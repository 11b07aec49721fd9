// Container: what is known of one container, and what follows for traffic.
//
// | the engine says            | its HEALTHCHECK | what follows                                      |
// |----------------------------|-----------------|---------------------------------------------------|
// | created, restarting        |                 | awaited: it may serve soon                        |
// | running                    | none            | it serves, once our own check passes              |
// |                            | healthy         | it serves at once: a passed check like our own    |
// |                            | starting        | awaited                                           |
// |                            | unhealthy       | it serves if none is better; with `must` it does  |
// |                            |                 |  not, with `ignore` it serves                     |
// | running, was told to stop  |                 | withdrawn: no new requests                        |
// | paused                     |                 | withdrawn                                         |
// | removing, exited, dead     |                 | ended                                             |
//
// Whoever writes a HEALTHCHECK knows best when the program inside is ready, and a container that is
// healthy has waited for it already: to wait for a check of ours as well would only leave an empty
// service empty for longer. If it was wrong, as where the port is open on 127.0.0.1 alone, the
// first request is sent elsewhere, as after every dial that fails, and our own checks, which begin
// at once, put it down. Later on `healthy` brings nothing back that our checks or live requests
// have put down, since they see what clients see.

package import DockerAPI

/// What an engine says of a container, put together from its answers and events. Value type, any
/// thread.
package struct Container: Sendable, Equatable {
    /// What the list says.
    package internal(set) var summary: ContainerSummary
    /// What is said besides; nil until it is known.
    package private(set) var details: ContainerDetails?
    /// The signal that told it to stop, and when that is no longer believed; nil when none did.
    package internal(set) var stop: Stop?
    /// Where it could last be reached: after its end engines do not say.
    package private(set) var lastSeen: ContainerSummary?
    /// What its labels and variables ask for.
    package private(set) var wishes: ContainerWishes
    /// The service that each of its offers is of, in their order.
    package private(set) var serviceNames: [String]

    /// A container that was told to stop.
    package struct Stop: Sendable, Equatable {
        /// The signal, or nil for one that is not known.
        package let signal: Int?
        /// If it still runs by then, it serves on.
        package let until: ContinuousClock.Instant
    }

    /// What follows for traffic.
    package enum Availability: Sendable, Equatable {
        /// The container may serve soon, and why not yet: a clause.
        case awaited(String)
        case serves
        /// The HEALTHCHECK fails: for when there is no better container.
        case servesUnhealthy
        /// The container gets no new requests, and why: a clause.
        case withdrawn(String)
        /// The process has ended, and how: a clause.
        case ended(String)
    }

    init(_ summary: ContainerSummary) {
        self.summary = summary
        (wishes, serviceNames) = Self.wishes(summary, nil)
    }

    init(_ details: ContainerDetails) {
        self.init(details.summary)
        update(details)
    }

    /// Takes what its engine says of it now.
    mutating func update(_ details: ContainerDetails) {
        // Labels are read when they are new, and not at each change of health.
        let isRenewed =
            self.details == nil || details.environment != self.details?.environment
            || details.summary.labels != summary.labels
            || details.summary.name != summary.name
            || details.summary.exposedPorts != summary.exposedPorts
        summary = details.summary
        self.details = details
        if isRenewed { (wishes, serviceNames) = Self.wishes(summary, details) }
        guard summary.state.isAlive else { return }
        lastSeen = summary
    }

    /// Takes note that another process begins, of which nothing is known yet.
    mutating func begin() {
        stop = nil
        details = nil
    }

    /// Takes note that its process ended, with this exit code if that is known.
    mutating func end(exitCode: Int?) {
        summary.state = .exited
        summary.status = exitCode.map { "Exited (\($0))" } ?? "Exited"
        stop = nil
    }

    private static func wishes(
        _ summary: ContainerSummary, _ details: ContainerDetails?
    ) -> (ContainerWishes, serviceNames: [String]) {
        let wishes = ContainerWishes(
            labels: summary.labels, environment: details?.environment ?? [:],
            ports: summary.exposedPorts)
        return (wishes, wishes.offers.map { serviceName(of: $0, summary) })
    }

    /// What follows from its state for traffic.
    package var availability: Availability {
        switch summary.state {
        case .created: return .awaited("it has not started yet")
        case .restarting: return .awaited("it restarts")
        case .paused: return .withdrawn("it is paused")
        case .removing: return .ended("it is removed")
        case .dead: return .ended("its engine could not remove it")
        case .exited:
            let what = details?.wasOutOfMemory == true ? "it ran out of memory" : "it has ended"
            return .ended(what + (summary.status.isEmpty ? "" : ": \(summary.status)"))
        case .running: break
        }
        if let stop {
            return .withdrawn(
                stop.signal.map { "it was told to stop by signal \($0)" } ?? "it was told to stop")
        }
        // Its environment may ask for what the list does not show.
        guard details != nil else { return .awaited("its engine has not said all of it yet") }
        switch (summary.health, wishes.health) {
        case (.none, _), (.healthy, _), (_, .ignore): return .serves
        case (.starting, _): return .awaited("its HEALTHCHECK has not passed yet")
        case (.unhealthy, .advice): return .servesUnhealthy
        case (.unhealthy, .must): return .withdrawn("its HEALTHCHECK fails")
        }
    }

    /// Whether it gets requests.
    package var isServing: Bool {
        switch availability {
        case .serves, .servesUnhealthy: true
        case .awaited, .withdrawn, .ended: false
        }
    }

    /// What the labels of an offer say, else compose's project and service, else swarm's service,
    /// else the container's own name.
    private static func serviceName(
        of offer: ContainerOffer, _ summary: ContainerSummary
    ) -> String {
        if let service = offer.service { return service }
        let labels = summary.labels
        var name = summary.name
        if let service = labels["com.docker.compose.service"], !service.isEmpty {
            let project = labels["com.docker.compose.project"] ?? ""
            name = project.isEmpty ? service : "\(project)-\(service)"
        } else if let service = labels["com.docker.swarm.service.name"], !service.isEmpty {
            name = service
        }
        return offer.name.isEmpty ? name : "\(name)-\(offer.name)"
    }

    /// Whether whoever chooses among containers chooses this one and that one alike.
    func isChosen(as other: Container) -> Bool {
        serviceNames == other.serviceNames && wishes.isEnabled == other.wishes.isEnabled
            && summary.labels == other.summary.labels
    }

    /// How old it is: the older of two is less. Of two that want one route, the older has it.
    package var age: (createdAt: Int, id: String) { (summary.createdAt, summary.id) }
}
