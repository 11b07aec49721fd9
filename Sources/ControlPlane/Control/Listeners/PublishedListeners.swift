// PublishedListeners: the listeners that the workers have, so that a change publishes only what
// differs and compiles no route table twice. Pure.
//
// A listener has a name and a number that is never used again. When its address or mode changes, it
// is closed under its old number and opened under a new one, and its counters continue. An address
// that another listener gives up in the same change is handed over, so that it is listened on all
// the while.

internal import Backends
internal import Configuration
internal import Endpoints
internal import Proxy
internal import TLS

/// The listeners that were published to the workers. Control thread only.
struct PublishedListeners {
    /// In the order of the configuration.
    private(set) var entries: [Entry]
    /// Listeners that accept no more and may still have connections.
    private(set) var closing: [Closing] = []
    private var nextNumber: Int

    /// One listener.
    struct Entry {
        /// Its configuration.
        fileprivate(set) var settings: Listener
        /// The numbers of the services that it names.
        fileprivate(set) var services: [String: ServiceID]
        /// What was published to the workers.
        fileprivate(set) var options: ListenerOptions
        /// Where it is, with the port that the kernel chose for port 0.
        let endpoint: Endpoint
    }

    /// A listener that was closed.
    struct Closing {
        let number: Int
        let name: String
        let endpoint: Endpoint
        /// The services to which its last requests go.
        let services: Set<ServiceID>
        /// Workers on which it may still have connections.
        fileprivate(set) var workersLeft: Int
    }

    /// What to publish to the workers, and what to log and count.
    struct Update {
        var changed: [ListenerOptions] = []
        var opened: [ProxyChange.Opening] = []
        var closed: [Closing] = []
        /// The number of the listener whose counters an opened one continues, by the opened one's
        /// number.
        var continued: [Int: Int] = [:]
    }

    /// The listeners at the start: `settings` as they became `options`, at `endpoints`.
    init(
        _ settings: [Listener], _ options: [ListenerOptions], at endpoints: [Endpoint],
        services: [String: ServiceID]
    ) {
        entries = zip(zip(settings, options), endpoints).map { listener, endpoint in
            Entry(
                settings: listener.0, services: listener.0.services(of: services),
                options: listener.1, endpoint: endpoint)
        }
        nextNumber = entries.count
    }

    // MARK: - Where a listener's connections are to come from

    private enum Origin: Equatable {
        /// The listener at this place is kept, or at least its sockets are.
        case place(Int)
        /// An address that has to be opened.
        case new
    }

    private func origin(of listener: Listener, among all: [String: Listener]) -> Origin {
        if let place = entries.firstIndex(where: {
            $0.settings.name == listener.name && $0.settings.listen == listener.listen
        }) {
            return .place(place)
        }
        // Port 0 asks for any port, so a new one is opened.
        guard listener.listen.port != 0,
            let place = entries.firstIndex(where: { $0.settings.listen == listener.listen }),
            all[entries[place].settings.name]?.listen != listener.listen
        else { return .new }
        return .place(place)
    }

    /// The listeners of `listeners` whose addresses have to be opened before they can be published.
    func unopened(of listeners: [Listener]) -> [Listener] {
        let all = Dictionary(uniqueKeysWithValues: listeners.map { ($0.name, $0) })
        return listeners.filter { origin(of: $0, among: all) == .new }
    }

    /// Whether this process listens on `endpoint`, or a part of it, or may still do so.
    func overlaps(_ endpoint: Endpoint) -> Bool {
        entries.contains { $0.endpoint.overlaps(endpoint) }
            || closing.contains { $0.endpoint.overlaps(endpoint) }
    }

    // MARK: - Changing

