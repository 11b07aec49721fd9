// ServiceSurroundings: what all services have in common.

internal import Backends
internal import Endpoints
internal import Events
internal import Health
internal import InstanceSources
internal import Proxy
internal import Stats

/// What services work with, and whom they call. Control thread only.
final class ServiceSurroundings {
    let loop: EventLoop
    let checker: HealthChecker
    let registry: StatsRegistry
    let journal: Journal
    /// The workers, which get every rotation.
    let workers: ProxyWorkers
    /// Where good answers are kept for the next process; nil for nowhere.
    var stateFile: StateFile?
    /// Says for the service of that name why an instance can't be a backend of it, as a phrase; nil
    /// when it can. Called once per answer, which may have thousands of instances.
    var objections: (String) -> (Endpoint) -> String? = { _ in { _ in nil } }
    /// Called after every change of a service.
    var onChange: () -> Void = {}

    /// Without a state file, without objections, and without anyone to call.
    init(
        on loop: EventLoop, _ checker: HealthChecker, _ registry: StatsRegistry,
        _ journal: Journal, _ workers: ProxyWorkers
    ) {
        self.loop = loop
        self.checker = checker
        self.registry = registry
        self.journal = journal
        self.workers = workers
    }
}
