// DeployedSet: what a deploy has put in the place of a service's configured list, so that the next
// process goes on with it: it holds until the configuration says something else.

package import Backends
internal import Endpoints
internal import JSON

/// The outcome of a service's last deploy. Value type, any thread.
package struct DeployedSet: Sendable, Equatable, Codable {
    /// When it was deployed, in seconds since 1970.
    package let at: Double
    /// The address that asked for it.
    package let by: String
    /// The list of the configuration that it takes the place of, an entry each, as text. Once the
    /// configuration has another one, the deploy no longer holds.
    package let configured: [String]
    private let to: [InstanceRecord]
    private let from: [InstanceRecord]?

    /// A set of `instances`, which took the place of those `before`; nil for the configured list.
    package init(
        _ instances: [Instance], before: [Instance]?, configured: [String], by: String, at: Double
    ) {
        to = instances.map(InstanceRecord.init)
        from = before.map { $0.map(InstanceRecord.init) }
        self.configured = configured
        self.by = by
        self.at = at
    }

    /// The instances that the service has by it.
    package var instances: [Instance] { to.compactMap(\.instance) }

    /// The instances that it had before; nil for those of the configured list.
    package var before: [Instance]? { from?.compactMap(\.instance) }

    /// Whether each of its endpoints can be read.
    var isWhole: Bool { instances.count == to.count && before?.count == from?.count && !to.isEmpty }
}

extension DeployedSet {
    /// The sets of several services, by name, as JSON.
    package static func json(_ sets: [String: DeployedSet]) -> [UInt8] {
        // Texts and numbers alone, none of which JSON can't say.
        JSON.encode(sets) ?? []
    }

    /// What `json` has said; nil for anything else.
    package static func sets(json: [UInt8]) -> [String: DeployedSet]? {
        guard let sets = try? JSON.decode([String: DeployedSet].self, from: json),
            sets.values.allSatisfy(\.isWhole)
        else { return nil }
        return sets
    }
}

/// An instance as it is written down.
struct InstanceRecord: Codable, Equatable, Sendable {
    var endpoint: String
    var priority: UInt16
    var weight: UInt16
    var sharers: UInt16?
    var host: String?
    var metadata: [String: String]?

    init(_ instance: Instance) {
        endpoint = "\(instance.endpoint)"
        priority = instance.priority
        weight = instance.weight
        sharers = instance.sharers > 1 ? instance.sharers : nil
        host = instance.hostName.isEmpty ? nil : instance.hostName
        metadata = instance.metadata.isEmpty ? nil : instance.metadata
    }

    /// Nil for an endpoint that is none.
    var instance: Instance? {
        Endpoint(endpoint).map {
            Instance(
                $0, priority: priority, weight: weight, sharers: max(sharers ?? 1, 1),
                hostName: host ?? "", metadata: metadata ?? [:])
        }
    }
}
