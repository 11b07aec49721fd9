// ServiceSurroundings: what all services share.

internal import Backends
internal import Endpoints
internal import Events
internal import Health
internal import InstanceSources
internal import Proxy
internal import Stats

/// What services work with and call. Control thread only.
final class ServiceSurroundings {
    let loop: EventLoop
    let checker: HealthChecker
    let registry: StatsRegistry
    let journal: Journal
    /// The workers, which get every rotation.
    let workers: ProxyWorkers
    /// Keeps good answers for the next process; nil when they are not kept.
    var stateFile: StateFile?
    /// What deploys have put in the place of configured lists.
    let deployed: DeployMemory
    /// Why an endpoint can't be a backend of the service of that name, as a phrase; nil when it
    /// can. Called once per answer, which may have thousands of instances.
    var objections: (String) -> (Endpoint) -> String? = { _ in { _ in nil } }
    /// Called after every change of a service.
    var onChange: () -> Void = {}

    /// Begins without objections. `deployed` is what a predecessor passed on; nil without one.
    init(
        on loop: EventLoop, _ checker: HealthChecker, _ registry: StatsRegistry,
        _ journal: Journal, _ workers: ProxyWorkers, _ stateFile: StateFile?,
        _ deployed: [String: DeployedSet]? = nil
    ) {
        self.loop = loop
        self.checker = checker
        self.registry = registry
        self.journal = journal
        self.workers = workers
        self.stateFile = stateFile
        self.deployed = DeployMemory(stateFile, inherited: deployed)
    }
}
