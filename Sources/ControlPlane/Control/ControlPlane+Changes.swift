// ControlPlane+Changes: another configuration takes the place of the one that runs, and no request
// is dropped for it. In this order:
//
// 1. Everything that could be refused is found out; a refusal changes nothing.
// 2. Workers hear of new services, and of options of known ones; then the new services begin to ask
//    and to check, and changed ones go on with their backends.
// 3. As soon as each service that a listener newly names has a backend to send requests to, or has
//    had its time to find one, listeners get their routes, new ones accept, removed ones drain, and
//    what no listener names goes: its source and checks end, what is in flight on it finishes, and
//    then its series end.
//
// Step 3 may come much later than 2, and another change in between: it is always taken from what
// was published last to what is wanted by then. Addresses of new listeners are opened in step 1, so
// that one that can't be had refuses the whole; until step 3 connections wait there.

internal import Backends
internal import Configuration
internal import DNSWire
internal import Endpoints
internal import Events
internal import Health
internal import InstanceSources
internal import Proxy
internal import Stats
internal import Traffic
internal import Wording

extension ControlPlane {
    /// Makes `new`, which is valid, the configuration that runs. Returns how it differs from the
    /// one before.
    ///
    /// - Throws: why it can't be; nothing has changed then.
    @discardableResult
    func apply(_ new: Configuration) throws(ChangeRefusal) -> ConfigurationChange {
        if isDraining {
            throw ChangeRefusal(
                reasons: [.init(key: "all", why: "Fairlead is stopping", needsStart: false)])
        }
        let change = try ConfigurationChange(from: configuration, to: new)
        let sources = try makeSources(change)
        // The last that can be refused, since it takes something of the system.
        try openListeners(new.listeners)
        // What was set by hand stays until the configuration says something else.
        if new.log != configuration.log { log = Log(new.log) }
        configuration = new
        checker.rate = new.checks.rate
        services.order(by: new.services.map(\.name))
        guard !change.isEmpty else { return change }

        let isStarted = hasStarted
        isApplying = true
        let added = change.added.compactMap { service in
            sources[service.name].map { services.add(service, sources: $0) }
        }
        tellWorkers(added, change.changed)
        for service in added where !service.isRunning {
            service.roster.serviceAdded(now: .now)
            if isStarted { service.start() }
        }
        for changed in change.changed {
            let name = changed.service.name
            services[name]?.update(to: changed.service, sources: sources[name])
        }
        for name in change.removed { services.remove(name) }
        services.order(by: new.services.map(\.name))
        forgetAnswers()
        isApplying = false

        note(change)
        isPublishingDue = true
        // Not restarted by each change: many in a row must not put off the first.
        if publishingTimer?.isScheduled == false {
            publishingTimer?.schedule(after: publishingLimit)
        }
        publishListeners()
        return change
    }

