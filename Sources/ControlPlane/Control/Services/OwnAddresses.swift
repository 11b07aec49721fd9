// OwnAddresses: refuses backends that would be this process itself. Discovery may name anything, by
// mistake or on purpose. The admin port as a backend would be open to all clients, and so would the
// address for health and metrics. A listener as a
// backend of a service that it leads to would pass each request to itself until descriptors run
// out.

internal import Configuration
internal import Endpoints
internal import Events

/// Where this process listens, and for what. Value type, control thread.
struct OwnAddresses {
    /// A listener.
    struct Place {
        /// Its name.
        let name: String
        /// Where it listens.
        let endpoint: Endpoint
        /// The names of the services that it leads to.
        let services: Set<String>
    }

    /// Where the admin port is, at each of its addresses.
    var admin: [Endpoint] = []
    /// Where health and metrics alone are served.
    var health: [Endpoint] = []
    /// The listeners that are open.
    var listeners: [Place] = []
    /// Whether an address belongs to this machine; called only for ports that are listened on.
    var isLocal: (IPAddress) -> Bool = Self.kernelSendsFrom

    /// Why `endpoint` can't be a backend of `service`, as a phrase; nil when it can. A listener may
    /// be a backend of a service that it does not lead to: such a chain ends.
    func objection(to endpoint: Endpoint, of service: String) -> String? {
        if admin.contains(where: { isAt($0, endpoint) }) {
            return "it is this Fairlead's own admin port"
        }
        if health.contains(where: { isAt($0, endpoint) }) {
            return "it is this Fairlead's own address for health"
        }
        let listener = listeners.first {
            isAt($0.endpoint, endpoint) && $0.services.contains(service)
        }
        guard let listener else { return nil }
        return
            "it is this Fairlead's own listener \(listener.name), which leads to \(service) again"
    }

    /// Whether a connection to `endpoint` would reach `own`.
    private func isAt(_ own: Endpoint, _ endpoint: Endpoint) -> Bool {
        guard own.port == endpoint.port else { return false }
        let address = Self.plain(endpoint.address)
        return own.address == address || own.address.isWildcard && isLocal(address)
            // The kernel treats the wildcard as loopback.
            || address.isWildcard && (own.address.isLoopback || own.address.isWildcard)
    }

    /// The IPv4 address within an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2); any other
    /// address unchanged.
    private static func plain(_ address: IPAddress) -> IPAddress {
        if case .v6(0, let low) = address, low >> 32 == 0xffff {
            return .v4(UInt32(truncatingIfNeeded: low))
        }
        return address
    }

    /// To an address of its own, the kernel sends from that address. Nothing is sent to find out.
    static func kernelSendsFrom(_ address: IPAddress) -> Bool {
        if address.isLoopback { return true }
        do throws(Errno) {
            let probe = try Socket.connectDatagram(to: Endpoint(address, 9))
            defer { probe.close() }
            return probe.localEndpoint?.address == address
        } catch {
            return false
        }
    }
}

extension OwnAddresses {
    /// What of this process matters to `service`: its admin port, the address for health, and the
    /// listeners that lead there. Made for each answer, so it looks no route up.
    init(
        _ published: PublishedListeners, leadingTo service: String, admin: [Endpoint],
        health: [Endpoint]
    ) {
        self.init(admin: admin, health: health)
        listeners = published.entries.filter { $0.services[service] != nil }.map {
            Place(name: $0.settings.name, endpoint: $0.endpoint, services: [service])
        }
    }

    /// Where a process with this configuration would listen. Ports left to the kernel match
    /// nothing.
    init(_ configuration: Configuration) {
        let admin = configuration.admin
        self.init(
            admin: [admin.listen].compactMap(\.self) + admin.alsoListen,
            health: configuration.health.listen)
        listeners = configuration.listeners.map {
            Place(name: $0.name, endpoint: $0.listen, services: Set($0.serviceNames))
        }
    }
}
