// Instance: what a source reports, before Fairlead knows anything of its own about it; and how two
// reports of one endpoint become one, since identity is (service, address, port).

package import Endpoints

/// One place where a service can be reached, as a source reports it. Value type, any thread.
package struct Instance: Hashable, Sendable {
    /// Where to connect.
    package var endpoint: Endpoint
    /// RFC 2782 priority: the lowest goes first. 0 when the source knows none.
    package var priority: UInt16
    /// RFC 2782 weight: the share within a priority. 0 is a very small one, see `Rotation`.
    package var weight: UInt16
    /// The name that the endpoint was resolved from (an SRV target), for display; empty for none.
    package var hostName: String
    /// What the source tells besides (tags, zone). Dropped when it exceeds `metadataBytesMax`.
    package var metadata: [String: String]
    /// How long the report may be believed; nil means for ever (a static list).
    package var timeToLive: Duration?

    /// An instance; what is left out is what a source says that knows only endpoints.
    package init(
        _ endpoint: Endpoint, priority: UInt16 = 0, weight: UInt16 = 1, hostName: String = "",
        metadata: [String: String] = [:], timeToLive: Duration? = nil
    ) {
        self.endpoint = endpoint
        self.priority = priority
        self.weight = weight
        self.hostName = hostName
        self.metadata = metadata
        self.timeToLive = timeToLive
    }

    /// Bytes of host name, keys and values together.
    var textBytes: Int {
        metadata.reduce(hostName.utf8.count) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }

    /// One instance per endpoint, in the order in which the endpoints appear first.
    ///
    /// A record repeated as it is counts once (answers of several servers may be joined). Different
    /// records that lead to one endpoint (two SRV targets with one address) become one instance:
    /// the best priority wins; the weights of that priority add up, to at most 65,535, because the
    /// endpoint was meant to get both shares; host name and metadata are those of the first record
    /// of that priority; the shortest time to live holds.
    /// - Complexity: O(n).
    static func merged(_ instances: [Instance]) -> [Instance] {
        var result: [Instance] = []
        result.reserveCapacity(instances.count)
        var places: [Endpoint: Int] = [:]
        places.reserveCapacity(instances.count)
        var repeated: Set<Record> = []
        for instance in instances {
            guard let place = places[instance.endpoint] else {
                places[instance.endpoint] = result.count
                repeated.insert(Record(instance))
                result.append(instance)
                continue
            }
            guard repeated.insert(Record(instance)).inserted else { continue }
            result[place].join(instance)
        }
        return result
    }

    private mutating func join(_ other: Instance) {
        let shortest = [timeToLive, other.timeToLive].compactMap(\.self).min()
        if other.priority < priority {
            self = other
        } else if other.priority == priority {
            let sum = weight.addingReportingOverflow(other.weight)
            weight = sum.overflow ? .max : sum.partialValue
        }
        timeToLive = shortest
    }

    /// What makes two records the same one.
    private struct Record: Hashable {
        let endpoint: Endpoint
        let priority: UInt16
        let weight: UInt16
        let hostName: String

        init(_ instance: Instance) {
            endpoint = instance.endpoint
            priority = instance.priority
            weight = instance.weight
            hostName = instance.hostName
        }
    }
}
