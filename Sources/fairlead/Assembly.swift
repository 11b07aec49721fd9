// Assembly: each module's own options, made from the configuration. The only place where both are
// known, so that no module depends on how it is configured.

import Backends
import Balancing
import Configuration
import DNSClient
import DNSWire
import Discovery
import Documents
import Endpoints
import Events
import HTTP1
import Health
import Proxy
import Routing

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
            listeners: configuration.listeners.enumerated().map { index, listener in
                ListenerOptions(
                    listener, index: index, services: ids, workers: configuration.workers)
            },
            services: configuration.services.enumerated().map { index, service in
                ServiceOptions(service, id: ServiceID(index: index))
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
        headLimits = HeadLimits(bytesMax: listener.limits.headBytes)
        // Each worker has its share; the kernel spreads connections evenly.
        connectionsMax = max(1, (listener.limits.connections + workers - 1) / workers)
        timeouts.head = listener.timeouts.clientHead
        timeouts.idle = listener.timeouts.clientIdle
        timeouts.stall = listener.timeouts.bodyIdle
        timeouts.tunnel = listener.timeouts.tunnelIdle
        timeouts.tunnelMax = listener.timeouts.tunnelMax
        timeouts.request = listener.timeouts.request
        forwarding = ForwardingPolicy(listener.forwarding)
        trustedProxies = listener.forwarding.trustedProxies
        allowsUpgrade = listener.upgrade == .on
        allowsConnect = listener.connect == .on
        cancelsAtHalfClose = listener.halfClose == .cancel
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
    init(_ service: Service, id: ServiceID) {
        self.init(id: id, name: service.name)
        connectTimeout = service.timeouts.connect
        firstByteTimeout = service.timeouts.responseHead
        idleTimeout = service.timeouts.backendIdle
        retry.rule = RetryRule(service.retry)
        retry.tryTimeout = service.timeouts.perTry
        retry.backOff = service.retry.backOff
        retry.backOffMax = service.retry.backOffMax
        retry.isReported = service.retry.attemptsHeader == .on
        retry.budgetPercent = service.retry.budgetPercent
        retry.budgetFloorPerSecond = service.retry.budgetFloor
    }
}

extension RosterOptions {
    /// How the roster of `service` weighs evidence.
    init(_ service: Service) {
        self.init()
        checks =
            service.check.kind == .off
            ? nil : Checks(rise: service.check.rise, fall: service.check.fall)
        failoverPercent = service.failoverPercent
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

extension HealthOptions {
    /// How the backends of `service` are checked.
    init(_ check: Service.Check) {
        self.init()
        kind =
            switch check.kind {
            case .tcp: .tcp
            case .http: .http(HTTP(path: check.path, host: check.host, statuses: check.status))
            case .off: .off
            }
        interval = check.interval
        timeout = check.timeout
        jitterPercent = check.jitterPercent
        port = check.port
    }
}
