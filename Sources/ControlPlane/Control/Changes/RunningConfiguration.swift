// RunningConfiguration: replaces the running configuration without dropping a request, in this
// order:
//
// 1. Everything that could be refused is found out; a refusal changes nothing.
// 2. Workers get the new services, and the new options of known ones; then the new services begin
//    to ask and to check, and changed ones go on with their backends.
// 3. As soon as each service that a listener newly names has a backend to send requests to, or has
//    had its time to find one, listeners get their routes, new ones accept, removed ones drain, and
//    what no listener names goes: its source and checks end, what is in flight on it finishes, and
//    then its series end.
//
// Step 3 may come much later than step 2, with another change in between; see
// ListenerPublisher.swift. Step 1 opens the addresses of new listeners, so that an address that is
// not available refuses the whole change; until step 3 connections wait there.

internal import Backends
internal import Configuration
internal import DNSWire
internal import Health
internal import InstanceSources
internal import Proxy

/// The configuration that runs. Control thread only.
final class RunningConfiguration {
    /// What runs. Listeners may be a step behind, see `ListenerPublisher.published`.
    private(set) var current: Configuration
    private let log: CurrentLog
    private let services: ServiceSet
    private let workers: ProxyWorkers
    let certificates: CertificateStore
    let publisher: ListenerPublisher
    let checker: HealthChecker
    let ticketKeys: TicketKeyFollower
    /// Moves with the configuration; nil until `ControlPlane` has connected it, which keeps it.
    weak var healthPort: HealthPort?
    /// Traces as the configuration says; nil until `ControlPlane` has connected it, which keeps it.
    weak var traces: TraceExporter?
    /// Called after each change, with what differs.
    var onApplied: (ConfigurationChange) -> Void = { _ in }
    /// Whether `apply` is at work; services that it starts or changes call back meanwhile.
    private var isApplying = false
    /// Whether the process is stopping, so that changes are refused.
    private(set) var isStopped = false

    /// Starts with `current`, with which the other owners were made.
    init(
        _ current: Configuration, _ log: CurrentLog, _ services: ServiceSet,
        _ workers: ProxyWorkers, _ certificates: CertificateStore,
        _ publisher: ListenerPublisher, _ checker: HealthChecker, _ ticketKeys: TicketKeyFollower
    ) {
        self.current = current
        self.log = log
        self.services = services
        self.workers = workers
        self.certificates = certificates
        self.publisher = publisher
        self.checker = checker
        self.ticketKeys = ticketKeys
        ticketKeys.follow(current.ticketKeys)
    }

    /// Makes `new`, which is valid, the configuration that runs. Returns how it differs from the
    /// one before.
    ///
    /// - Throws: why it can't be; nothing has changed then.
    @discardableResult
    func apply(_ new: Configuration) throws(ChangeRefusal) -> ConfigurationChange {
        if isStopped {
            throw ChangeRefusal(
                reasons: [.init(key: "all", why: "Fairlead is stopping", needsStart: false)])
        }
        var change = try ConfigurationChange(from: current, to: new)
        let sources = try makeSources(change)
        // Addresses come last of what can be refused, since they are resources of the system.
        let move = try healthPort?.prepare(new.health)
        do throws(ChangeRefusal) {
            try publisher.open(for: new.listeners)
        } catch {
            if let move { healthPort?.takeBack(move) }
            throw error
        }
        if let move { healthPort?.make(move) }
        // A level that was set by hand stays until the configuration changes its own.
        if new.log != current.log { log.set(new.log) }
        if let traces, new.traces != current.traces { workers.publish(traces.follow(new.traces)) }
        current = new
        checker.rate = new.checks.rate
        services.setTLS(of: new)
        ticketKeys.follow(new.ticketKeys)
        services.order(by: new.services.map(\.name))
        let renewed = certificates.set(new.certificates)
        certificates.follow(new.health)
        change.certificates = new.listeners.filter { listener in
            listener.tls.allSources.contains { renewed.contains($0) }
        }.map(\.name)
        guard !change.isEmpty else { return change }
        changeServices(change, sources)
        services.order(by: new.services.map(\.name))
        services.forgetAnswers()
        onApplied(change)
        logApplied(change)
        publisher.publish(new)
        return change
    }

    /// A service may have its first backend: publishes listeners that waited for it.
    func servicesChanged() {
        if !isApplying { publisher.servicesChanged() }
    }

    /// Refuses changes from now on: the process is stopping.
    func stop() {
        isStopped = true
        ticketKeys.stop()
        publisher.stop()
    }

    private func changeServices(_ change: ConfigurationChange, _ sources: [String: [any Source]]) {
        isApplying = true
        defer { isApplying = false }
        let added = change.added.compactMap { service in
            sources[service.name].map { services.add(service, sources: $0) }
        }
        publishServices(added, change.changed)
        for service in added where !service.isRunning {
            service.roster.serviceAdded(now: .now)
            service.start()
        }
        for changed in change.changed {
            let name = changed.service.name
            services[name]?.update(to: changed.service, sources: sources[name])
        }
        for name in change.removed { services.remove(name) }
    }

    /// The sources that `change` needs, by the names of services.
    private func makeSources(
        _ change: ConfigurationChange
    ) throws(ChangeRefusal) -> [String: [any Source]] {
        var sources: [String: [any Source]] = [:]
        let services = change.added + change.changed.filter(\.sources).map(\.service)
        for service in services {
            do throws(DomainNameError) {
                sources[service.name] = try self.services.makeSources(service)
            } catch {
                throw ChangeRefusal(
                    reasons: [
                        .init(
                            key: "services.\(service.name)", why: "\(error)", needsStart: false)
                    ])
            }
        }
        return sources
    }

    private func publishServices(
        _ added: [ServiceControl], _ changed: [ConfigurationChange.ServiceChange]
    ) {
        var published = ProxyChange()
        for service in added {
            let options = ServiceOptions(
                service.settings, id: service.id, workers: current.workers)
            // Workers still know a service that came back before it had left.
            if service.isRunning {
                published.changed.append(options)
            } else {
                published.added.append(options)
            }
        }
        for change in changed where change.proxy {
            guard let service = services[change.service.name] else { continue }
            published.changed.append(
                ServiceOptions(change.service, id: service.id, workers: current.workers))
        }
        if !published.isEmpty { workers.publish(published) }
    }

    private func logApplied(_ change: ConfigurationChange) {
        log.current().write(
            .info, "configuration.applied",
            [
                "services_added": "\(change.added.count)",
                "services_removed": "\(change.removed.count)",
                "services_changed": "\(change.changed.count)",
                "listeners_added": "\(change.addedListeners.count)",
                "listeners_removed": "\(change.removedListeners.count)",
                "listeners_changed": "\(change.listeners.count)",
            ])
    }
}
