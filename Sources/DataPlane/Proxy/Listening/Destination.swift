// Destination: where a request goes: to a service's backends, or no further.

internal import Access
internal import Backends
internal import Endpoints
internal import Events
internal import HTTP1
internal import RateLimits
internal import Routing
internal import Stats
internal import TLSWire
internal import Traffic

/// What a listener does with a request.
enum Destination {
    /// The request is for this service, by this route if the listener has any. They are not
    /// counted: the listener has them until the next event.
    case service(Link<BackendPool>, Link<Route>)
    /// Fairlead answers it; the route is the one that it came by, if that matters.
    case answer(Ending, by: Link<Route> = Link())
    /// The request is beyond this limit, and may be sent again after so many nanoseconds.
    case limited(Ending, RateLimit, wait: UInt64, by: Link<Route> = Link())
    /// The listener or the route is closed for its client.
    case closed(Maintenance, by: Link<Route>)
    /// Fairlead refuses its head.
    case refuse(HeadError)
    /// The request is answered by a redirect, as a route says.
    case redirect(Redirect, by: Link<Route>)
    /// The request is answered as a route says, or as an authority asks for it.
    case respond(FixedResponse, by: Link<Route> = Link())
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
    /// The addresses that clients of all routes may have; nil for all.
    private let access: AddressTable?
    /// How many requests the clients of all routes may send.
    private let rates: [RateLimit]
    /// How all routes are closed at present that do not stay open; nil when they are not.
    private let maintenance: Maintenance?
    /// Whether it matters to the listener, or to one of its routes, who the client is.
    private let asksWho: Bool
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
        access = options.access
        rates = options.rates
        maintenance = options.maintenance
        asksWho =
            options.access != nil || !options.rates.isEmpty || options.maintenance != nil
            || options.routes?.asksWho == true
        self.pools = options.routes?.services.map(pool) ?? []
        serverNames = options.serverNames
        namedPools = options.serverNames?.services.map(pool) ?? []
        challengePool = options.challengeService.map(pool)
    }

    /// The pool of the service at this place of the routes' services.
    func pool(at place: Int) -> BackendPool { pools[place] }

    /// Whether it depends on its ClientHello where a connection goes.
    var readsHellos: Bool { serverNames != nil }

    /// The pool of the service that gets a connection that begins with `hello`; nil for none.
    func pool(for hello: ClientHello) -> BackendPool? {
        if let place = serverNames?.place(of: hello.serverName, offering: hello.protocols) {
            return namedPools[place]
        }
        return pool
    }

    /// Whether connections from `address` are let in.
    func admits(_ address: IPAddress) -> Bool { access?.admits(address) ?? true }

    /// Where the request goes whose `head` was parsed from `bytes`, of a client of `listener` that
    /// connects from `address`.
    func destination(
        of head: borrowing RequestHead, _ bytes: Span<UInt8>, _ worker: Worker,
        at listener: WorkerListener, from address: IPAddress
    ) -> Destination {
        let destination = unlimited(head, bytes, worker, at: listener, from: address)
        guard listener.limitsBodies, case .length(let count) = head.body,
            case .service(_, let route) = destination
        else { return destination }
        let limits = route.with { $0.bodyLimits } ?? nil
        return count > UInt64((limits ?? listener.bodyLimits).request)
            ? .answer(.requestTooLarge, by: route) : destination
    }

    /// Where the request goes, however large it is.
    private func unlimited(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, _ worker: Worker,
        at listener: WorkerListener, from address: IPAddress
    ) -> Destination {
        // RFC 9110, section 9.3.6: a proxy makes tunnels only where that is intended.
        if case .connect = head.method, !allowsConnect {
            return .refuse(.targetFormNotAllowed)
        }
        // Before routes, whatever those do with other requests: one comparison for the others.
        if worker.challenges.isAsked,
            let answer = worker.challenges.answer(
                to: bytes.extracting(head.pathAndQuery.bounds))
        {
            return .respond(answer)
        }
        if asksWho {
            return guardedDestination(of: head, bytes, worker, at: listener, from: address)
        }
        // Section 7.6.2: the last hop that may see the request answers it.
        if head.maxForwards == 0 { return lastHop(head.method) }
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

    private func lastHop(_ method: Method) -> Destination {
        .answer(method == .trace ? .traceAtLastHop : .optionsAtLastHop)
    }

    /// Where the request goes, if its client may come at all, and that often: this is asked before
    /// anything else is said.
    private func guardedDestination(
        of head: borrowing RequestHead, _ bytes: Span<UInt8>, _ worker: Worker,
        at listener: WorkerListener, from address: IPAddress
    ) -> Destination {
        let caller = listener.caller(head, bytes, at: address)
        let decision = routes?.decide(head, bytes) ?? .none
        var chosen: Route?
        if case .route(let route) = decision { chosen = route }
        // The table has it for as long as the listener.
        let link = chosen.map { Link($0) } ?? Link()
        if let refusal = refusal(of: caller, by: chosen) { return .answer(refusal, by: link) }
        if let maintenance = closing(chosen), !maintenance.serves(caller) {
            return .closed(maintenance, by: link)
        }
        let now = worker.loop.nowNanoseconds
        // Whom a trusted proxy does not name counts as that proxy.
        let counted = caller ?? address
        if chosen?.answersHealth != true,
            let beyond = listener.firstLimit(beyond: rates, head, bytes, of: counted, at: now)
        {
            return .limited(.limitedByListener, beyond.limit, wait: beyond.wait, by: link)
        }
        if let own = chosen?.rates, !own.isEmpty,
            let beyond = listener.firstLimit(beyond: own, head, bytes, of: counted, at: now)
        {
            return .limited(.limitedByRoute, beyond.limit, wait: beyond.wait, by: link)
        }
        if head.maxForwards == 0 { return lastHop(head.method) }
        switch decision {
        case .route(let route): return destination(of: head.method, by: route, worker)
        case .ambiguousPath: return .answer(.ambiguousPath)
        case .none: break
        }
        guard let pool else { return .answer(.noRoute) }
        return .service(Link(pool), Link())
    }

    /// How the request ends of a client at `caller` that may not come; nil where it may.
    private func refusal(of caller: IPAddress?, by route: Route?) -> Ending? {
        // A load balancer in front has to get its answer wherever it asks from.
        if let access, route?.answersHealth != true {
            guard let caller else { return .deniedUnknown }
            if !access.admits(caller) { return .deniedByListener }
        }
        if let access = route?.access {
            guard let caller else { return .deniedUnknown }
            if !access.admits(caller) { return .deniedByRoute }
        }
        return nil
    }

    /// How the listener, or the route that a request came by, is closed; nil where it is open. How
    /// this process is can be asked at any time.
    private func closing(_ route: Route?) -> Maintenance? {
        guard let route else { return maintenance }
        if route.answersHealth { return nil }
        return route.maintenance ?? (route.staysOpen ? nil : maintenance)
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
            .respond(question.answer(isReady: worker.isReady), by: Link(route))
        case .redirect(let redirect): .redirect(redirect, by: Link(route))
        case .respond(let response): .respond(response, by: Link(route))
        }
    }
}

