// What the proxy is told: plain values, made by the program from the configuration. None has a
// default: those of the policies stand in Traffic, and the rest is said by what starts a proxy.

package import Backends
package import Endpoints
package import Events
package import Routing
package import Traffic

/// One address on which clients connect.
package struct ListenerOptions: Sendable {
    /// Its number, from 0, under which it is counted.
    package var index: Int
    /// For the access log.
    package var name: String
    /// Where it listens; every worker listens there.
    package var endpoint: Endpoint
    /// What it speaks.
    package var mode: ListenerMode
    /// The service its requests go to, of those that no route is for; nil only with routes.
    package var service: ServiceID?
    /// Where its requests go, by what they ask for; nil sends all of them to `service`. HTTP only.
    package var routes: RouteTable?
    /// How one worker treats its clients.
    package var policy: ClientPolicy

    /// A listener of that kind.
    package init(
        index: Int, name: String, endpoint: Endpoint, mode: ListenerMode, service: ServiceID?,
        routes: RouteTable?, policy: ClientPolicy
    ) {
        self.index = index
        self.name = name
        self.endpoint = endpoint
        self.mode = mode
        self.service = service
        self.routes = routes
        self.policy = policy
    }
}

extension ClientTimeouts {
    /// What the kernel is to do about hosts of clients that vanish. An HTTP client that takes
    /// nothing for `stall` is cut off in any case, so the kernel may do that; a stream's relay
    /// looks at its ends itself (TCPRelay+Watch.swift).
    package func peerLimits(_ mode: ListenerMode) -> PeerLimits {
        guard let vanished else { return PeerLimits() }
        return PeerLimits(
            vanished: vanished, unacknowledged: mode == .http ? max(vanished, stall) : nil)
    }
}

/// A service whose backends are talked to.
package struct ServiceOptions: Sendable, Equatable {
    /// Its number, under which it is counted.
    package var id: ServiceID
    /// For 503 answers and logs.
    package var name: String
    /// How one worker treats its backends.
    package var policy: BackendPolicy

    /// A service of that number and name.
    package init(id: ServiceID, name: String, policy: BackendPolicy) {
        self.id = id
        self.name = name
        self.policy = policy
    }
}

/// What a proxy is.
package struct ProxyOptions: Sendable {
    /// Threads that move traffic; at least 1.
    package var workers: Int
    /// Whether another process may listen on the same addresses: one Fairlead takes over from
    /// another by running beside it for a while.
    package var sharesAddresses: Bool
    /// Whether each worker stays on a processor of its own.
    package var pinsWorkers: Bool
    /// Where clients connect, in the order of their numbers.
    package var listeners: [ListenerOptions]
    /// The services at the start; more may come by `ProxyWorkers.publish`.
    package var services: [ServiceOptions]

    /// A proxy whose listeners send to `services`.
    package init(
        workers: Int, sharesAddresses: Bool, pinsWorkers: Bool, listeners: [ListenerOptions],
        services: [ServiceOptions]
    ) {
        self.workers = workers
        self.sharesAddresses = sharesAddresses
        self.pinsWorkers = pinsWorkers
        self.listeners = listeners
        self.services = services
    }
}
