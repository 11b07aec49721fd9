// Registration: registers this process as a service in Consul, so that others find Fairlead as
// Fairlead finds its backends.

internal import Backends
internal import Configuration
internal import Consul
internal import Endpoints
internal import Events
internal import Glibc

/// The registration of this process with the local agent, if the configuration asks for one.
/// Control thread only.
final class Registration {
    /// Nil when the configuration asks for none.
    private let registration: ConsulRegistration?
    /// Divides limits among those that are registered as this process is; nil where it is not.
    let sharing: RateSharing?
    private let log: () -> Log

    /// Asks nothing yet. `first` is where the first listener is; nil when there is none. `start` is
    /// when the process began.
    init(
        _ configuration: Configuration, listeningOn first: Endpoint?, agents: ConsulAgents,
        _ journal: Journal, on loop: EventLoop, start: ProcessTime, log: @escaping () -> Log
    ) {
        registration = first.flatMap {
            ConsulRegistration.Service(configuration, listeningOn: $0, start)
        }.map { ConsulRegistration($0, agents: agents) }
        sharing = registration.map {
            RateSharing($0.service, agents, journal, on: loop, log: log)
        }
        self.log = log
    }

    /// Registers this process. Call it once the listeners are open, since clients come from then
    /// on.
    func start() {
        guard let registration else { return }
        registration.start()
        let service = registration.service
        log().write(
            .info, "consul.registering",
            ["service": service.name, "id": service.id, "port": "\(service.port)"])
    }

    /// Deregisters, and calls `completion` when that is done or its time is over; at once without a
    /// registration.
    func end(completion: @escaping () -> Void) {
        guard let registration else {
            completion()
            return
        }
        registration.deregister { [unowned self] isConfirmed in
            log().write(
                isConfirmed ? .info : .warning, "consul.deregistered",
                ["confirmed": isConfirmed ? "yes" : "no"])
            completion()
        }
    }

    /// Leaves the registration to the process that takes over.
    func abandon() { registration?.abandon() }
}

extension ConsulRegistration.Service {
    /// What `configuration` has this process registered as; nil for nothing.
    fileprivate init?(
        _ configuration: Configuration, listeningOn first: Endpoint, _ start: ProcessTime
    ) {
        let settings = configuration.consul.register
        guard let name = settings.name else { return nil }
        let port = settings.port ?? first.port
        self.init(id: "\(name)-\(hostName())-\(port)", name: name, port: port)
        tags = settings.tags
        address = settings.address
        meta = ["fairlead": fairleadVersion]
        if configuration.shareAddresses {
            // Another process may register the same service before this one goes.
            holder = "\(getpid())-\(start.wall)"
        }
        if let path = settings.checkPath {
            // The agent runs on this machine; a listener on one address is checked at that address.
            let address = first.address.isWildcard ? IPAddress.loopback : first.address
            check = .http("http://\(Endpoint(address, port))\(path)")
        }
    }
}
