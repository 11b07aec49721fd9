// DeployPlan: which instances a service is to have, and how it gets there. During a deploy both the
// new and the old ones are named, one kind in a tier behind the other, so that at no time a request
// has nowhere to go:
//
// | phase              | first           | behind them, for when these can't take a request |
// |--------------------|-----------------|---------------------------------------------------|
// | checking           | the old ones    | the new ones                                      |
// | watching           | the new ones    | the old ones                                      |
// | draining, done     | the new ones    |                                                   |
// | undone             | the old ones    |                                                   |

package import Endpoints

/// What a deploy is to do. Value type, any thread.
package struct DeployPlan: Sendable, Equatable {
    /// The instances that the service has before.
    package let before: [Instance]
    /// The endpoints that it is to have; distinct, at least one.
    package let to: [Endpoint]
    /// How long new ones may take to pass their checks, all of them.
    package let timeout: Duration
    /// How long the old ones stand by while the new ones serve.
    package let watch: Duration
    /// How long what is in flight on those that go may take; nil for the service's own limit.
    package let drain: Duration?

    /// The most endpoints of one deploy.
    package static let endpointsMax = 128

    /// All of it is the operator's, but `before`.
    /// - Precondition: `to` has an endpoint, and none twice.
    package init(
        before: [Instance], to: [Endpoint], timeout: Duration, watch: Duration,
        drain: Duration? = nil
    ) {
        precondition(!to.isEmpty && Set(to).count == to.count)
        self.before = before
        self.to = to
        self.timeout = timeout
        self.watch = watch
        self.drain = drain
    }

    /// The endpoints that come.
    package var arrivals: [Endpoint] {
        let known = Set(before.map(\.endpoint))
        return to.filter { !known.contains($0) }
    }

    /// The endpoints that go.
    package var leavers: [Endpoint] {
        let wanted = Set(to)
        return before.map(\.endpoint).filter { !wanted.contains($0) }
    }

    /// Whether the service has just these instances already.
    package var isEmpty: Bool { arrivals.isEmpty && leavers.isEmpty }

    /// The instances that the service has in this phase.
    package func instances(in phase: DeployState.Phase) -> [Instance] {
        switch phase {
        case .checking: before + new.map(\.behind)
        case .watching: after + old.map(\.behind)
        case .draining, .done: after
        case .undone: before
        }
    }

    /// The instances that the service has in the end. What stays keeps its weight and priority.
    package var after: [Instance] {
        let kept = Dictionary(before.map { ($0.endpoint, $0) }, uniquingKeysWith: { a, _ in a })
        let new = Dictionary(new.map { ($0.endpoint, $0) }, uniquingKeysWith: { a, _ in a })
        return to.compactMap { kept[$0] ?? new[$0] }
    }

    private var old: [Instance] {
        let wanted = Set(to)
        return before.filter { !wanted.contains($0.endpoint) }
    }

    /// Each takes the weight and the priority of one that goes, in order; further ones those of the
    /// last.
    private var new: [Instance] {
        let models = old.isEmpty ? before : old
        return arrivals.enumerated().map { index, endpoint in
            guard let last = models.last else { return Instance(endpoint) }
            let model = models.indices.contains(index) ? models[index] : last
            return Instance(endpoint, priority: model.priority, weight: model.weight)
        }
    }
}

extension Instance {
    /// The instance in a tier behind all those that an operator is likely to have named.
    fileprivate var behind: Instance {
        var instance = self
        let (sum, isOver) = priority.addingReportingOverflow(1 << 15)
        instance.priority = isOver ? .max : sum
        return instance
    }
}
