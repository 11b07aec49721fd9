// Assembly: each module's own options, made from the configuration. The only place where both are
// known, so that no module depends on how it is configured.

internal import Backends
internal import Balancing
internal import Configuration
internal import DNSClient
internal import DNSWire
internal import Discovery
internal import Documents
internal import Endpoints
internal import Events
internal import HTTP1
internal import Health
internal import Proxy
internal import Routing

extension ProxyOptions {
    /// The data plane that `configuration` asks for.
    init(_ configuration: Configuration) {
        let ids = Dictionary(
            uniqueKeysWithValues: configuration.services.enumerated().map {
                ($1.name, ServiceID(index: $0))
            })
        self.init(
            workers: configuration.workers,
            sharesAddresses: configuration.shareAddresses == .on,
            pinsWorkers: configuration.pinWorkers == .on,
            listeners: configuration.listeners.enumerated().map { index, listener in
                ListenerOptions(
                    listener, index: index, services: ids, workers: configuration.workers)
            },
            services: configuration.services.enumerated().map { index, service in
                ServiceOptions(
                    service, id: ServiceID(index: index), workers: configuration.workers)
            })
    }
}

extension ListenerOptions {
    /// What workers are told of `listener`. Its routes are compiled, unless `routes` has them.
    init(
        _ listener: Listener, index: Int, services: [String: ServiceID], workers: Int,
        routes: RouteTable? = nil
    ) {
        self.init(
            index: index, endpoint: listener.listen, mode: ListenerMode(listener.mode),
            service: services[listener.service])
        if !listener.routes.isEmpty {
            self.routes =
                routes ?? RouteTable(listener.routes.map { RouteRule($0, services: services) })
        }
        name = listener.name
        headLimits = HeadLimits(
            bytesMax: listener.limits.headBytes, fieldsMax: listener.limits.headFields,
            requestLineBytesMax: listener.limits.requestLineBytes)
        // Each worker has its share; the kernel spreads connections evenly.
        connectionsMax = max(1, (listener.limits.connections + workers - 1) / workers)
        timeouts = ClientTimeouts(listener.timeouts)
        forwarding = ForwardingPolicy(listener.forwarding)
        trustedProxies = listener.forwarding.trustedProxies
        allowsUpgrade = listener.upgrade == .on
        allowsConnect = listener.connect == .on
        cancelsAtHalfClose = listener.halfClose == .cancel
    }
}

extension ClientTimeouts {
    fileprivate init(_ timeouts: Listener.Timeouts) {
        self.init()
        head = timeouts.clientHead
        idle = timeouts.clientIdle
        stall = timeouts.bodyIdle
        tunnel = timeouts.tunnelIdle
        tunnelMax = timeouts.tunnelMax
        responseMax = timeouts.responseMax
        vanished = timeouts.vanished
        request = timeouts.request
    }
}

extension PeerLimits {
    /// The limits of the connections that come by `listener`.
    init(_ listener: Listener) {
        self = ClientTimeouts(listener.timeouts).peerLimits(ListenerMode(listener.mode))
    }
}

extension ForwardingPolicy {
    fileprivate init(_ forwarding: Listener.Forwarding) {
        self.init()
        xForwarded = Handling(forwarding.xForwarded)
        self.forwarded = Handling(forwarding.forwarded)
        via = Array((forwarding.via ?? "").utf8)
        requestID = forwarding.requestID == .on
    }
}

extension ForwardingPolicy.Handling {
    fileprivate init(_ handling: Listener.Forwarding.Handling) {
        switch handling {
        case .append: self = .append
        case .replace: self = .replace
        case .off: self = .off
        }
    }
}

extension ListenerMode {
    fileprivate init(_ mode: Listener.Mode) {
        switch mode {
        case .http: self = .http
        case .tcp: self = .tcp
        }
    }
}

