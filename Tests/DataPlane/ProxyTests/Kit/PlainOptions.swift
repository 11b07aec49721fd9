// Options of a proxy whose policies are those that ship: a test says what differs.

import Backends
import Endpoints
import Proxy
import Traffic

extension ProxyOptions {
    /// One listener on any port and one service, called `web`.
    static func plain(_ mode: ListenerMode = .http, workers: Int = 1) -> ProxyOptions {
        let service = ServiceID(index: 0)
        return ProxyOptions(
            workers: workers, sharesAddresses: false, pinsWorkers: false,
            listeners: [.plain(0, on: Endpoint(.loopback, 0), mode, to: service)],
            services: [.plain(service, "web")])
    }
}

extension ListenerOptions {
    /// A listener without name and routes.
    static func plain(
        _ index: Int, on endpoint: Endpoint, _ mode: ListenerMode = .http, to service: ServiceID?
    ) -> ListenerOptions {
        ListenerOptions(
            index: index, name: "", endpoint: endpoint, mode: mode, service: service, routes: nil,
            serverNames: nil,
            policy: ClientPolicy())
    }
}

extension ServiceOptions {
    /// A service of that number and name.
    static func plain(_ id: ServiceID, _ name: String) -> ServiceOptions {
        ServiceOptions(id: id, name: name, policy: BackendPolicy())
    }
}
