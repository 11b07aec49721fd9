// UnservedContainers: containers that run and that no service wants, each with the reason: people
// who forgot a label, or misspelt one, look for the container first and not for the label. Pure.

internal import Containers
package import DockerAPI
package import InstanceSources

/// Finds containers of no service.
package struct UnservedContainers {
    /// Containers that are named, at most.
    private static let shownMax = 100

    /// The first of them by name.
    package private(set) var shown: [SourceFindings.Idle] = []
    /// How many there are.
    package private(set) var count = 0

    /// Finds containers of `watch` that run, and that none of `queries` wants. `byLabels`: whether
    /// labels become services and routes.
    package init(_ watch: DockerWatch, besides queries: [DockerQuery], byLabels: Bool) {
        // Almost every query is for a name: those are not tried on each container.
        let ofNames = Dictionary(grouping: queries.filter { $0.service != nil }) { $0.service }
        let ofLabels = queries.filter { $0.service == nil }
        let own = watch.options.ownContainer
        var found: [Container] = []
        for container in watch.inventory.containers.values where container.summary.state.isAlive {
            let named = container.serviceNames.lazy.compactMap { ofNames[$0] }.joined()
            if named.contains(where: { $0.offer(of: container) != nil }) { continue }
            if ofLabels.contains(where: { $0.offer(of: container) != nil }) { continue }
            found.append(container)
        }
        count = found.count
        found.sort { ($0.summary.name, $0.summary.id) < ($1.summary.name, $1.summary.id) }
        shown = found.prefix(Self.shownMax).map { container in
            .init(
                name: container.summary.name, metadata: container.metadata(watch.vantage),
                reason: container.summary.id == own
                    ? "this Fairlead runs in it" : container.reasonOfNoService(byLabels))
        }
    }
}

extension Container {
    /// Why no service wants it: a clause.
    fileprivate func reasonOfNoService(_ byLabels: Bool) -> String {
        if summary.labels["com.docker.compose.oneoff"] == "True" {
            return "compose started it for one command"
        }
        if let problem = wishes.problems.first { return problem }
        if wishes.isEnabled == false { return "its labels say that it wants no requests" }
        // What its environment asks for is not known before.
        guard details != nil else { return "its engine has not said all of it yet" }
        let names = serviceNames.prefix(3).joined(separator: ", ")
        guard let convention = wishes.convention else {
            return "it has no label such as fairlead.host, and no service asks for \(names)"
        }
        if wishes.offers.allSatisfy(\.routes.isEmpty) {
            return "what it says by \(convention.rawValue)'s convention asks for no host and no "
                + "path, and no service asks for \(names)"
        }
        return byLabels
            ? "its routes are another container's, which the log and the findings of Docker's "
                + "labels name"
            : "no service asks for \(names), and labels make routes with `docker: on` alone"
    }
}
