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
    /// What each container that the query wants comes to, by its id.
    private var members: [String: SelectedContainer] = [:]
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
            guard update(by: changes) else { return }
            let selection = ContainerSelection(members.values)
            isExpecting = selection.isExpecting
            findings = selection.findings
            report = Report(answer: .instances(selection.instances), findings: findings)
        }
        guard report != last else { return }
        last = report
        listener?(report.answer)
    }

    /// Brings `members` up to date; whether the selection may be different from the last.
    private func update(by changes: DockerWatch.Changes) -> Bool {
        let inventory = watch.inventory
        let candidates = query.service.map { inventory.ids(offeringTo: $0) }
        var due: Set<String>
        switch changes {
        case .all:
            due = (candidates ?? Set(inventory.containers.keys)).union(members.keys)
        case .containers(let changes):
            due = changes.ids.filter { members[$0] != nil }
            due.formUnion(candidates.map(changes.renewed.intersection) ?? changes.renewed)
            for member in members.values {
                if let owner = member.ownerID, changes.ids.contains(owner) { due.insert(member.id) }
            }
        }
        let surroundings = watch.surroundings(prefersV6: prefersV6)
        var isChanged = false
        var dependsOnOthers = false
        for id in due {
            let old = members[id]
            let new = inventory.containers[id].flatMap {
                SelectedContainer($0, for: query, of: inventory, surroundings)
            }
            if new == nil, old == nil { continue }
            members[id] = new
            isChanged = true
            if new?.id != old?.id || new?.ownerID != old?.ownerID { dependsOnOthers = true }
        }
        if dependsOnOthers { watch.narrow(self, to: concerns) }
        return isChanged || changes == .all
    }

    /// The ids of the containers that the selection depends on.
    private var concerns: Set<String> {
        Set(members.keys).union(members.values.compactMap(\.ownerID))
    }
}

extension DockerSource {
    /// What is to be said of the engine and of each container of the service, a line each: how it
    /// is followed, and by which port and network each is reached, and why.
    package var explanation: [String] {
        var lines: [String] = []
        if let engine = watch.engine, let version = engine.common {
            lines.append(
                "\(engine.isPodman ? "Podman" : "Docker") \(engine.engine), API \(version), "
                    + "\(watch.inventory.containers.count) containers; "
                    + (watch.streams > 0 ? "its events are heard" : "its events are not heard yet"))
        }
        guard watch.isKnown else { return lines }
        lines.append(watch.vantage.sentence)
        let containers = members.keys.compactMap { watch.inventory.containers[$0] }
            .sorted { $0.summary.name < $1.summary.name }
        let surroundings = watch.surroundings(prefersV6: prefersV6)
        for container in containers.prefix(Self.explainedMax) {
            guard
                let line = query.explanation(of: container, in: watch.inventory, surroundings)
            else { continue }
            lines.append("\(container.summary.name): \(line)")
        }
        if containers.count > Self.explainedMax {
            lines.append("and \(containers.count - Self.explainedMax) containers more")
        }
        return lines
    }

    private static let explainedMax = 40
}
