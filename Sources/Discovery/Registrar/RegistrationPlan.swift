// RegistrationPlan: everything that is to be registered of the containers of one engine. Pure, and
// cheap to renew: what happens to one container costs as much beside ten others as beside ten
// thousand.
//
// | the container                | what follows                                                  |
// |------------------------------|---------------------------------------------------------------|
// | runs                         | its services are registered                                   |
// | runs, and was told to stop   | nothing of it, from the `kill` on and before its process ends |
// | is paused, or anything else  | nothing of it                                                 |
// | ended by a failure, and      | its services stay, and are reported as critical, until it is  |
// |  those are to stay           |  removed                                                      |

internal import Consul
package import Containers
internal import DockerAPI
package import Endpoints
internal import Lookups

/// What is to be registered. Value type, loop thread.
package struct RegistrationPlan {
    /// What has become different.
    package struct Difference: Sendable, Equatable {
        /// The ids of services that are to be registered otherwise than before, or no more.
        package fileprivate(set) var services: Set<String> = []
        /// The ids of containers of which other problems may be known than before.
        package fileprivate(set) var containers: Set<String> = []
    }

    /// By the id of the service.
    package private(set) var registrations: [String: ContainerRegistration] = [:]

    private let given: RegistrarOptions
    /// What was given, and what follows from where the engine is.
    private var options: RegistrarOptions
    /// What each container came to, by its id.
    private var members: [String: Member] = [:]
    /// The ids of the containers that want a service's id, by that.
    private var claims: [String: Set<String>] = [:]
    /// The ids of the containers in the network of another one, by the id of that.
    private var tenants: [String: Set<String>] = [:]
    /// Why a container has no registrations, by the first 12 digits of its id: a clause.
    private var absent: [String: String] = [:]

    private struct Member {
        let container: Container
        /// The container whose network it is in; nil for its own.
        let owner: ContainerSummary?
        /// Nil when nothing of it is to be registered.
        let services: ContainerRegistrations?

        /// The ids of the services that it wants.
        var serviceIDs: Set<String> { Set((services?.registrations ?? []).map(\.service.id)) }
    }

    /// A plan of no containers.
    package init(_ options: RegistrarOptions) {
        given = options
        self.options = options
    }

    /// Plans for the containers of `inventory`. `engine` is the address of the engine's machine
    /// where that is not ours. `ids`: the containers that changed since the last call, come and
    /// gone ones among them; nil for all.
    @discardableResult
    package mutating func update(
        _ inventory: ContainerInventory, of engine: IPAddress? = nil,
        changed ids: Set<String>? = nil
    ) -> Difference {
        let current = given.forEngine(at: engine)
        let isElsewhere = current != options
        options = current
        var due =
            (isElsewhere ? nil : ids) ?? Set(inventory.containers.keys).union(members.keys)
        for id in due { due.formUnion(tenants[id] ?? []) }
        var difference = Difference()
        var services: Set<String> = []
        for id in due {
            guard let claimed = renew(id, inventory, always: isElsewhere) else { continue }
            services.formUnion(claimed)
            difference.containers.insert(id)
        }
        for service in services {
            // Containers that had to stand back, or have to now.
            difference.containers.formUnion(claims[service] ?? [])
            if settle(service) { difference.services.insert(service) }
        }
        return difference
    }

    /// Brings a container up to date. Returns the ids of the services that it wanted or wants; nil
    /// when nothing is different. `always`: what is registered depends on more than the container.
    private mutating func renew(
        _ id: String, _ inventory: ContainerInventory, always: Bool
    ) -> Set<String>? {
        let old = members[id]
        let container = inventory.containers[id]
        let owner = container?.summary.ownerID.flatMap { inventory.containers[$0]?.summary }
        guard always || container != old?.container || owner != old?.owner else { return nil }
        if let ownerID = old?.container.summary.ownerID { tenants.remove(id, of: ownerID) }
        if let ownerID = container?.summary.ownerID { tenants[ownerID, default: []].insert(id) }
        let new = container.map {
            Member(container: $0, owner: owner, services: services(of: $0, owner))
        }
        members[id] = new
        absent[ContainerID.short(id)] = new.flatMap {
            $0.services.map(\.reason) ?? $0.container.absence
        }
        let (left, wanted) = (old?.serviceIDs ?? [], new?.serviceIDs ?? [])
        for service in left.subtracting(wanted) { claims.remove(id, of: service) }
        for service in wanted { claims[service, default: []].insert(id) }
        return left.union(wanted)
    }

    /// Decides which container has a service's id; whether it is to be registered otherwise. Of two
    /// that want one id, the older has it.
    private mutating func settle(_ service: String) -> Bool {
        let holder = claims[service]?.compactMap { members[$0] }
            .min { $0.container.age < $1.container.age }
        let registration = holder?.services?.registrations.first { $0.service.id == service }
        guard registrations[service] != registration else { return false }
        registrations[service] = registration
        return true
    }

    /// The services of a container; nil when nothing of it is to be registered.
    private func services(
        of container: Container, _ owner: ContainerSummary?
    ) -> ContainerRegistrations? {
        let failure = options.policy.keepsFailed ? container.failure : nil
        let serves =
            container.summary.state == .running && container.stop == nil
            && container.details != nil
        guard
            let summary = serves ? container.summary : failure.flatMap({ _ in container.lastSeen })
        else { return nil }
        return ContainerRegistrations(
            container, summary, failure: serves ? nil : failure, owner: owner, options)
    }

    // MARK: For people

    /// Why the container with these first 12 digits of its id has no registrations.
    package func absence(of container: String) -> String {
        absent[container] ?? "its container is no more"
    }

    /// What can't be done as the container of this id asks, and its name; nil when there is no such
    /// container.
    package func problems(of id: String) -> (name: String, problems: [String])? {
        guard let member = members[id] else { return nil }
        var problems = member.services?.problems ?? []
        for registration in member.services?.registrations ?? [] {
            let service = registration.service.id
            guard let other = registrations[service], other.containerID != id else { continue }
            problems.append(
                "the id \"\(service.prefix(60))\" is that of \(other.container) as well, which is "
                    + "older and has it")
        }
        return (member.container.summary.name, problems)
    }

    /// What can't be done as a container asks, by its name.
    package var problems: [String: [String]] {
        var all: [String: [String]] = [:]
        for id in members.keys {
            guard let (name, problems) = problems(of: id), !problems.isEmpty else { continue }
            all[name, default: []] += problems
        }
        return all
    }

    /// Why nothing of a container that runs is registered, by its name: a clause.
    package var leftOut: [String: String] {
        var all: [String: String] = [:]
        for member in members.values {
            if let reason = member.services?.reason { all[member.container.summary.name] = reason }
        }
        return all
    }
}

extension [String: Set<String>] {
    fileprivate mutating func remove(_ member: String, of key: String) {
        self[key]?.remove(member)
        if self[key]?.isEmpty == true { self[key] = nil }
    }
}

extension Container {
    /// How its process ended by itself and not well, a clause; nil when it did not.
    fileprivate var failure: String? {
        guard summary.state == .exited else { return nil }
        if details?.wasOutOfMemory == true { return "it ran out of memory" }
        let digits = summary.status.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
        // Above 128 a signal ended it, as `docker stop` does.
        guard let code = Int(digits), (1...128).contains(code) else { return nil }
        return "its process ended with \(code)"
    }

    /// Why nothing of it is registered: a clause.
    fileprivate var absence: String {
        switch availability {
        case .awaited(let why), .withdrawn(let why), .ended(let why): why
        case .serves, .servesUnhealthy: "nothing of it is registered"
        }
    }
}
