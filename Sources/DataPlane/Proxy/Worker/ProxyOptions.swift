// ProxyOptions: plain values, made by the program from the configuration. None has a default: those
// of the policies are in Traffic, and the code that starts a proxy sets the rest.

internal import Access
package import Backends
package import Endpoints
package import Events
package import Passwords
internal import RateLimits
package import Routing
package import TLS
package import Traffic

/// One address on which clients connect.
package struct ListenerOptions: Sendable {
    /// Its number, from 0, under which it is counted.
    package var index: Int
    /// Its name in the access log.
    package var name: String
    /// The address it listens on, with every worker.
    package var endpoint: Endpoint
    /// The protocol it speaks.
    package var mode: ListenerMode
    /// The service of requests or connections that no route is for; nil only with routes.
    package var service: ServiceID?
    /// Its routes; nil sends all requests to `service`. HTTP only.
    package var routes: RouteTable?
    /// Its routes of TLS connections, which are passed on as they are; nil reads nothing of them.
    /// TCP only.
    package var serverNames: ServerNameTable?
    /// How one worker treats its clients.
    package var policy: ClientPolicy {
        didSet {
            access = AddressTable(policy.access)
            rates = RateLimit.limits(policy.rates, keeping: rates)
            errorPages = ErrorPages(policy.errorPages, ofBackends: policy.errorPagesOfBackends)
            maintenance = Maintenance(policy.maintenance)
            connectionLimit = ConnectionLimit(policy, keeping: connectionLimit)
        }
    }
    /// Which addresses they may have, as `policy` says; nil for all. All workers share it.
    private(set) var access: AddressTable?
    /// How many requests they may send, as `policy` says; empty for any. All workers count by it.
    private(set) var rates: [RateLimit]
    /// What they see of errors, as `policy` says; nil for lines of text.
    private(set) var errorPages: ErrorPages?
    /// How it is closed at present, as `policy` says; nil where it is not.
    private(set) var maintenance: Maintenance?
    /// How many connections one address may have, as `policy` says; nil for any number. All workers
    /// count by it.
    private(set) var connectionLimit: ConnectionLimit?
    /// The certificates that its clients are shown; nil where TLS is not spoken.
    package var tls: TLSServing?
    /// The service that gets the connections of certificate authorities that look for an answer to
    /// a challenge by tls-alpn-01, as they come; nil for none. With TLS only.
    package var challengeService: ServiceID?

    /// Whether the listener, or one of its routes, has limits of bodies.
    var limitsBodies: Bool { policy.bodyLimits.areSet || routes?.limitsBodies == true }

    /// Whether any of its routes lets clients in by a password.
    var checksPasswords: Bool { routes?.checksPasswords == true }

    /// A listener with these options. Limits of requests that `old` has as well go on with what
    /// they have counted.
    package init(
        index: Int, name: String, endpoint: Endpoint, mode: ListenerMode, service: ServiceID?,
        routes: RouteTable?, serverNames: ServerNameTable?, policy: ClientPolicy,
        tls: TLSServing? = nil, challengeService: ServiceID? = nil,
        keeping old: ListenerOptions? = nil
    ) {
        self.index = index
        self.name = name
        self.endpoint = endpoint
        self.mode = mode
        self.service = service
        self.routes = routes
        self.serverNames = serverNames
        self.policy = policy
        access = AddressTable(policy.access)
        rates = RateLimit.limits(policy.rates, keeping: old?.rates ?? [])
        errorPages = ErrorPages(policy.errorPages, ofBackends: policy.errorPagesOfBackends)
        maintenance = Maintenance(policy.maintenance)
        connectionLimit = ConnectionLimit(policy, keeping: old?.connectionLimit)
        self.tls = tls
        self.challengeService = challengeService
    }
}

extension ConnectionLimit {
    /// The limit of `policy`; nil for none.
    fileprivate convenience init?(_ policy: ClientPolicy, keeping old: ConnectionLimit?) {
        guard let most = policy.connectionsPerAddress else { return nil }
        self.init(
            most: most, connections: policy.connectionsOfAllWorkers ?? policy.connectionsMax,
            keeping: old)
    }
}

extension ClientTimeouts {
    /// What the kernel does about clients whose hosts vanish. An HTTP client that takes nothing for
    /// `stall` is cut off in any case, so the kernel may do that; a relay of a stream looks at its
    /// ends by itself (TCPRelay+Watch.swift).
    package func peerLimits(_ mode: ListenerMode) -> PeerLimits {
        guard let vanished else { return PeerLimits() }
        return PeerLimits(
            vanished: vanished, unacknowledged: mode == .http ? max(vanished, stall) : nil)
    }
}

/// A service of the proxy.
package struct ServiceOptions: Sendable, Equatable {
    /// Its number, under which it is counted.
    package var id: ServiceID
    /// Its name in 503 answers and logs.
    package var name: String
    /// How one worker treats its backends.
    package var policy: BackendPolicy
    /// What makes connections to the backends secure, for each worker; nil where TLS is not spoken.
    package var tls: TLSClients?

    /// A service of that number and name.
    package init(id: ServiceID, name: String, policy: BackendPolicy, tls: TLSClients? = nil) {
        self.id = id
        self.name = name
        self.policy = policy
        self.tls = tls
    }
}

/// The options of a proxy.
package struct ProxyOptions: Sendable {
    /// Threads that move traffic; at least 1.
    package var workers: Int
    /// Whether another process may listen on the same addresses: a new Fairlead takes over from an
    /// old one by running beside it for a while.
    package var sharesAddresses: Bool
    /// Whether each worker is pinned to a processor of its own.
    package var pinsWorkers: Bool
    /// The listeners, in the order of their numbers.
    package var listeners: [ListenerOptions]
    /// The services at the start; more may come by `ProxyWorkers.publish`.
    package var services: [ServiceOptions]
    /// How requests are traced at the start; nil for not at all.
    package var traces: TraceOptions?
    /// What checks passwords: the system's library, but in tests.
    package var passwordCheck = PasswordHashing.check

    /// A proxy whose listeners send to `services`.
    package init(
        workers: Int, sharesAddresses: Bool, pinsWorkers: Bool, listeners: [ListenerOptions],
        services: [ServiceOptions], traces: TraceOptions? = nil
    ) {
        self.workers = workers
        self.sharesAddresses = sharesAddresses
        self.pinsWorkers = pinsWorkers
        self.listeners = listeners
        self.services = services
        self.traces = traces
    }
}
