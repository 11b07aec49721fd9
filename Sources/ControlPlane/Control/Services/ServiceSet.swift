// ServiceSet: the running services, those on their way out, and the names of services in the
// journal.
//
// A service leaves in three steps. It is taken off the list (`remove`), and still gets what
// listeners send it. When no listener names it any more, its sources and checks stop
// (`retireLeaving`). When its last request is over, it is forgotten (RetiredServices.swift).

internal import Backends
internal import Configuration
internal import DNSWire
internal import InstanceSources
internal import Stats

/// The services by name and by number. Control thread only.
final class ServiceSet {
    /// In the order of the configuration.
    private(set) var all: [ServiceControl] = []
    /// Services off the list that listeners may still name.
    private(set) var leaving: [ServiceControl] = []
    /// What all services share.
    let surroundings: ServiceSurroundings
    private let factory: SourceFactory
    private let backendIDs = BackendIDs()
    private var nextIndex = 0
    private var byID: [ServiceID: ServiceControl] = [:]
    private var names: [ServiceID: String] = [:]
    /// Nil only during `init`.
    private var retired: RetiredServices?

    /// The services of `configuration`, with which the workers were made. Their numbers are their
    /// places. None is started.
    ///
    /// - Throws: `StartFailure` for one whose source can't be made.
    init(
        _ configuration: Configuration, _ factory: SourceFactory,
        in surroundings: ServiceSurroundings
    ) throws {
        self.factory = factory
        self.surroundings = surroundings
        retired = RetiredServices(on: surroundings.loop) { [unowned self] in forgetNames() }
        for service in configuration.services {
            do throws(DomainNameError) {
                _ = add(service, sources: try makeSources(service))
            } catch {
                throw StartFailure(description: "service \(service.name): \(error)")
            }
        }
    }

    // MARK: - Looking up

    /// The service of this number; nil when it has left the list.
    subscript(_ id: ServiceID) -> ServiceControl? { byID[id] }

    /// The service of this name; nil when there is none on the list.
    subscript(_ name: String) -> ServiceControl? { all.first { $0.name == name } }

    /// The number of each service on the list.
    var ids: [String: ServiceID] {
        Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.id) })
    }

    /// The name of a service that exists or is still in the journal; empty for others.
    func name(of id: ServiceID) -> String { names[id] ?? "" }

    // MARK: - Changing

    /// Follows names and this machine's files from now on, and starts all services. `onNames` is
    /// called when the address of a name has changed.
    func start(log: @escaping () -> Log, onNames: @escaping () -> Void) {
        factory.start(log: log, onChange: onNames)
        for service in all where !service.isRunning { service.start() }
    }

    /// Makes the sources of a service that is new or gets other ones.
    ///
    /// - Throws: `DomainNameError` for a name that DNS can't hold.
    func makeSources(_ service: Service) throws(DomainNameError) -> [any Source] {
        let sources = try factory.makeSources(service)
        guard let deployed = surroundings.deployed[service] else { return sources }
        return [
            DeployedSource(deployed.instances, inPlaceOf: sources.first?.summary ?? "a list")
        ]
    }

    /// Asks registries by the TLS of `configuration` from now on.
    func setTLS(of configuration: Configuration) { factory.setTLS(of: configuration) }

    /// Puts a service on the list. One of the same name that is leaving comes back with its
    /// backends; otherwise the service gets a number that was never used before. A new one is not
    /// started, since the workers must know it first.
    func add(_ service: Service, sources: [any Source]) -> ServiceControl {
        if let place = leaving.firstIndex(where: { $0.name == service.name }) {
            let control = leaving.remove(at: place)
            let change = ConfigurationChange.ServiceChange(from: control.settings, to: service)
            control.update(to: service, sources: change.sources ? sources : nil)
            enlist(control)
            return control
        }
        let roster = Roster(
            service: ServiceID(index: nextIndex), options: service.rosterOptions,
            places: sources.count, ids: backendIDs, journal: surroundings.journal)
        nextIndex += 1
        surroundings.registry.addService(roster.service.index)
        let control = ServiceControl(service, roster: roster, sources: sources, in: surroundings)
        enlist(control)
        return control
    }

    private func enlist(_ control: ServiceControl) {
        all.append(control)
        byID[control.id] = control
        names[control.id] = control.name
    }

    /// Takes a service off the list. It runs on until `retireLeaving`.
    func remove(_ name: String) {
        guard let place = all.firstIndex(where: { $0.name == name }) else { return }
        leaving.append(all.remove(at: place))
    }

    /// Brings the list into the order of these names.
    func order(by names: [String]) {
        let places = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        all.sort { places[$0.name, default: .max] < places[$1.name, default: .max] }
    }

    /// Removes answers of services that are not on the list from the state file.
    func forgetAnswers() {
        surroundings.stateFile?.forget { self[$0.service] != nil }
    }

    // MARK: - Leaving

    /// Retires leaving services except `staying`: no listener names them any more. What is in
    /// flight on them finishes.
    func retireLeaving(now: ContinuousClock.Instant, except staying: Set<ServiceID> = []) {
        for control in leaving where !staying.contains(control.id) {
            retired?.add(control, now: now)
            byID[control.id] = nil
        }
        leaving = leaving.filter { staying.contains($0.id) }
        retired?.lookSoon()
    }

    /// How many services still finish what is in flight.
    var retiredCount: Int { retired?.count ?? 0 }

    private func forgetNames() {
        var named = Set(surroundings.journal.entries.map(\.service))
        named.formUnion((all + leaving).map(\.id))
        names = names.filter { named.contains($0.key) }
    }
}
