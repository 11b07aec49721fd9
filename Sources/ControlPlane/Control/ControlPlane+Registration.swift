// ControlPlane+Registration: this process as a service in Consul, for those who find Fairlead there
// as Fairlead finds its backends.

internal import Configuration
internal import Consul
internal import Endpoints
internal import Glibc

extension ControlPlane {
    /// Registers this process with the local agent, if the configuration says so; after the
    /// listeners are open, as others come from then on.
    func register() {
        let settings = running.current.consul.register
        guard let name = settings.name, let first = listenerEndpoints.first else { return }
        let port = settings.port ?? first.port
        var service = ConsulRegistration.Service(
            id: "\(name)-\(Self.hostName)-\(port)", name: name, port: port)
        service.tags = settings.tags
        service.address = settings.address
        service.meta = ["fairlead": fairleadVersion]
        if running.current.shareAddresses {
            // Another process may register the same before this one goes.
            service.holder = "\(getpid())-\(startedAt.wall)"
        }
        if let path = settings.checkPath {
            // The agent is beside us; a listener on one address is checked there.
            let address = first.address.isWildcard ? IPAddress.loopback : first.address
            service.check = .http("http://\(Endpoint(address, port))\(path)")
        }
        let registration = ConsulRegistration(service, agents: factory.agents)
        self.registration = registration
        registration.start()
        log.current().write(
            .info, "consul.registering", ["service": name, "id": service.id, "port": "\(port)"])
    }

    /// Takes the registration back, and calls `completion` when that is done or had its time; at
    /// once without one.
    func deregister(completion: @escaping () -> Void) {
        guard let registration else {
            completion()
            return
        }
        registration.deregister { [unowned self] isConfirmed in
            log.current().write(
                isConfirmed ? .info : .warning, "consul.deregistered",
                ["confirmed": isConfirmed ? "yes" : "no"])
            completion()
        }
    }

    /// What this machine, or container, is called: it keeps registrations of several apart.
    private static var hostName: String {
        var bytes = [CChar](repeating: 0, count: 256)
        // The kernel writes at most `count` bytes; a name of that length may lack its NUL.
        guard unsafe gethostname(&bytes, bytes.count - 1) == 0 else { return "unknown" }
        let name = bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        return String(decoding: name, as: UTF8.self)
    }
}
