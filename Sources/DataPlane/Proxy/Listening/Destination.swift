// Destination: where a request goes: to a service's backends, or no further.

internal import Backends
internal import HTTP1
internal import Routing
internal import TLSWire
internal import Traffic

/// What a listener does with a request.
enum Destination {
    /// The request is for this service, by this route if the listener has any. They are not
    /// counted: the listener has them until the next event.
    case service(Link<BackendPool>, Link<Route>)
    /// Fairlead answers it.
    case answer(Ending)
    /// Fairlead refuses its head.
    case refuse(HeadError)
    /// The request is answered by a redirect, as a route says.
    case redirect(Redirect, FieldEdits?)
    /// The request is answered as a route says.
    case respond(FixedResponse, FieldEdits?)
}

/// Where a listener's requests go. Worker thread only.
///
/// Not copyable, so that a request borrows it in place: else each read of a reference would count
/// it, and the table is one that all workers share.
struct Destinations: ~Copyable {
    /// The service of requests that no route is for; nil for none.
    let pool: BackendPool?
    /// The routes; nil when all requests go to one service.
    private let routes: RouteTable?
    /// The pools of the services of `routes`, by their places there.
    private let pools: [BackendPool]
    private let allowsConnect: Bool
    /// The routes of TLS connections, and the pools of their services, by their places there.
    private let serverNames: ServerNameTable?
    private let namedPools: [BackendPool]
    /// The pool that gets the connections of certificate authorities; nil for none.
    let challengePool: BackendPool?

    /// The destinations that `options` name; `pools` has the pool of each service.
    init(_ options: ListenerOptions, _ pools: [ServiceID: BackendPool]) {
        func pool(_ service: ServiceID) -> BackendPool {
            guard let pool = pools[service] else {
                preconditionFailure("a service is added before it is named")
            }
            return pool
        }
        self.pool = options.service.map(pool)
        routes = options.routes
        allowsConnect = options.policy.allowsConnect
        self.pools = options.routes?.services.map(pool) ?? []
        serverNames = options.serverNames
        namedPools = options.serverNames?.services.map(pool) ?? []
        challengePool = options.challengeService.map(pool)
    }

    /// Whether it depends on its ClientHello where a connection goes.
    var readsHellos: Bool { serverNames != nil }

    /// The pool of the service that gets a connection that begins with `hello`; nil for none.
    func pool(for hello: ClientHello) -> BackendPool? {
        if let place = serverNames?.place(of: hello.serverName, offering: hello.protocols) {
            return namedPools[place]
        }
        return pool
    }

    /// Where the request goes whose `head` was parsed from `bytes`.
    func destination(
        of head: borrowing RequestHead, _ bytes: Span<UInt8>, _ worker: Worker
    ) -> Destination {
        // RFC 9110, section 9.3.6: a proxy makes tunnels only where that is intended.
        if case .connect = head.method, !allowsConnect {
            return .refuse(.targetFormNotAllowed)
        }
        // Section 7.6.2: the last hop that may see the request answers it.
        if head.maxForwards == 0 {
            return .answer(head.method == .trace ? .traceAtLastHop : .optionsAtLastHop)
        }
        // Before routes, whatever those do with other requests: one comparison for the others.
        if worker.challenges.isAsked,
            let answer = worker.challenges.answer(
                to: bytes.extracting(head.pathAndQuery.bounds))
        {
            return .respond(answer, nil)
        }
        if let routes {
            switch routes.decide(head, bytes) {
            case .route(let route): return destination(of: head.method, by: route, worker)
            case .ambiguousPath: return .answer(.ambiguousPath)
            case .none: break
            }
        }
        guard let pool else { return .answer(.noRoute) }
        return .service(Link(pool), Link())
    }

    private func destination(
        of method: Method, by route: Route, _ worker: Worker
    ) -> Destination {
        switch route.action {
        case .forward(let place): .service(Link(pools[place]), Link(route))
        case .split(let split):
            .service(Link(pools[split.place(worker.random())]), Link(route))
        // A 2xx would tell the client that it has a tunnel, and the tunnel would lead nowhere.
        case .respond(let response) where method == .connect && response.status < 300:
            .refuse(.targetFormNotAllowed)
        case .respondHealth where method == .connect: .refuse(.targetFormNotAllowed)
        case .respondHealth(let question):
            .respond(question.answer(isReady: worker.isReady), route.responseEdits)
        case .redirect(let redirect): .redirect(redirect, route.responseEdits)
        case .respond(let response): .respond(response, route.responseEdits)
        }
    }
}

extension WorkerListener {
    /// Where the request goes whose `head` was parsed from `bytes`.
    func destination(
        of head: borrowing RequestHead, _ bytes: Span<UInt8>, _ worker: Worker
    ) -> Destination {
        destinations.destination(of: head, bytes, worker)
    }
}
