// ContainerSelection: which containers a service has, and what each comes to. Pure.

internal import Backends
internal import Containers
internal import DockerAPI
internal import Endpoints
internal import InstanceSources

/// The containers of one service. Value type, control thread.
struct ContainerSelection: Sendable {
    /// In the order of their names.
    private(set) var instances: [Instance] = []
    /// Containers that are left out, and endpoints on which no requests are wanted.
    private(set) var findings = SourceFindings()
    /// Whether a container is about to serve.
    private(set) var isExpecting = false

    /// Containers without requests that are shown, at most.
    private static let idleMax = 100
    private static let remarksMax = 5

    /// Puts together what each of its containers comes to.
    init(_ members: some Collection<SelectedContainer>) {
        var idle: [SourceFindings.Idle] = []
        for member in members.sorted(by: { ($0.name, $0.id) < ($1.name, $1.id) }) {
            if member.isExpected { isExpecting = true }
            if let instance = member.instance { instances.append(instance) }
            if let (endpoint, why) = member.withdrawn { findings.withdrawn[endpoint] = why }
            if let omission = member.omission { findings.omissions.add(omission) }
            if let remark = member.remark, findings.remarks.count < Self.remarksMax {
                findings.remarks.append(remark)
            }
            if let shown = member.idle { idle.append(shown) }
        }
        let ended = idle.filter(\.hasEnded)
        findings.idle = Array((idle.filter { !$0.hasEnded } + ended).prefix(Self.idleMax))
    }
}

/// What a container comes to in a service. Value type, control thread.
struct SelectedContainer: Sendable {
    /// Its name and id.
    let name: String
    let id: String
    /// The id of the container whose network it is in; nil when it has one of its own.
    let ownerID: String?
    /// The instance that it is; nil for none.
    private(set) var instance: Instance?
    /// Whether it is about to serve.
    private(set) var isExpected = false
    /// Where no requests are wanted, and why: a clause.
    private(set) var withdrawn: (endpoint: Endpoint, why: String)?
    /// Why it can't be used, behind its name.
    private(set) var omission: String?
    /// A choice that the operator may want to make, behind its name.
    private(set) var remark: String?
    /// What is shown of it while it gets no requests.
    private(set) var idle: SourceFindings.Idle?

    /// What `container` comes to for `query`; nil when that does not want it.
    init?(
        _ container: Container, for query: DockerQuery, of inventory: ContainerInventory,
        _ surroundings: ContainerPlace.Surroundings
    ) {
        guard let offer = query.offer(of: container) else { return nil }
        name = container.summary.name
        id = container.summary.id
        // After its end a container has no address any more, and no port that shows.
        let summary = container.lastSeen ?? container.summary
        ownerID = summary.ownerID
        let place = Self.place(
            of: container, summary, offer, query,
            owner: ownerID.flatMap { inventory.containers[$0]?.summary }, surroundings)
        let vantage = surroundings.vantage
        switch container.availability {
        case .awaited(let why):
            isExpected = true
            idle = Self.idle(container, why, vantage)
        case .withdrawn(let why):
            idle = Self.idle(container, why, vantage)
            if case .at(let endpoint, _) = place { withdrawn = (endpoint, why) }
        case .ended(let why):
            idle = Self.idle(container, why, vantage, hasEnded: true)
            if case .at(let endpoint, _) = place { withdrawn = (endpoint, why) }
        case .serves: serve(container, offer, at: place, offer.priority, vantage)
        case .servesUnhealthy:
            serve(
                container, offer, at: place, offer.priority + DockerSource.unhealthyPriority,
                vantage)
        }
    }

    private static func place(
        of container: Container, _ summary: ContainerSummary, _ offer: ContainerOffer,
        _ query: DockerQuery, owner: ContainerSummary?, _ surroundings: ContainerPlace.Surroundings
    ) -> ContainerPlace {
        switch ContainerPort.choose(
            offered: offer.port, wanted: query.port, exposed: summary.exposedPorts)
        {
        case .none(let reason): .nowhere(reason: reason)
        case .port(let port):
            ContainerPlace(
                of: summary, port: port, network: container.wishes.network ?? query.network,
                owner: owner, in: surroundings)
        }
    }

    private mutating func serve(
        _ container: Container, _ offer: ContainerOffer, at place: ContainerPlace,
        _ priority: UInt16, _ vantage: Vantage
    ) {
        switch place {
        case .nowhere(let reason):
            omission = "\(name): \(reason)"
            idle = Self.idle(container, reason, vantage)
        case .at(let endpoint, let remark):
            self.remark = remark.map { "\(name): \($0)" }
            instance = Self.instance(container, offer, endpoint, priority, vantage)
        }
    }

    private static func idle(
        _ container: Container, _ reason: String, _ vantage: Vantage, hasEnded: Bool = false
    ) -> SourceFindings.Idle {
        .init(
            name: container.summary.name, metadata: container.metadata(vantage), reason: reason,
            hasEnded: hasEnded)
    }

    private static func instance(
        _ container: Container, _ offer: ContainerOffer, _ endpoint: Endpoint, _ priority: UInt16,
        _ vantage: Vantage
    ) -> Instance {
        let summary = container.summary
        return Instance(
            endpoint, priority: priority, weight: offer.weight,
            metadata: container.metadata(vantage),
            incarnation: "\(ContainerID.short(summary.id)) \(container.details?.startedAt ?? "")",
            isPassing: summary.health == .healthy && container.wishes.health != .ignore)
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
