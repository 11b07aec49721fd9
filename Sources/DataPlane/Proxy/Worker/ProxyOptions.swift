// What the proxy is told: plain values, made by the program from the configuration.

package import Backends
package import Balancing
package import Endpoints
package import Events
package import HTTP1
package import Routing

/// What a listener speaks.
package enum ListenerMode: String, Sendable {
    /// HTTP/1.1 and 1.0, request by request.
    case http
    /// Any stream, connection by connection.
    case tcp
}

/// One address on which clients connect.
package struct ListenerOptions: Sendable {
    /// Its number, from 0, under which it is counted.
    package var index: Int
    /// For the access log.
    package var name = ""
    /// Where it listens; every worker listens there.
    package var endpoint: Endpoint
    /// What it speaks.
    package var mode: ListenerMode
    /// The service its requests go to, of those that no route is for; nil only with routes.
    package var service: ServiceID?
    /// Where its requests go, by what they ask for; nil sends all of them to `service`. HTTP only.
    package var routes: RouteTable?
    /// Limits of a request's head; an answer's are `ofAnswers` of them.
    package var headLimits = HeadLimits()
    /// Client connections that one worker has open at most; more are closed at once.
    package var connectionsMax = 100_000
    /// How long its clients may take.
    package var timeouts = ClientTimeouts()
    /// What backends are told of its clients.
    package var forwarding = ForwardingPolicy()
    /// Clients whose own account of where a request came from is believed.
    package var trustedProxies: [IPNetwork] = []
    /// Whether a client may switch to another protocol (RFC 9110, section 7.8).
    package var allowsUpgrade = true
    /// Whether a client that closes its sending side is taken to be gone: its request is cancelled.
    package var cancelsAtHalfClose = true
    /// Whether a client may ask a backend for a tunnel by CONNECT (RFC 9110, section 9.3.6).
    package var allowsConnect = false

    /// The rest is at its defaults.
    package init(index: Int, endpoint: Endpoint, mode: ListenerMode, service: ServiceID?) {
        self.index = index
        self.endpoint = endpoint
        self.mode = mode
        self.service = service
    }
}

/// How long a client may take.
package struct ClientTimeouts: Sendable {
    /// From the first byte of a head, or from the connection's begin, to its last: a client that
    /// sends a byte now and then is not kept waiting for.
    package var head: Duration = .seconds(10)
    /// Between a response and the next request.
    package var idle: Duration = .seconds(60)
    /// Without a byte moving in either direction while a body is under way.
    package var stall: Duration = .seconds(60)
    /// The same for a TCP connection, or one that has switched to another protocol.
    package var tunnel: Duration = .seconds(300)
    /// How long such a connection lasts; each gets up to a tenth less, at random, so that those
    /// that began together do not come back together. Nil is no limit.
    package var tunnelMax: Duration?
    /// From a response's head to its last byte, less up to a tenth at random; nil is no limit.
    package var responseMax: Duration?
    /// How long a host may acknowledge nothing until it is taken for gone; nil leaves that to the
    /// kernel, which takes about a quarter of an hour.
    package var vanished: Duration? = .seconds(30)
    /// From a request's head to the last byte of its response; nil is no limit, since downloads and
    /// event streams may go on for as long as they move.
    package var request: Duration?

    /// The defaults.
    package init() {}

    /// What the kernel is to do about hosts of clients that vanish. An HTTP client that takes
    /// nothing for `stall` is cut off in any case, so the kernel may do that; a stream's relay
    /// looks at its ends itself (TCPRelay+Watch.swift).
    package func peerLimits(_ mode: ListenerMode) -> PeerLimits {
        guard let vanished else { return PeerLimits() }
        return PeerLimits(
            vanished: vanished, unacknowledged: mode == .http ? max(vanished, stall) : nil)
    }
}

/// How a service's backends are talked to.
package struct ServiceOptions: Sendable, Equatable {
    /// Its number, under which it is counted.
    package var id: ServiceID
    /// For 503 answers and logs.
    package var name: String
    /// To make a connection; on a network of one's own a backend answers within this or is gone.
    package var connectTimeout: Duration = .seconds(1)
    /// From the request's last byte to the response's head.
    package var firstByteTimeout: Duration = .seconds(60)
    /// How long an unused connection is kept for the next request.
    package var idleTimeout: Duration = .seconds(30)
    /// Unused connections kept per backend and worker.
    package var idleConnectionsMax = 512
    /// When its requests are sent again.
    package var retry = RetryOptions()
    /// What live traffic has to show against a backend for it to be told.
    package var ejection = EjectionOptions()
    /// How many requests are taken.
    package var limits = RequestLimits()
    /// How a backend is chosen.
    package var balancing = BalancerOptions()
    /// Which requests belong to which backend.
    package var affinity = AffinityOptions()

    /// The rest is at its defaults.
    package init(id: ServiceID, name: String) {
        self.id = id
        self.name = name
    }
}

/// What live traffic has to show against a backend.
package struct EjectionOptions: Sendable, Equatable {
    /// Failed answers in a row, if those of the other backends hardly ever fail; the more often
    /// these fail, the more are asked for. At least 1; nil: no number is enough.
    package var failures: Int? = 3
    /// How long requests wait on a backend that sends nothing, while others answer; nil: forever.
    package var silence: Duration? = .milliseconds(750)

    /// The defaults.
    package init() {}
}

/// How many requests a service takes from one worker.
package struct RequestLimits: Sendable, Equatable {
    /// In flight on one backend, at least 1; nil is no limit. For TCP, connections.
    package var backendRequestsMax: Int?
    /// In flight on the service, at least 1; nil is no limit.
    package var requestsMax: Int?
    /// Waiting for room, beyond these.
    package var queueMax = 100
    /// How long one waits; then it gets 503.
    package var queueWait: Duration = .seconds(1)

    /// No limits.
    package init() {}
}

/// When a request is sent again.
package struct RetryOptions: Sendable, Equatable {
    /// After which failures, and how often; a route may have a rule of its own.
    package var rule = RetryRule()
    /// How long a single try waits for the head of a response if another may follow; nil: as long
    /// as `ServiceOptions.firstByteTimeout` says.
    package var tryTimeout: Duration?
    /// The pause before the third try; each further one is twice as long …
    package var backOff: Duration = .milliseconds(25)
    /// … up to this.
    package var backOffMax: Duration = .milliseconds(250)
    /// Whether a response tells how many tries it took.
    package var isReported = false
    /// Retries allowed per live request, in percent. A failed dial is not counted: it sent nothing.
    package var budgetPercent = 20
    /// Retries a second that are allowed however few requests there are.
    package var budgetFloorPerSecond = 10

    /// The defaults.
    package init() {}
}

/// All of it.
package struct ProxyOptions: Sendable {
    /// Threads that move traffic; at least 1.
    package var workers: Int
    /// Whether another process may listen on the same addresses: one Fairlead takes over from
    /// another by running beside it for a while.
    package var sharesAddresses = false
    /// Whether each worker stays on a processor of its own.
    package var pinsWorkers = false
    /// Where clients connect, in the order of their numbers.
    package var listeners: [ListenerOptions]
    /// Those at the start; more may come by `ProxyWorkers.publish`.
    package var services: [ServiceOptions]

    /// All is required; each listener's services are of `services`.
    package init(
        workers: Int, sharesAddresses: Bool = false, pinsWorkers: Bool = false,
        listeners: [ListenerOptions],
        services: [ServiceOptions]
    ) {
        self.workers = workers
        self.sharesAddresses = sharesAddresses
        self.pinsWorkers = pinsWorkers
        self.listeners = listeners
        self.services = services
    }
}
