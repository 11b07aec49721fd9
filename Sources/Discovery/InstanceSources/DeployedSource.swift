// DeployedSource: the instances that an operator's deploys have put in the place of a list of the
// configuration. It looks nothing up: whoever deploys changes it.

package import Backends
package import Endpoints

/// A source that reports what was deployed. Control thread only.
package final class DeployedSource: Source {
    /// Whose place it takes.
    package let summary: String
    /// What it reports.
    package private(set) var instances: [Instance]
    /// The instances that were taken out last, each with the reason.
    package private(set) var findings = SourceFindings()
    private var listener: ((DiscoveryAnswer) -> Void)?

    /// A source of `instances`, in the place of one that is called `replaced`.
    package init(_ instances: [Instance], inPlaceOf replaced: String) {
        self.instances = instances
        summary = "deployed, in place of \(replaced)"
    }

    /// Changes hold until the next.
    package var answersStand: Bool { true }

    /// An operator has written it down.
    package var isDeliberate: Bool { true }

    /// Reports the instances before it returns, and again whenever they change.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
        listener(.instances(instances))
    }

    /// Reports nothing more.
    package func stop() { listener = nil }

    /// Reports these instances from now on. `withdrawn` have to go, each for its reason, a clause.
    package func set(_ instances: [Instance], withdrawn: [Endpoint: String] = [:]) {
        self.instances = instances
        findings.withdrawn = withdrawn
        listener?(.instances(instances))
    }
}