extension ServiceOptions {
    /// How the backends of `service` are talked to.
    init(_ service: Service, id: ServiceID, workers: Int) {
        self.init(id: id, name: service.name)
        connectTimeout = service.timeouts.connect
        firstByteTimeout = service.timeouts.responseHead
        idleTimeout = service.timeouts.backendIdle
        retry.rule = RetryRule(service.retry)
        retry.tryTimeout = service.timeouts.perTry
        retry.backOff = service.retry.backOff
        retry.backOffMax = service.retry.backOffMax
        retry.isReported = service.retry.attemptsHeader == .on
        ejection.failures = service.eject.failures
        ejection.silence = service.eject.silence
        limits = RequestLimits(service.limits, workers: workers)
        balancing = BalancerOptions(service)
        affinity = AffinityOptions(service)
        retry.budgetPercent = service.retry.budgetPercent
        retry.budgetFloorPerSecond = service.retry.budgetFloor
    }
}

extension BalancerOptions {
    fileprivate init(_ service: Service) {
        self.init(
            policy: Policy(service.balance), isSticky: service.sticky.cookie != nil,
            secret: service.sticky.seed)
    }
}

extension Policy {
    fileprivate init(_ balance: Service.Balance) {
        switch balance {
        case .roundRobin: self = .roundRobin
        case .randomOfTwo: self = .randomOfTwo
        case .leastConnections: self = .leastConnections
        case .leastTime: self = .leastTime
        case .consistentHash: self = .consistentHash
        case .firstFit: self = .firstFit
        }
    }
}

extension AffinityOptions {
    fileprivate init(_ service: Service) {
        self.init()
        cookie = service.sticky.cookie
        secret = service.sticky.seed
        switch service.hashBy {
        case .client: hashBy = .client
        case .path: hashBy = .path
        case .header(let name): hashBy = .header(Array(name.lowercased().utf8))
        case .cookie(let name): hashBy = .cookie(Array(name.utf8))
        }
    }
}

extension Service.Sticky {
    /// What tokens are made with; the same in every process with the same secret.
    fileprivate var seed: UInt64 { HashKey.of(Array((secret ?? "").utf8).span) }
}

extension RequestLimits {
    /// One worker's share of the limits of a service; the kernel spreads connections evenly.
    fileprivate init(_ limits: Service.Limits, workers: Int) {
        self.init()
        func share(_ limit: Int) -> Int { max(1, (limit + workers - 1) / workers) }
        backendRequestsMax = limits.backendRequests.map(share)
        requestsMax = limits.requests.map(share)
        queueMax = limits.queue == 0 ? 0 : share(limits.queue)
        queueWait = limits.queueWait
    }
}

extension RosterOptions.WhenNoneUp {
    fileprivate init(_ asked: Service.WhenNoneUp) {
        switch asked {
        case .evidence: self = .evidence
        case .always: self = .always
        case .never: self = .never
        }
    }
}

extension RosterOptions {
    /// How the roster of `service` weighs evidence.
    init(_ service: Service) {
        self.init()
        checks =
            service.check.kind == .off
            ? nil : Checks(rise: service.check.rise, fall: service.check.fall)
        checksWhatIsServed = service.check.port == nil
        failoverPercent = service.failoverPercent
        whenNoneUp = WhenNoneUp(service.whenNoneUp)
        slowStart = service.slowStart ?? .zero
        zone = service.zone.prefer.map { Zone(key: service.zone.key, value: $0) }
        drainLimit = service.drainLimit
        endsStreamsWhenDown = service.whenDown == .end
        ejectTime = service.eject.time
        ejectTimeMax = service.eject.timeMax
        ejectShareMax = service.eject.shareMax
        keepsPassingAfterHold = service.hold.keepPassing == .on
        holds.nxdomain = service.hold.nxdomain
        holds.nodata = service.hold.nodata
        holds.servfail = service.hold.servfail
        holds.refused = service.hold.refused
        holds.otherCode = service.hold.otherCode
        holds.timeout = service.hold.timeout
        holds.malformed = service.hold.malformed
        holds.unreachable = service.hold.unreachable
        holds.massLoss = service.hold.massLoss
        holds.withFailover = service.hold.withFailover
    }
}

extension BackendOverrides {
    /// What the operator decided about backends of `service`.
    init(_ service: Service) {
        self.init()
        for (endpoint, decision) in service.overrides {
            self[endpoint] = BackendOverride(
                weight: decision.weight, isDrained: decision.drain == .on)
        }
    }
}
