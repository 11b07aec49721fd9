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
    /// How many instances share that weight, 1 or more: a record whose host has four addresses is
    /// four instances, each with a quarter of its share.
    package var sharers: UInt16
    /// The name that the endpoint was resolved from (an SRV target), for display; empty for none.
    package var hostName: String
    /// Further keys and values of the source (tags, zone). Dropped when it exceeds
    /// `metadataBytesMax`.
    package var metadata: [String: String]
    /// Which process it is, in words of the source: when another one is said to have this endpoint,
    /// nothing is left of what was known of the one before. Empty when the source can't tell.
    package var incarnation: String
    /// Whether the source says that a check of its own has passed there: a new backend gets
    /// requests at once, and our own checks decide from then on.
    package var isPassing: Bool
    /// How long the report may be believed; nil means forever (a static list).
    package var timeToLive: Duration?

    /// An instance; the defaults are for a source that knows only endpoints.
    package init(
        _ endpoint: Endpoint, priority: UInt16 = 0, weight: UInt16 = 1, sharers: UInt16 = 1,
        hostName: String = "", metadata: [String: String] = [:], incarnation: String = "",
        isPassing: Bool = false, timeToLive: Duration? = nil
    ) {
        self.isPassing = isPassing
        self.incarnation = incarnation
        self.sharers = sharers
        self.endpoint = endpoint
        self.priority = priority
        self.weight = weight
        self.hostName = hostName
        self.metadata = metadata
        self.timeToLive = timeToLive
    }

    /// Whether `other` is said to be another process at the same endpoint.
    func isSucceeded(by other: Instance) -> Bool {
        !incarnation.isEmpty && !other.incarnation.isEmpty && incarnation != other.incarnation
    }

    /// Bytes of host name, keys and values together.
    var textBytes: Int {
        metadata.reduce(hostName.utf8.count) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }

    /// One instance per endpoint, in the order in which the endpoints appear first.
    ///
    /// A repeated record counts once (answers of several servers may be joined). Different records
    /// that lead to one endpoint (two SRV targets with one address) become one instance: the best
    /// priority wins; the weights of that priority add up, to at most 65,535, because the endpoint
    /// was meant to get both shares; host name and metadata are those of the first record of that
    /// priority; the shortest time to live holds. The weights that add up are shares, each divided
    /// by its `sharers`.
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
            addShare(of: other)
        }
        timeToLive = shortest
    }

    /// Adds the share of `other`, which may be divided among another number of instances. A sum
    /// that 16 bits can't hold exactly is rounded down, the divisor first.
    private mutating func addShare(of other: Instance) {
        let (mine, others) = (UInt64(max(sharers, 1)), UInt64(max(other.sharers, 1)))
        let common = mine / mine.greatestCommonDivisor(with: others) * others
        let sum = UInt64(weight) * (common / mine) + UInt64(other.weight) * (common / others)
        let excess = max(1, (sum + 0xfffe) / 0xffff, (common + 0xfffe) / 0xffff)
        // A divisor of 1 is a sum of whole weights, which has a greatest value of its own.
        sharers = UInt16(clamping: max(1, common / excess))
        weight = UInt16(clamping: common == 1 ? sum : sum / excess)
    }

    /// What makes two records the same one.
    private struct Record: Hashable {
        let endpoint: Endpoint
        let priority: UInt16
        let weight: UInt16
        let sharers: UInt16
        let hostName: String

        init(_ instance: Instance) {
            endpoint = instance.endpoint
            priority = instance.priority
            weight = instance.weight
            sharers = instance.sharers
            hostName = instance.hostName
        }
    }
}

extension UInt64 {
    /// The greatest number that divides both; neither is 0.
    func greatestCommonDivisor(with other: UInt64) -> UInt64 {
        var (a, b) = (self, other)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }
}
