// ListenerPublisher: brings the workers' listeners up to what the configuration says. New listeners
// accept, and changed ones get their routes, as soon as each service that they newly name has a
// backend to send requests to, or has had its time to find one. Removed listeners drain; a service
// that no listener names any more goes with the same message.
//
// Another change may come in between: publishing always goes from what was published last to what
// is wanted by then.

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
    /// The listeners as the workers have them.
    private(set) var published: PublishedListeners
    /// Addresses that are open for listeners which are still to be published.
    private(set) var sockets = AwaitedSockets()
    /// Called after each publishing, with the services to which listeners now send requests
    /// although they have no backend.
    var onPublished: ([ServiceControl]) -> Void = { _ in }
    /// What the listeners are to become.
    private var wanted: Configuration
    /// While that waits to be published; nil only while this is made.
    private(set) var wait: BackendWait?
    private let workers: ProxyWorkers
    private let services: ServiceSet
    private let registry: StatsRegistry
    private let log: () -> Log

    /// The listeners of `configuration` as the workers were made with them: as `options`, each at
    /// one of `workers.endpoints`.
    init(
        _ configuration: Configuration, _ options: [ListenerOptions], of workers: ProxyWorkers,
        _ services: ServiceSet, _ registry: StatsRegistry, on loop: EventLoop,
        log: @escaping () -> Log
    ) {
        published = PublishedListeners(
            configuration.listeners, options, at: workers.endpoints, services: services.ids)
        wanted = configuration
        self.workers = workers
        self.services = services
        self.registry = registry
        self.log = log
        wait = BackendWait(
            on: loop, until: { [unowned self] in servicesWithoutBackends.isEmpty },
            { [unowned self] in publishWanted() })
    }

    /// Writes which listeners accept connections from the start.
    func logOpen() {
        for entry in published.entries { logOpen(entry) }
    }

    // MARK: - Changing

    /// Opens the addresses that the listeners of a new configuration need and that nobody of this
    /// process has. `publish` follows.
    ///
    /// - Throws: why one can't be had; nothing has changed then.
    func open(for listeners: [Listener]) throws(ChangeRefusal) {
        try sockets.open(for: listeners, beside: published, by: workers)
    }

    /// Makes the listeners what `new` says, now or as soon as their services have backends.
    func publish(_ new: Configuration) {
        wanted = new
        publishWhenReady()
    }

    /// Publishes what waits if it need not wait any more: a service may have backends by now.
    func servicesChanged() { wait?.look() }

    /// Publishes nothing more, and closes the addresses that wait: the process ends.
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
        let update = published.update(
            to: wanted.listeners, services: services.ids, workers: wanted.workers,
            sockets: sockets.removeAll())
        for opening in update.opened {
            let number = opening.options.index
            registry.addListener(number, continuing: update.continued[number])
        }
        // The last requests of closed listeners go where they went.
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

    /// The services that listeners are to name, do not name yet, and that have no backend to give.
    private var servicesWithoutBackends: [ServiceControl] {
        let known = published.serviceIDs
        let named = Set(wanted.listeners.flatMap(\.serviceNames))
        return services.all.filter { service in
            named.contains(service.name) && !known.contains(service.id)
                && !service.roster.hasMembers
        }
    }

    /// A worker has no connections of this closed listener any more. When none has, its series end,
    /// and services that only it named may go.
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