    /// Keeps no answers of services that are not on the list.
    func forgetAnswers() {
        services.stateFile?.forget { services[$0.service] != nil }
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

    private func tellWorkers(
        _ added: [ServiceControl], _ changed: [ConfigurationChange.ServiceChange]
    ) {
        var told = ProxyChange()
        for service in added {
            let options = ServiceOptions(
                service.settings, id: service.id, workers: configuration.workers)
            // One that came back before it had left is known to them.
            if service.isRunning {
                told.changed.append(options)
            } else {
                told.added.append(options)
            }
        }
        for change in changed where change.proxy {
            guard let service = services[change.service.name] else { continue }
            told.changed.append(
                ServiceOptions(
                    change.service, id: service.id, workers: configuration.workers))
        }
        if !told.isEmpty { workers.publish(told) }
    }

    private func note(_ change: ConfigurationChange) {
        log.write(
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

    // MARK: - Listeners

    /// Opens the addresses that `wanted` need and nobody of this process has; those that were
    /// opened for an earlier change, and are not wanted any more, are closed.
    ///
    /// - Throws: why one can't be had; nothing has changed then.
    private func openListeners(_ wanted: [Listener]) throws(ChangeRefusal) {
        var spare = openedSockets.values.map(\.self)
        var opened: [String: OpenedSockets] = [:]
        var fresh: [ListenerSockets] = []
        for listener in listeners.unopened(of: wanted) {
            if let place = spare.firstIndex(where: { $0.asked == listener.listen }) {
                opened[listener.name] = spare.remove(at: place)
                continue
            }
            let isOwn =
                listeners.overlaps(listener.listen)
                || spare.contains { $0.sockets.endpoint.overlaps(listener.listen) }
            do throws(ListenFailure) {
                let sockets = try workers.open(
                    listener.listen, limits: listener.policy.timeouts.peerLimits(listener.mode),
                    besideOwn: isOwn)
                fresh.append(sockets)
                opened[listener.name] = OpenedSockets(asked: listener.listen, sockets: sockets)
            } catch {
                for sockets in fresh { sockets.close() }
                let failure = StartFailure(listeningOn: error.endpoint, error.error)
                throw ChangeRefusal(
                    reasons: [
                        .init(
                            key: "listeners.\(listener.name).listen", why: "\(failure)",
                            needsStart: false)
                    ])
            }
        }
        for leftOver in spare { leftOver.sockets.close() }
        openedSockets = opened
    }

    /// Publishes what listeners are to do, unless a service that they newly name is still without
    /// backends and may get some; `isLate` when the time for that is over.
    func publishListeners(isLate: Bool = false) {
        guard isPublishingDue, !isApplying, !isDraining else { return }
        let without = servicesWithoutBackends
        guard without.isEmpty || isLate else { return }
        isPublishingDue = false
        publishingTimer?.cancel()

        let update = listeners.update(
            to: configuration.listeners, services: services.ids, workers: configuration.workers,
            sockets: openedSockets.mapValues(\.sockets))
        openedSockets = [:]
        for opening in update.opened {
            let number = opening.options.index
            registry.addListener(number, continuing: update.continued[number])
        }
        // The last requests of closed listeners go where they went.
        let staying = listeners.closingServiceIDs
        var told = ProxyChange()
        told.listeners = update.changed
        told.opened = update.opened
        told.closed = update.closed.map(\.number)
        told.drainLimit = configuration.stopTimeout
        told.removed = services.leaving.map(\.id).filter { !staying.contains($0) }
        if !told.isEmpty { workers.publish(told) }
        services.retireLeaving(now: .now, except: staying)
        note(update)
        for service in without { journalLog?.noteWithoutBackends(service) }
        journalLog?.write()
    }

    private func note(_ update: PublishedListeners.Update) {
        for listener in update.changed {
            log.write(
                .info, "listener.changed",
                [
                    "listener": listener.name,
                    "service": listeners.serviceNames(of: listener.index).joined(separator: ","),
                ])
        }
        let numbers = Set(update.opened.map(\.options.index))
        for entry in listeners.entries where numbers.contains(entry.options.index) {
            noteOpen(entry)
        }
        for listener in update.closed {
            log.write(
                .info, "listener.closing",
                [
                    "listener": listener.name, "listen": "\(listener.endpoint)",
                    "limit": configuration.stopTimeout.spoken,
                ])
        }
    }

    /// Writes that a listener accepts connections.
    func noteOpen(_ entry: PublishedListeners.Entry) {
        log.write(
            .info, "listener.open",
            [
                "listen": "\(entry.endpoint)", "listener": entry.settings.name,
                "mode": entry.settings.mode.rawValue,
                "service": entry.settings.serviceNames.joined(separator: ","),
            ])
    }

    /// A worker has no connections of this closed listener any more. When none has, its series end,
    /// and services that only it named may go.
    func listenerClosed(_ number: Int) {
        guard let listener = listeners.hasClosed(number) else { return }
        registry.removeListener(number)
        log.write(
            .info, "listener.closed",
            ["listener": listener.name, "listen": "\(listener.endpoint)"])
        guard !services.leaving.isEmpty else { return }
        isPublishingDue = true
        publishListeners()
    }

    /// Closes addresses that were opened for listeners that nobody will publish any more.
    func closeOpenedSockets() {
        for opened in openedSockets.values { opened.sockets.close() }
        openedSockets = [:]
    }

    /// The services that listeners are to name, do not name yet, and that have no backend to give.
    private var servicesWithoutBackends: [ServiceControl] {
        let published = listeners.serviceIDs
        let named = Set(configuration.listeners.flatMap(\.serviceNames))
        return services.all.filter { service in
            named.contains(service.name) && !published.contains(service.id)
                && !service.roster.hasMembers
        }
    }
}

/// An address that was opened for a listener that is still to be published.
struct OpenedSockets {
    /// The address as the configuration has it, which may leave the port to the kernel.
    let asked: Endpoint
    let sockets: ListenerSockets
}
