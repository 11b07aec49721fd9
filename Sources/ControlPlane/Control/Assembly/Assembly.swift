// Assembly: each module's own options, made from the configuration. Only this folder knows both, so
// that no module depends on how it is configured.

internal import Backends
internal import Configuration
internal import Proxy
internal import Routing
internal import TLS
internal import Traffic

extension ProxyOptions {
    /// The data plane that `configuration` asks for, which shows the certificates of the store, and
    /// records what `traces` say.
    init(
        _ configuration: Configuration, _ certificates: CertificateStore, _ traces: TraceOptions?
    ) {
        let ids = Dictionary(
            uniqueKeysWithValues: configuration.services.enumerated().map {
                ($1.name, ServiceID(index: $0))
            })
        self.init(
            workers: configuration.workers,
            sharesAddresses: configuration.shareAddresses,
            pinsWorkers: configuration.pinWorkers,
            listeners: configuration.listeners.enumerated().map { index, listener in
                ListenerOptions(
                    listener, index: index, services: ids, workers: configuration.workers,
                    tls: certificates.serving(for: listener))
            },
            services: configuration.services.enumerated().map { index, service in
                ServiceOptions(
                    service, id: ServiceID(index: index), workers: configuration.workers)
            })
        self.traces = traces
    }
}

extension ListenerOptions {
    /// The options of `listener` for workers, with its certificates if it speaks TLS. Compiles its
    /// routes unless `routes` is given. Limits of requests that `old` has as well go on with what
    /// they have counted.
    init(
        _ listener: Listener, index: Int, services: [String: ServiceID], workers: Int,
        routes: RouteTable? = nil, tls: TLSServing?, keeping old: ListenerOptions? = nil
    ) {
        let isTCP = listener.mode == .tcp
        let compiled =
            isTCP || !listener.hasRules
            ? nil
            : routes ?? RouteTable(listener.rules(services: services), keeping: old?.routes)
        self.init(
            index: index, name: listener.name, endpoint: listener.listen, mode: listener.mode,
            service: services[listener.service], routes: compiled,
            serverNames: listener.routes.isEmpty || !isTCP
                ? nil
                : ServerNameTable(
                    listener.routes.compactMap { ServerNameRule($0, services: services) }),
            policy: listener.policy.share(ofWorkers: workers), tls: tls,
            challengeService: services[listener.challengeService], keeping: old)
    }
}

extension ServiceOptions {
    /// The options of `service` for workers.
    init(_ service: Service, id: ServiceID, workers: Int) {
        self.init(
            id: id, name: service.name, policy: service.policy.share(ofWorkers: workers),
            tls: service.tls.client.map { TLSClients(checked: $0, workers: workers) })
    }
}
