// SRVRecords: what an SRV answer says, and which addresses it leaves open. Pure, so that every odd
// answer can be a test.

package import Backends
internal import DNSClient
package import DNSWire
package import Endpoints

/// The records of one SRV answer, with the addresses that came along.
package struct SRVRecords {
    /// The most addresses of one target that are instances. A host has one or two, a name that
    /// stands for a whole group may have dozens; a server could name thousands for each record.
    package static let addressesMax = 256
    /// The most instances of one answer; a service has 4,096 backends at most.
    package static let instancesMax = 10_000

    /// The records whose target is a host, in the order of the answer.
    private let records: [RecordData.SRV]
    /// Addresses by target, from the additional section or from the target's own name, with the
    /// smallest TTL of each.
    package private(set) var addresses:
        [DomainName: (addresses: [IPAddress], ttlSeconds: UInt32?)] = [:]
    /// The smallest TTL of the records and of the aliases that led to them.
    private let ttlSeconds: UInt32?
    private let family: AddressFamily
    private let port: UInt16?
    /// How many SRV records there are, whether or not they are of use.
    package let count: Int
    /// Records whose data can't be read.
    private let unreadable: Omissions
    /// Records without a port.
    private var portless: [RecordData.SRV] = []
    /// Targets whose name is their address.
    private var spelledTargets: Set<DomainName> = []

    /// Aliases that lead from a target to its addresses within the additional section.
    private static let aliasesMax = 8

    /// Reads `message`. A target of `.` says that the service is decidedly not available (RFC
    /// 2782); a record with port 0 names no place to connect to, unless the port is given. Both are
    /// left out.
    /// - Parameters:
    ///   - family: Which addresses of a target are used.
    ///   - port: In place of the port of every record; nil for theirs.
    package init(_ message: Message, family: AddressFamily = .ipv4First, port: UInt16? = nil) {
        self.family = family
        self.port = port
        let chain = AnswerChain(message)
        let hosts = chain.records.compactMap { record -> RecordData.SRV? in
            guard case .srv(let srv) = record.data, !srv.target.isRoot else { return nil }
            return srv
        }
        records = hosts.filter { (port ?? $0.port) != 0 }
        if port == nil { portless = hosts.filter { $0.port == 0 } }
        ttlSeconds = chain.ttlSeconds
        unreadable = Omissions(unreadableIn: message)
        count = chain.records.count + unreadable.count
        // One pass over what came along, then a look-up per target.
        var owners: [DomainName: [ResourceRecord]] = [:]
        for record in message.additionals + message.answers where record.recordClass == .internet {
            owners[record.name, default: []].append(record)
        }
        for target in Set(records.map(\.target)) {
            if let address = IPAddress(consulAddressName: target) {
                addresses[target] = ([address], nil)
                spelledTargets.insert(target)
            } else if let found = Self.addresses(of: target, in: owners),
                family.isServed(by: found.addresses)
            {
                addresses[target] = found
            }
        }
    }

    private static func addresses(
        of target: DomainName, in owners: [DomainName: [ResourceRecord]]
    ) -> (addresses: [IPAddress], ttlSeconds: UInt32?)? {
        var name = target
        var ttlSeconds: UInt32?
        for _ in 0...aliasesMax {
            guard let records = owners[name] else { return nil }
            var found: [IPAddress] = []
            var alias: DomainName?
            for record in records {
                if let address = record.data.address {
                    if !found.contains(address) { found.append(address) }
                } else if case .cname(let next) = record.data {
                    alias = next
                } else {
                    continue
                }
                ttlSeconds = min(ttlSeconds ?? record.ttlSeconds, record.ttlSeconds)
            }
            if !found.isEmpty { return (found, ttlSeconds) }
            guard let alias else { return nil }
            name = alias
        }
        return nil
    }

    /// Targets whose addresses have to be asked for, each once.
    package var openTargets: [DomainName] {
        var seen = Set<DomainName>()
        return records.map(\.target).filter { addresses[$0] == nil && seen.insert($0).inserted }
    }

    /// Adds what a target was found to resolve to.
    package mutating func resolve(_ target: DomainName, to found: [IPAddress], ttlSeconds: UInt32?)
    {
        addresses[target] = (found, ttlSeconds)
    }

    /// What targets resolved to, except those whose name is their address.
    package var resolvedAddresses: [DomainName: [IPAddress]] {
        addresses.filter { !spelledTargets.contains($0.key) }.mapValues(\.addresses)
    }

    /// The instances: one for each record and wanted address of its target, which share the
    /// record's weight. Records that lead to one endpoint are joined by the roster.
    package var instances: [Instance] { read().instances }

    /// What is left out: records without a port, targets without a wanted address, and addresses
    /// beyond the bounds.
    package var omissions: Omissions { read().omissions }

    /// The instances of the answer, and what was left out of it.
    /// - Complexity: O(n log n) in the addresses.
    package func read() -> (instances: [Instance], omissions: Omissions) {
        var omissions = unreadable
        for srv in portless {
            omissions.add("the record of \(srv.target.hostName): it has port 0")
        }
        var chosen: [DomainName: [IPAddress]] = [:]
        for target in records.map(\.target) where chosen[target] == nil {
            let wanted = family.choose(from: addresses[target]?.addresses ?? [])
            // Of too many, the same ones are always kept, whatever the order of the answer.
            let used = wanted.count > Self.addressesMax ? wanted.sorted() : wanted
            chosen[target] = Array(used.prefix(Self.addressesMax))
            omissions.add(
                "\(target.hostName): it has \(wanted.count) addresses, \(Self.addressesMax) are "
                    + "used",
                count: wanted.count - Self.addressesMax)
        }
        let timeToLive = timeToLive
        var instances: [Instance] = []
        for record in records {
            let addresses = chosen[record.target] ?? []
            if addresses.isEmpty {
                omissions.add("the record of \(record.target.hostName): it has no address")
            }
            guard instances.count + addresses.count <= Self.instancesMax else {
                omissions.add(
                    "\(record.target.hostName): there are more than \(Self.instancesMax) instances",
                    count: addresses.count)
                continue
            }
            for address in addresses {
                instances.append(
                    Instance(
                        Endpoint(address, port ?? record.port), priority: record.priority,
                        weight: record.weight, sharers: UInt16(addresses.count),
                        hostName: record.target.hostName, timeToLive: timeToLive))
            }
        }
        return (instances, omissions)
    }

    /// Whether another answer says just what this one does, in the same order.
    /// - Complexity: O(n), without reading either.
    package func hasSameContent(as other: SRVRecords) -> Bool {
        ttlSeconds == other.ttlSeconds && count == other.count && records == other.records
            && portless == other.portless && unreadable == other.unreadable
            && addresses.count == other.addresses.count
            && addresses.allSatisfy { target, found in
                other.addresses[target].map { $0 == found } ?? false
            }
    }

    /// How long the whole answer holds: the smallest TTL of all that it is made of.
    package var timeToLive: Duration? {
        let all = addresses.values.compactMap(\.ttlSeconds) + [ttlSeconds].compactMap(\.self)
        return all.min().map { .seconds(Int64($0)) }
    }
}

extension DomainName {
    /// The name as instances carry it: in lower case, without the final dot. A server may spell a
    /// target as the question was spelled, and that is at random.
    package var hostName: String {
        let text = lowercased.description
        return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
