// RegistrationPlan: everything that is to be registered of the containers of one engine. Pure, and
// cheap to renew: what has not changed is not made again.
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
    /// By the id of the service.
    package private(set) var registrations: [String: ContainerRegistration] = [:]
    /// What can't be done as a container asks, by its name.
    package private(set) var problems: [String: [String]] = [:]
    /// Why nothing of a container that runs is registered, by its name: a clause.
    package private(set) var leftOut: [String: String] = [:]

    private let given: RegistrarOptions
    /// What was given, and what follows from where the engine is.
    private var options: RegistrarOptions
    /// What each container came to, by its id.
    private var known: [String: (of: Container, services: ContainerRegistrations)] = [:]
    /// Why a container has no registrations, by the first 12 digits of its id: a clause.
    private var absent: [String: String] = [:]

    /// A plan of no containers.
    package init(_ options: RegistrarOptions) {
        given = options
        self.options = options
    }

    /// Plans for the containers of `inventory`. `engine` is the address of the engine's machine
    /// where that is not ours.
    package mutating func update(_ inventory: ContainerInventory, of engine: IPAddress? = nil) {
        let current = given.forEngine(at: engine)
        if current != options { known = [:] }
        options = current
        registrations = [:]
        problems = [:]
        leftOut = [:]
        absent = [:]
        known = known.filter { inventory.containers[$0.key] != nil }
        // Of two that want one id, the older has it.
        for container in inventory.containers.values.sorted(by: { $0.age < $1.age }) {
            if let services = services(of: container, inventory) {
                add(services, of: container)
            } else {
                absent[ContainerID.short(container.summary.id)] = container.absence
            }
        }
    }

    /// Why the container with these first 12 digits of its id has no registrations.
    package func absence(of container: String) -> String {
        absent[container] ?? "its container is no more"
    }

    private mutating func add(_ services: ContainerRegistrations, of container: Container) {
        let name = container.summary.name
        var told = services.problems
        for registration in services.registrations {
            let id = registration.service.id
            if let other = registrations[id] {
                told.append(
                    "the id \"\(id.prefix(60))\" is that of \(other.container) as well, which is "
                        + "older and has it")
                continue
            }
            registrations[id] = registration
        }
        if !told.isEmpty { problems[name, default: []] += told }
        if let reason = services.reason {
            leftOut[name] = reason
            absent[ContainerID.short(container.summary.id)] = reason
        }
    }

    /// The services of a container; nil when nothing of it is to be registered.
    private mutating func services(
        of container: Container, _ inventory: ContainerInventory
    ) -> ContainerRegistrations? {
        let id = container.summary.id
        if let last = known[id], last.of == container { return last.services }
        let failure = options.policy.keepsFailed ? container.failure : nil
        let serves =
            container.summary.state == .running && container.stop == nil
            && container.details != nil
        guard
            let summary = serves ? container.summary : failure.flatMap({ _ in container.lastSeen })
        else { return nil }
        let owner = summary.ownerID.flatMap { inventory.containers[$0] }
        let services = ContainerRegistrations(
            container, summary, failure: serves ? nil : failure, owner: owner?.summary, options)
        // What depends on another container is made each time.
        if summary.ownerID == nil { known[id] = (container, services) }
        return services
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