    /// Makes `listeners` the published ones. `tls` says what their clients are shown; `sockets` has
    /// those of each listener that is `unopened`, by name. Returns what to publish to the workers.
    mutating func update(
        to listeners: [Listener], services: [String: ServiceID], workers: Int,
        tls: (Listener) -> TLSServing?, sockets: [String: ListenerSockets] = [:]
    ) -> Update {
        let all = Dictionary(uniqueKeysWithValues: listeners.map { ($0.name, $0) })
        var update = Update()
        var next: [Entry] = []
        var kept: Set<Int> = []
        for new in listeners {
            let named = new.services(of: services)
            switch origin(of: new, among: all) {
            case .place(let place)
            where entries[place].settings.name == new.name
                && entries[place].settings.mode == new.mode:
                kept.insert(place)
                var entry = entries[place]
                let certificates = tls(new)
                if new != entry.settings || named != entry.services
                    || certificates !== entry.options.tls
                {
                    let hasSameRoutes =
                        new.hasRules(of: entry.settings) && named == entry.services
                    entry.options = ListenerOptions(
                        new, index: entry.options.index, services: services, workers: workers,
                        routes: hasSameRoutes ? entry.options.routes : nil,
                        tls: certificates, keeping: entry.options)
                    entry.settings = new
                    entry.services = named
                    update.changed.append(entry.options)
                }
                next.append(entry)
            case .place(let place):
                let old = entries[place]
                next.append(
                    open(
                        new, .successor(of: old.options.index), at: old.endpoint, services,
                        workers, tls(new), &update))
            case .new:
                guard let opened = sockets[new.name] else { continue }
                next.append(
                    open(
                        new, .sockets(opened), at: opened.endpoint, services, workers, tls(new),
                        &update))
            }
        }
        for (place, entry) in entries.enumerated() where !kept.contains(place) {
            update.closed.append(
                Closing(
                    number: entry.options.index, name: entry.settings.name,
                    endpoint: entry.endpoint, services: Set(entry.services.values),
                    workersLeft: workers))
        }
        closing += update.closed
        entries = next
        return update
    }

    /// Takes what clients are shown from `tls`, for listeners that speak TLS. Returns what is
    /// different, by the numbers of listeners.
    mutating func updateCertificates(_ tls: (Listener) -> TLSServing?) -> [Int: TLSServing] {
        var changed: [Int: TLSServing] = [:]
        for place in entries.indices {
            guard let new = tls(entries[place].settings), new !== entries[place].options.tls else {
                continue
            }
            entries[place].options.tls = new
            changed[entries[place].options.index] = new
        }
        return changed
    }

    private mutating func open(
        _ listener: Listener, _ origin: ProxyChange.Opening.Origin, at endpoint: Endpoint,
        _ services: [String: ServiceID], _ workers: Int, _ tls: TLSServing?,
        _ update: inout Update
    ) -> Entry {
        let options = ListenerOptions(
            listener, index: nextNumber, services: services, workers: workers, tls: tls)
        nextNumber += 1
        update.opened.append(ProxyChange.Opening(options, origin))
        if let before = entries.first(where: { $0.settings.name == listener.name }) {
            update.continued[options.index] = before.options.index
        }
        return Entry(
            settings: listener, services: listener.services(of: services), options: options,
            endpoint: endpoint)
    }

    /// Counts a worker on which the closed listener of this number has no connections left. Returns
    /// the listener when that was the last worker.
    mutating func hasClosed(_ number: Int) -> Closing? {
        guard let place = closing.firstIndex(where: { $0.number == number }) else { return nil }
        closing[place].workersLeft -= 1
        return closing[place].workersLeft == 0 ? closing.remove(at: place) : nil
    }

    // MARK: - Looking up

    /// The names of the services to which requests of the listener with this number go.
    func serviceNames(of index: Int) -> [String] {
        entries.first { $0.options.index == index }?.settings.serviceNames ?? []
    }

    /// The services to which requests go.
    var serviceIDs: Set<ServiceID> { Set(entries.flatMap(\.services.values)) }

    /// The services to which the last requests of closed listeners go.
    var closingServiceIDs: Set<ServiceID> {
        closing.reduce(into: []) { $0.formUnion($1.services) }
    }
}

extension Listener {
    /// The numbers of the services that it names, out of all.
    fileprivate func services(of all: [String: ServiceID]) -> [String: ServiceID] {
        var named: [String: ServiceID] = [:]
        for name in serviceNames { named[name] = all[name] }
        return named
    }
}