extension Route {
    /// Whether it answers how this process is.
    fileprivate var answersHealth: Bool {
        if case .respondHealth = action { true } else { false }
    }
}

extension WorkerListener {
    /// Where the request goes whose `head` was parsed from `bytes`, of a client that connects from
    /// `address`.
    func destination(
        of head: borrowing RequestHead, _ bytes: Span<UInt8>, _ worker: Worker,
        from address: IPAddress
    ) -> Destination {
        destinations.destination(of: head, bytes, worker, at: self, from: address)
    }

    /// The address of the client that a request comes from, whose connection is from `address`:
    /// that address, unless it is a trusted proxy's; then, of those that the request was passed on
    /// for, the last one that is no trusted proxy, or the first of all. Nil when a trusted proxy
    /// says something that is no address.
    func caller(
        _ head: borrowing RequestHead, _ bytes: Span<UInt8>, at address: IPAddress
    ) -> IPAddress? {
        let trusted = options.policy.trustedProxies
        guard trusted.contains(where: { $0.contains(address) }) else { return address }
        var caller: IPAddress? = address
        head.forEachClient(bytes, options.policy.forwarding) { text in
            caller = IPAddress(withPort: text)
            guard let caller else { return false }
            return trusted.contains { $0.contains(caller) }
        }
        return caller
    }

    /// Takes the request of a client at `address` out of each of `limits`. Returns the first that
    /// it is beyond, and after how many nanoseconds it is not; nil when it may go on.
    func firstLimit(
        beyond limits: [RateLimit], _ head: borrowing RequestHead, _ bytes: Span<UInt8>,
        of address: IPAddress, at now: UInt64
    ) -> (limit: RateLimit, wait: UInt64)? {
        for limit in limits {
            let key: RateKey
            if limit.isForAll {
                key = .all
            } else if !limit.field.isEmpty,
                let range = head.value(ofField: limit.field, bytes), !range.isEmpty
            {
                key = .value(bytes.extracting(range))
            } else {
                key = .address(address)
            }
            let outcome = limit.take(key, at: now)
            if outcome.isCrowded { counters.add(.crowdedRequests) }
            if case .refused(let wait) = outcome.verdict { return (limit, wait) }
        }
        return nil
    }

    /// Whether a connection from `address` is refused before anything of it is read: with HTTP the
    /// client of each request is asked for.
    func refusesConnection(from address: IPAddress) -> Bool {
        options.mode == .tcp && !destinations.admits(address)
    }
}
