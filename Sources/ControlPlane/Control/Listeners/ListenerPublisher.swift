// ListenerPublisher: brings the workers' listeners in line with the configuration. New listeners
// accept, and changed ones get their routes, as soon as each service that they newly name has a
// backend or has had its time to find one. Removed listeners drain. The same message removes
// services that no listener names any more.
//
// Another change may come while one waits: what is published is always the difference between what
// the workers have and what is wanted at that moment.

internal import Backends
internal import Configuration
internal import Endpoints
internal import Events
internal import Proxy
internal import Stats
internal import Traffic
internal import Wording

/// The listeners of this process. Control thread only.
final class ListenerPublisher {
    /// The listeners that the workers have.
    private(set) var published: PublishedListeners
    /// Open addresses whose listeners are still to be published.
    private(set) var sockets = AwaitedSockets()
    /// Called before each publishing, with the listeners that are to be published.
    var onPublishing: ([Listener]) -> Void = { _ in }
    /// Called after each publishing, with the services to which listeners now send requests
    /// although they have no backend.
    var onPublished: ([ServiceControl]) -> Void = { _ in }
    /// The configuration whose listeners are wanted.
    private var wanted: Configuration
    /// The wait of `wanted` for backends; nil only during `init`.
    private(set) var wait: BackendWait?
    private let workers: ProxyWorkers
    private let services: ServiceSet
    private let certificates: CertificateStore
    private let registry: StatsRegistry
    private let log: () -> Log

    /// Begins with the listeners of `configuration`, which the workers were made with as `options`,
    /// each at one of `workers.endpoints`.
    init(
        _ configuration: Configuration, _ options: [ListenerOptions], of workers: ProxyWorkers,
        _ services: ServiceSet, _ certificates: CertificateStore, _ registry: StatsRegistry,
        on loop: EventLoop, log: @escaping () -> Log
    ) {
        published = PublishedListeners(
            configuration.listeners, options, at: workers.endpoints, services: services.ids)
        wanted = configuration
        self.workers = workers
        self.services = services
        self.certificates = certificates
        self.registry = registry
        self.log = log
        wait = BackendWait(
            on: loop, until: { [unowned self] in servicesWithoutBackends.isEmpty },
            { [unowned self] in publishWanted() })
        certificates.onChange = { [unowned self] in publishCertificates() }
    }

    /// Logs the listeners that accept connections from the start.
    func logOpen() {
        for entry in published.entries { logOpen(entry) }
    }

    // MARK: - Changing

    /// Opens the addresses that the listeners of a new configuration need and that this process
    /// does not have yet. Call `publish` next.
    ///
    /// - Throws: why one can't be had; nothing has changed then.
    func open(for listeners: [Listener]) throws(ChangeRefusal) {
        try sockets.open(for: listeners, beside: published, by: workers)
    }

    /// Publishes the listeners of `new`, now or as soon as their services have backends.
    func publish(_ new: Configuration) {
        wanted = new
        publishWhenReady()
    }

    /// A service may have its first backend: publishes what waited for it.
    func servicesChanged() { wait?.look() }

    /// Publishes nothing any more, and closes the addresses that wait: the process is stopping.
    func stop() {
        wait?.stop()
        sockets.close()
    }

    private func publishWhenReady() {
        wait?.begin()
        wait?.look()
    }

    private func publishWanted() {
        let without = servicesWithoutBackends
        onPublishing(wanted.listeners)
        let update = published.update(
            to: wanted.listeners, services: services.ids, workers: wanted.workers,
            tls: certificates.serving, sockets: sockets.removeAll())
        certificates.forget(except: wanted.listeners)
        for opening in update.opened {
            let number = opening.options.index
            registry.addListener(number, continuing: update.continued[number])
        }
        // The last requests of closed listeners still go to their services.
        let staying = published.closingServiceIDs
        var change = ProxyChange()
        change.listeners = update.changed
        change.opened = update.opened
        change.closed = update.closed.map(\.number)
        change.drainLimit = wanted.stopTimeout
        change.removed = services.leaving.map(\.id).filter { !staying.contains($0) }
        if !change.isEmpty { workers.publish(change) }
        services.retireLeaving(now: .now, except: staying)
        logUpdate(update)
        onPublished(without)
    }

    /// Gives the workers the certificates that are new of listeners which they have.
    private func publishCertificates() {
        var change = ProxyChange()
        change.certificates = published.updateCertificates(certificates.serving)
        if !change.isEmpty { workers.publish(change) }
    }

    /// Services that wanted listeners name, published ones don't, and that have no backend.
    private var servicesWithoutBackends: [ServiceControl] {
        let known = published.serviceIDs
        // What gets copies alone holds up nobody.
        let named = Set(wanted.listeners.flatMap(\.neededServiceNames))
        return services.all.filter { service in
            named.contains(service.name) && !known.contains(service.id)
                && !service.roster.hasMembers
        }
    }

    /// A worker's last connection of this closed listener has ended. After the last worker's, its
    /// counters end, and services that only it named may go.
    func listenerClosed(_ number: Int) {
        guard let listener = published.hasClosed(number) else { return }
        registry.removeListener(number)
        log().write(
            .info, "listener.closed",
            ["listener": listener.name, "listen": "\(listener.endpoint)"])
        guard !services.leaving.isEmpty else { return }
        publishWhenReady()
    }

    // MARK: - Log

    private func logUpdate(_ update: PublishedListeners.Update) {
        for listener in update.changed {
            log().write(
                .info, "listener.changed",
                [
                    "listener": listener.name,
                    "service": published.serviceNames(of: listener.index).joined(separator: ","),
                ])
        }
        let numbers = Set(update.opened.map(\.options.index))
        for entry in published.entries where numbers.contains(entry.options.index) {
            logOpen(entry)
        }
        for listener in update.closed {
            log().write(
                .info, "listener.closing",
                [
                    "listener": listener.name, "listen": "\(listener.endpoint)",
                    "limit": wanted.stopTimeout.spoken,
                ])
        }
    }

    private func logOpen(_ entry: PublishedListeners.Entry) {
        log().write(
            .info, "listener.open",
            [
                "listen": "\(entry.endpoint)", "listener": entry.settings.name,
                "mode": entry.settings.mode.rawValue,
                "service": entry.settings.serviceNames.joined(separator: ","),
            ])
    }
}
