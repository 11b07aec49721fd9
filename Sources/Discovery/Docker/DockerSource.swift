// DockerSource: the instances of a service among the containers of an engine.
//
// | a container of the service    | what is reported                                              |
// |-------------------------------|---------------------------------------------------------------|
// | serves                        | an instance                                                   |
// | … and its HEALTHCHECK fails   | an instance behind all others: `unhealthyPriority` is added   |
// | gets no new requests: it was  | listed as withdrawn, where it is or was last, so that its     |
// |  told to stop, paused, ended  |  drain begins at once, however many go at a time              |
// | is awaited                    | nothing yet                                                   |
// | can't be reached, or its port | left out, with the reason                                     |
// |  is not known                 |                                                               |
//
// An engine is no registry that may forget: it says what runs, and nothing runs that it does not
// name. So what it takes away is meant, and when it names no container of the service none is left.
// While the engine itself is away, its containers go on: that is a failure, and takes nothing away.

package import Backends
internal import Containers
package import DockerAPI
internal import Endpoints
package import InstanceSources

/// A source that asks Docker's engine. Control thread only.
package final class DockerSource: Source {
    /// What is added to the priority of an instance whose HEALTHCHECK fails.
    package static let unhealthyPriority: UInt16 = ContainerOffer.priorityMax + 1

    /// `Docker` and the query: `Docker web?network=front`.
    package let summary: String
    /// Containers that are left out and why, and those on which no requests are wanted.
    package private(set) var findings = SourceFindings()
    /// Whether a container of the service is about to serve, so that requests may wait for it.
    package private(set) var isExpecting = false

    private let query: DockerQuery
    private let watch: DockerWatch
    private let prefersV6: Bool
    private var listener: ((DiscoveryAnswer) -> Void)?
    /// The ids of the containers that the query wants.
    private var members: Set<String> = []
    /// The ids of those whose networks members are in.
    private var owners: Set<String> = []
    private var last: Report?

    /// What was reported last.
    private struct Report: Equatable {
        let answer: DiscoveryAnswer
        let findings: SourceFindings
    }

    /// A source of those containers of `watch` that `query` wants. `prefersV6`: which of two
    /// addresses on a network is the instance's.
    package init(_ query: DockerQuery, _ watch: DockerWatch, prefersV6: Bool = false) {
        self.query = query
        self.watch = watch
        self.prefersV6 = prefersV6
        summary = "Docker \(query)"
    }

    /// The engine tells of every change.
    package var answersStand: Bool { true }

    /// What an engine takes away is gone; a failure of the engine takes nothing away.
    package var isDeliberate: Bool { true }

    /// Reports what is known now before it returns, if anything is, and every change of it.
    package func start(reportingTo listener: @escaping (DiscoveryAnswer) -> Void) {
        self.listener = listener
        watch.add(self) { [weak self] changes in self?.look(changes) }
    }

    /// Reports nothing more.
    package func stop() {
        listener = nil
        last = nil
        watch.remove(self)
    }

    private func look(_ changes: DockerWatch.Changes) {
        let report: Report
        if let failure = watch.failure {
            report = Report(answer: .failure(failure.discoveryFailure), findings: findings)
        } else {
            guard isConcerned(by: changes) else { return }
            let selection = ContainerSelection(
                query, among: members, of: watch.inventory,
                watch.surroundings(prefersV6: prefersV6))
            isExpecting = selection.isExpecting
            findings = selection.findings
            report = Report(answer: .instances(selection.instances), findings: findings)
        }
        guard report != last else { return }
        last = report
        listener?(report.answer)
    }

    /// Brings `members` up to date; whether the selection may be different from the last.
    private func isConcerned(by changes: DockerWatch.Changes) -> Bool {
        let containers = watch.inventory.containers
        switch changes {
        case .all:
            members = Set(containers.filter { query.offer(of: $0.value) != nil }.keys)
        case .containers(let changes):
            let before = members
            for id in changes.renewed {
                let isWanted = containers[id].map { query.offer(of: $0) != nil } ?? false
                if isWanted { members.insert(id) } else { members.remove(id) }
            }
            let isConcerned = changes.ids.contains { id in
                members.contains(id) || before.contains(id) || owners.contains(id)
            }
            guard isConcerned else { return false }
        }
        owners = Set(members.compactMap { containers[$0]?.summary.ownerID })
        return true
    }
}
