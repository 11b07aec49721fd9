// DockerRoutes: what containers ask for, as services and routes of our own. Pure.
//
// | containers                              | what becomes of them                                |
// |-----------------------------------------|-----------------------------------------------------|
// | one offers a route                      | its service, and the route to it                    |
// | several of one service offer the same   | one route                                           |
// | two services want one route             | it is of the older container; the other is told     |
// | a container has ended, and is not       | its routes stay, behind those of what runs: requests|
// |  removed yet                            |  wait for its successor, and get 503, not 404       |
// | what a label says makes no sense        | left out and told                                   |
//
// Requests of such a service wait while it has no backend, if nothing else is said: whoever has one
// container of it replaced, with `docker-compose up --force-recreate` or by hand, has none for as
// long as the next one needs to start, and labels are all that was configured.
//
// A label is written by whoever runs the container, and nobody knows all the others: so what does
// not fit never keeps anything else from working.

internal import Configuration
internal import Containers
internal import DockerAPI
internal import Documents
internal import Traffic
internal import Wording

/// What the containers of an engine ask for. Value type.
struct DockerRoutes: Equatable {
    /// A service for each that has a route, and its routes; in the order of their names.
    private(set) var fragments: [ConfigurationFragment] = []
    /// What can't be done, a line each: `container web: label fairlead.hots: …`.
    private(set) var problems: [String] = []

    /// Problems that are kept.
    private static let problemsMax = 100

    /// How long requests wait while a service made of labels has no backend: most servers start
    /// within that, and most clients wait longer.
    static let emptyWait = Duration.seconds(10)

    private struct ServiceDraft {
        var checkPath: String?
        var emptyWait: String?
        var owner: String
        var routes: [ContainerOffer.Route] = []
    }

    /// Puts together what containers claim. `problems`: what else can't be done, a clause each.
    init(_ claims: some Sequence<RouteClaim>, problems: [String] = []) {
        var services: [String: ServiceDraft] = [:]
        var owners: [ContainerOffer.Route: (service: String, container: String)] = [:]
        for claim in claims.sorted() {
            let name = claim.container
            for problem in claim.wishes.problems { add("container \(name): \(problem)") }
            for (offer, service) in zip(claim.wishes.offers, claim.serviceNames)
            where !offer.routes.isEmpty {
                for route in offer.routes {
                    if let owner = owners[route] {
                        guard owner.service != service else { continue }
                        add(
                            "container \(name): the route \(route.text) is of the service "
                                + "\(owner.service), by the container \(owner.container)")
                        continue
                    }
                    owners[route] = (service, name)
                    services[service, default: ServiceDraft(owner: name)].routes.append(route)
                }
                add(offer, of: name, to: &services[service])
            }
        }
        for (name, service) in services.sorted(by: { $0.key < $1.key }) { add(name, service) }
        for problem in problems { add("container left out: \(problem)") }
    }

    private mutating func add(_ problem: String) {
        if problems.count < Self.problemsMax { problems.append(problem) }
    }

    /// What an offer says of its service besides routes; the older container's word counts.
    private mutating func add(
        _ offer: ContainerOffer, of name: String, to service: inout ServiceDraft?
    ) {
        guard var draft = service else { return }
        if let path = offer.checkPath {
            if path.hasPrefix("/") {
                settle(&draft.checkPath, path, "check's path", of: name, draft.owner)
            } else {
                add("container \(name): found the check's path \(quoted(path)), expected /PATH")
            }
        }
        if let wait = offer.emptyWait {
            if wait == "off" || Units.duration(wait).map(RequestLimits.emptyWaits.contains) == true
            {
                settle(&draft.emptyWait, wait, "wait while empty", of: name, draft.owner)
            } else {
                let waits = RequestLimits.emptyWaits
                add(
                    "container \(name): found the wait while empty \(quoted(wait)), expected "
                        + "\(Units.write(waits.lowerBound)) to \(Units.write(waits.upperBound)), "
                        + "or off")
            }
        }
        service = draft
    }

    /// Sets what nothing was said of before.
    private mutating func settle(
        _ known: inout String?, _ new: String, _ what: String, of name: String, _ owner: String
    ) {
        guard let other = known else {
            known = new
            return
        }
        guard other != new else { return }
        add(
            "container \(name): the \(what) is \(quoted(new)), and \(quoted(other)) by the "
                + "container \(owner), which counts")
    }

    private mutating func add(_ name: String, _ service: ServiceDraft) {
        let query: DockerQuery
        do throws(DockerQueryError) {
            query = try DockerQuery(service: name)
        } catch {
            add("container \(service.owner): \(error)")
            return
        }
        var lines = ["docker: \(query.description.asYAML)"]
        if let path = service.checkPath {
            lines.append("check: {type: http, path: \(path.asYAML)}")
        }
        if let wait = service.emptyWait { lines.append("when-empty: {wait: \(wait.asYAML)}") }
        fragments.append(
            ConfigurationFragment(
                .service(name),
                NamedText(name: "labels of \(name)", text: lines.joined(separator: "\n")),
                yields: true, emptyWait: Self.emptyWait))
        for route in service.routes {
            var lines = ["service: \(name.asYAML)"]
            if let host = route.host { lines.append("host: \(host.asYAML)") }
            if let prefix = route.pathPrefix { lines.append("path-prefix: \(prefix.asYAML)") }
            fragments.append(
                ConfigurationFragment(
                    .routes,
                    NamedText(
                        name: "route \(route.text) of \(name)", text: lines.joined(separator: "\n")
                    ), yields: true))
        }
    }
}

extension ContainerOffer.Route {
    /// `example.com/api`; `*` for any host.
    fileprivate var text: String { (host ?? "*") + (pathPrefix ?? "") }
}
