// ControlPlane+Changes: another configuration takes the place of the one that runs, and no request is
// dropped for it. In this order:
//
// 1. Everything that could be refused is found out; a refusal changes nothing.
// 2. Workers hear of new services, and of options of known ones; then the new services begin to ask
//    and to check, and changed ones go on with their backends.
// 3. As soon as each service that a listener newly names has a backend to send requests to, or has had
//    its time to find one, listeners get their routes, and what they no longer name goes: its source
//    and checks end, what is in flight on it finishes, and then its series end.
//
// Step 3 may come much later than 2, and another change in between: it is always taken from what was
// published last to what is wanted by then.

import Backends
import Configuration
import DNSWire
import Discovery
import Events
import Health
import Proxy

extension ControlPlane {
    /// Makes `new`, which is valid, the configuration that runs. Returns how it differs from the one
    /// before.
    ///
    /// - Throws: why it can't be; nothing has changed then.
    @discardableResult
    func apply(_ new: Configuration) throws(ChangeRefusal) -> ConfigurationChange {
        if isDraining { throw ChangeRefusal(reasons: [.init(key: "all", why: "it is stopping")]) }
        let change = try ConfigurationChange(from: configuration, to: new)
        let sources = try makeSources(change)
        let isNewLevel = configuration.logLevel != new.logLevel
        configuration = new
        // One that was set by the admin port stays, unless this says something new.
        if isNewLevel { log = Log(level: new.logLevel) }
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
        isApplying = false

        note(change)
        isPublishingDue = true
        // Not anew with each change: many in a row must not put off the first.
        if publishingTimer?.isScheduled == false {
            publishingTimer?.schedule(after: publishingLimit)
        }
        publishListeners()
        return change
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
                    reasons: [.init(key: "services.\(service.name)", why: "\(error)")])
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
                "listeners_changed": "\(change.listeners.count)",
            ])
    }

    // MARK: - Listeners

    /// Publishes what listeners are to do, unless a service that they newly name is still without
    /// backends and may get some; `isLate` when the time for that is over.
    func publishListeners(isLate: Bool = false) {
        guard isPublishingDue, !isApplying else { return }
        let without = servicesWithoutBackends
        guard without.isEmpty || isLate else { return }
        isPublishingDue = false
        publishingTimer?.cancel()

        var told = ProxyChange()
        told.listeners = listeners.update(
            to: configuration.listeners, services: services.ids, workers: configuration.workers)
        told.removed = services.leaving.map(\.id)
        if !told.isEmpty { workers.publish(told) }
        services.retireLeaving(now: .now)
        for listener in told.listeners {
            log.write(
                .info, "listener.changed",
                [
                    "listener": listener.name,
                    "service": listeners.serviceNames(of: listener.index).joined(separator: ","),
                ])
        }
        for service in without {
            log.write(
                .warning, "service.empty",
                ["service": service.name, "what": "requests are sent to it, and it has no backend"])
        }
        logJournal()
    }

    /// The services that listeners are to name, do not name yet, and that have no backend to give.
    private var servicesWithoutBackends: [ServiceControl] {
        let published = listeners.serviceIDs
        let named = Set(configuration.listeners.flatMap(\.serviceNames))
        return services.all.filter { service in
            named.contains(service.name) && !published.contains(service.id)
                && service.roster.rotation.isEmpty
        }
    }
}
