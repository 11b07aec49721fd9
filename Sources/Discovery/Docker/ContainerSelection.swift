// ContainerSelection: which containers a service has, and what each comes to. Pure.

package import Backends
package import Containers
package import DockerAPI
internal import Endpoints
package import InstanceSources

/// The containers of one service. Value type, control thread.
package struct ContainerSelection: Sendable {
    /// In the order of their names.
    package private(set) var instances: [Instance] = []
    /// Containers that are left out, and endpoints on which no requests are wanted.
    package private(set) var findings = SourceFindings()
    /// Whether a container is about to serve.
    package private(set) var isExpecting = false

    /// Selects those of the containers `ids` that `query` wants.
    package init(
        _ query: DockerQuery, among ids: Set<String>, of inventory: ContainerInventory,
        _ surroundings: ContainerPlace.Surroundings
    ) {
        let containers = ids.compactMap { inventory.containers[$0] }.sorted {
            ($0.summary.name, $0.summary.id) < ($1.summary.name, $1.summary.id)
        }
        for container in containers {
            guard let offer = query.offer(of: container) else { continue }
            add(container, offer, query, inventory, surroundings)
        }
        findings.idle = Array((idle.filter { !$0.hasEnded } + ended).prefix(Self.idleMax))
    }

    private var idle: [SourceFindings.Idle] = []
    private var ended: [SourceFindings.Idle] { idle.filter(\.hasEnded) }
    /// Containers without requests that are shown, at most.
    private static let idleMax = 100

    private mutating func addIdle(
        _ container: Container, _ reason: String, _ vantage: Vantage, hasEnded: Bool = false
    ) {
        idle.append(
            .init(
                name: container.summary.name, metadata: Self.metadata(container, vantage),
                reason: reason, hasEnded: hasEnded))
    }

    private mutating func add(
        _ container: Container, _ offer: ContainerOffer, _ query: DockerQuery,
        _ inventory: ContainerInventory, _ surroundings: ContainerPlace.Surroundings
    ) {
        let availability = container.availability
        switch availability {
        case .awaited(let why):
            isExpecting = true
            addIdle(container, why, surroundings.vantage)
            return
        case .withdrawn(let why): addIdle(container, why, surroundings.vantage)
        case .ended(let why): addIdle(container, why, surroundings.vantage, hasEnded: true)
        case .serves, .servesUnhealthy: break
        }
        // After its end a container has no address any more, and no port that shows.
        let summary = container.lastSeen ?? container.summary
        let port: UInt16
        switch ContainerPort.choose(
            offered: offer.port, wanted: query.port, exposed: summary.exposedPorts)
        {
        case .port(let chosen): port = chosen
        case .none(let reason):
            return leaveOut(container, availability, reason, surroundings.vantage)
        }
        let owner = summary.ownerID.flatMap { inventory.containers[$0]?.summary }
        let place = ContainerPlace(
            of: summary, port: port, network: container.wishes.network ?? query.network,
            owner: owner, in: surroundings)
        switch (availability, place) {
        case (_, .nowhere(let reason)):
            leaveOut(container, availability, reason, surroundings.vantage)
        case (.withdrawn(let why), .at(let endpoint, _)), (.ended(let why), .at(let endpoint, _)):
            findings.withdrawn[endpoint] = why
        case (.serves, .at(let endpoint, let remark)):
            add(remark, of: container)
            instances.append(
                Self.instance(container, offer, endpoint, offer.priority, surroundings.vantage))
        case (.servesUnhealthy, .at(let endpoint, let remark)):
            add(remark, of: container)
            instances.append(
                Self.instance(
                    container, offer, endpoint,
                    offer.priority + DockerSource.unhealthyPriority, surroundings.vantage))
        case (.awaited, _): break
        }
    }

    /// Tells of a choice that the operator may want to make.
    private mutating func add(_ remark: String?, of container: Container) {
        guard let remark, findings.remarks.count < Self.remarksMax else { return }
        findings.remarks.append("\(container.summary.name): \(remark)")
    }

    private static let remarksMax = 5

    /// One that has ended need not be reached.
    private mutating func leaveOut(
        _ container: Container, _ availability: Container.Availability, _ why: String,
        _ vantage: Vantage
    ) {
        switch availability {
        case .serves, .servesUnhealthy:
            findings.omissions.add("\(container.summary.name): \(why)")
            addIdle(container, why, vantage)
        case .awaited, .withdrawn, .ended: break
        }
    }

    private static func instance(
        _ container: Container, _ offer: ContainerOffer, _ endpoint: Endpoint, _ priority: UInt16,
        _ vantage: Vantage
    ) -> Instance {
        let summary = container.summary
        return Instance(
            endpoint, priority: priority, weight: offer.weight,
            metadata: metadata(container, vantage),
            incarnation: "\(ContainerID.short(summary.id)) \(container.details?.startedAt ?? "")",
            isPassing: summary.health == .healthy && container.wishes.health != .ignore)
    }

    /// What is shown of a container: `node` is the engine's host where that is not ours.
    private static func metadata(_ container: Container, _ vantage: Vantage) -> [String: String] {
        let summary = container.summary
        var metadata = [
            "container": summary.name, "id": ContainerID.short(summary.id),
            "image": summary.image,
        ]
        if summary.health != .none { metadata["health"] = summary.health.rawValue }
        if let project = summary.labels["com.docker.compose.project"] {
            metadata["project"] = project
        }
        if let started = container.details?.startedAt, !started.isEmpty {
            metadata["started"] = started
        }
        if let count = container.details?.restartCount, count > 0 {
            metadata["restarts"] = "\(count)"
        }
        if case .remote(let host) = vantage { metadata["node"] = "\(host)" }
        return metadata
    }
}

extension DockerQuery {
    /// What a container offers to this query; nil when it is not wanted.
    func offer(of container: Container) -> ContainerOffer? {
        guard container.wishes.isEnabled != false else { return nil }
        if let service, !container.serviceNames.contains(service) { return nil }
        let labels = container.summary.labels
        for label in self.labels {
            guard let value = labels[label.key], label.value == nil || label.value == value else {
                return nil
            }
        }
        guard let service else { return container.wishes.offers.first }
        return zip(container.wishes.offers, container.serviceNames).first { $1 == service }?.0
    }
}
