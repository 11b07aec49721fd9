// ContainerWishes: what a container asks for, by its labels and its environment. Pure.
//
// Four conventions are read. The first that says anything of routes or services counts, whole, so
// that nobody has to guess what two of them come to together:
//
// | convention  | where                | such as                                                     |
// |-------------|----------------------|-------------------------------------------------------------|
// | Fairlead    | labels               | fairlead.host=a.example.com, fairlead.api.path-prefix=/api  |
// | Traefik     | labels               | traefik.http.routers.a.rule=Host(`a.example.com`)           |
// | nginx-proxy | environment          | VIRTUAL_HOST=a.example.com                                  |
// | Registrator | environment, labels  | SERVICE_NAME=web, SERVICE_8080_NAME=api                     |
//
// A label that makes no sense is left out and told; the others count. But a route that asks for
// more than can be had, such as a password before it, is refused whole: without that it would be
// worse than none.

internal import DockerAPI

/// What one container asks for. Value type, any thread.
package struct ContainerWishes: Hashable, Sendable {
    /// Whose labels or variables count.
    package enum Convention: String, Hashable, Sendable, CaseIterable {
        case fairlead = "Fairlead"
        case traefik = "Traefik"
        case virtualHost = "nginx-proxy"
        case registrator = "Registrator"
    }

    /// What its HEALTHCHECK is good for.
    package enum HealthUse: String, Hashable, Sendable, CaseIterable {
        /// While it fails, requests go there only if there is no better one.
        case advice
        /// While it fails, no requests go there.
        case must
        /// What the HEALTHCHECK says is not looked at.
        case ignore
    }

    /// Whose convention it follows; nil when it says nothing by any.
    package internal(set) var convention: Convention?
    /// Whether it wants traffic; nil when it does not say.
    package internal(set) var isEnabled: Bool?
    /// The network by which it wants to be reached; nil when it does not say.
    package internal(set) var network: String?
    /// What its HEALTHCHECK is good for.
    package internal(set) var health = HealthUse.advice
    /// What it offers, never empty: the one without a name first, then by name.
    package internal(set) var offers = [ContainerOffer()]
    /// What can't be done, a sentence each without its full stop.
    package internal(set) var problems: [String] = []

    /// Problems that are kept.
    static let problemsMax = 20
    /// Routes that one container may ask for; what is beyond is left out.
    static let routesMax = 100

    /// The wishes of a container with these labels and variables, which exposes `ports` of TCP.
    package init(
        labels: [String: String], environment: [String: String] = [:], ports: [UInt16] = []
    ) {
        self.init()
        let readers: [(ContainerWishes.Convention, (inout ContainerWishes) -> Bool)] = [
            (.fairlead, { FairleadLabels.read(labels, into: &$0) }),
            (.traefik, { TraefikLabels.read(labels, into: &$0) }),
            (.virtualHost, { VirtualHost.read(environment, into: &$0) }),
            (
                .registrator,
                {
                    ServiceVariables(labels: labels, environment: environment)
                        .read(ports: ports, into: &$0)
                }
            ),
        ]
        for (convention, read) in readers where read(&self) {
            self.convention = convention
            break
        }
        // Containers that compose starts for one command are none that serve.
        if labels["com.docker.compose.oneoff"] == "True" { isEnabled = false }
    }

    /// No wish.
    private init() {}

    mutating func add(problem: String) {
        guard problems.count < Self.problemsMax else { return }
        problems.append(String(problem.prefix(300)))
    }
}

/// A port of a container, and the routes that lead to it. Value type, any thread.
package struct ContainerOffer: Hashable, Sendable {
    /// A route: all that is said of the request must hold.
    package struct Route: Hashable, Sendable {
        /// A host, or `*.` and one for those below it; nil for any.
        package let host: String?
        /// What the path begins with, segment by segment; nil for any.
        package let pathPrefix: String?

        /// A route for that host and path.
        package init(host: String?, pathPrefix: String? = nil) {
            self.host = host
            self.pathPrefix = pathPrefix
        }
    }

    /// Distinguishes the offers of one container; empty for the one that needs no name.
    package internal(set) var name = ""
    /// The service that it is an instance of; nil: named after the container.
    package internal(set) var service: String?
    /// The requests that it wants; may be empty, as other configuration may name the service.
    package internal(set) var routes: [Route] = []
    /// The port inside the container, 1 to 65535; nil: to be found out.
    package internal(set) var port: UInt16?
    /// Share of the requests within its priority.
    package internal(set) var weight: UInt16 = 1
    /// Tier, 0 to `priorityMax`: the lowest with an instance that is up gets the requests.
    package internal(set) var priority: UInt16 = 0
    /// The path of an HTTP check; nil: the service's own check.
    package internal(set) var checkPath: String?

    /// How long requests wait while the service has no backend, as it was written: a duration or
    /// `off`; nil: as for other services made of labels.
    package internal(set) var emptyWait: String?

    /// The last tier that a container may ask for: those behind are for instances whose HEALTHCHECK
    /// fails.
    package static let priorityMax: UInt16 = 0x7FFF

    /// The plainest offer.
    package init() {}
}
