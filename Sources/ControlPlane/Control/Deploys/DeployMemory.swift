// DeployMemory: what was deployed, by service. It outlives the process in the state file, if there
// is one, and in an upgrade, where the predecessor passes it on in the environment.

internal import Configuration
internal import InstanceSources

/// The sets that deploys have put in the place of configured lists. Control thread only.
final class DeployMemory {
    /// By the names of services.
    private(set) var sets: [String: DeployedSet]
    /// Nil without one, and once another process writes it.
    private weak var stateFile: StateFile?

    /// Begins with what the predecessor passed on, else with what the state file says.
    init(_ stateFile: StateFile?, inherited: [String: DeployedSet]?) {
        self.stateFile = stateFile
        sets = inherited ?? stateFile?.deployed ?? [:]
        stateFile?.deployed = sets
    }

    /// Whether a restart knows what was deployed.
    var isLasting: Bool { stateFile != nil }

    /// The set that takes the place of the list of `service`; nil for none.
    subscript(_ service: Service) -> DeployedSet? {
        sets[service.name].flatMap { $0.configured == service.configuredList ? $0 : nil }
    }

    /// Remembers what was deployed; nil for the configured list.
    func set(_ deployed: DeployedSet?, of service: String) {
        guard sets[service] != deployed else { return }
        sets[service] = deployed
        stateFile?.deployed = sets
    }

    /// Forgets sets whose services are not among `services`, or have another list by now. Returns
    /// the names of these services.
    func forget(unlessOf services: [Service]) -> [String] {
        let kept = Dictionary(
            services.compactMap { service in self[service].map { (service.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        let gone = sets.keys.filter { kept[$0] == nil }.sorted()
        for name in gone { set(nil, of: name) }
        return gone
    }
}

extension Service {
    /// The entries of its configured list, as text; nil when its instances come from somewhere
    /// else, which decides who they are.
    var configuredList: [String]? {
        guard sources.count == 1, case .backends(let backends) = sources[0] else { return nil }
        return backends.map { "\($0.address) priority \($0.priority) weight \($0.weight)" }
    }
}
