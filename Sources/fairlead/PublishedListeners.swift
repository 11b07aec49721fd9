// PublishedListeners: the listeners as the workers have them, so that a change publishes no more than
// what it changed, and compiles no route table anew that would be the same. Pure.

import Backends
import Configuration
import Proxy

/// What the workers were told of the listeners. Control thread only.
struct PublishedListeners {
    /// In the order in which they were opened, which is that of their numbers.
    private(set) var entries: [Entry]

    /// One listener.
    struct Entry {
        /// What the configuration said.
        fileprivate(set) var settings: Listener
        /// The numbers of the services that it names.
        fileprivate(set) var services: [String: ServiceID]
        /// What the workers were told.
        fileprivate(set) var options: ListenerOptions
    }

    /// The listeners at the start: `settings` as they became `options`.
    init(_ settings: [Listener], _ options: [ListenerOptions], services: [String: ServiceID]) {
        entries = zip(settings, options).map { settings, options in
            Entry(
                settings: settings, services: settings.services(of: services), options: options)
        }
    }

    /// Makes `listeners`, which are the same in another state, what is published: as soon as it can
    /// be said of each service that they name. Returns what the workers have to be told.
    mutating func update(
        to listeners: [Listener], services: [String: ServiceID], workers: Int
    ) -> [ListenerOptions] {
        let settings = Dictionary(uniqueKeysWithValues: listeners.map { ($0.name, $0) })
        var changed: [ListenerOptions] = []
        for (place, entry) in entries.enumerated() {
            guard let new = settings[entry.settings.name] else { continue }
            let named = new.services(of: services)
            guard new != entry.settings || named != entry.services else { continue }
            let hasSameRoutes = new.routes == entry.settings.routes && named == entry.services
            let options = ListenerOptions(
                new, index: entry.options.index, services: services, workers: workers,
                routes: hasSameRoutes ? entry.options.routes : nil)
            entries[place] = Entry(settings: new, services: named, options: options)
            changed.append(options)
        }
        return changed
    }

    /// The names of the services to which requests of the listener with this number go.
    func serviceNames(of index: Int) -> [String] {
        entries.first { $0.options.index == index }?.settings.serviceNames ?? []
    }

    /// The services to which requests go.
    var serviceIDs: Set<ServiceID> { Set(entries.flatMap(\.services.values)) }
}

extension Listener {
    /// The numbers of the services that it names, out of all.
    fileprivate func services(of all: [String: ServiceID]) -> [String: ServiceID] {
        var named: [String: ServiceID] = [:]
        for name in serviceNames { named[name] = all[name] }
        return named
    }
}
