// SRVRecords: what an SRV answer says, and which addresses it leaves open. Pure, so that every odd
// answer can be a test.

package import Backends
package import DNSClient
package import DNSWire
package import Endpoints

/// The records of one SRV answer, with the addresses that came along.
package struct SRVRecords {
    /// Those whose target is a host, in the order of the answer.
    private let records: [RecordData.SRV]
    /// Addresses by target, from the additional section or from the target's own name, with the
    /// smallest TTL of each.
    package private(set) var addresses:
        [DomainName: (addresses: [IPAddress], ttlSeconds: UInt32?)] = [:]
    /// The smallest TTL of the records and of the aliases that led to them.
    private let ttlSeconds: UInt32?
    private let family: AddressFamily
    private let port: UInt16?
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
        records = chain.records.compactMap { record in
            guard case .srv(let srv) = record.data, !srv.target.isRoot, (port ?? srv.port) != 0
            else { return nil }
            return srv
        }
        ttlSeconds = chain.ttlSeconds
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

    /// What targets were found to resolve to, those aside whose name is their address.
    package var resolvedAddresses: [DomainName: [IPAddress]] {
        addresses.filter { !spelledTargets.contains($0.key) }.mapValues(\.addresses)
    }

    /// The instances: one for each record whose target has an address that is wanted. A host with
    /// addresses of both families is one instance, since two would get it twice its share, unless
    /// both families are wanted. Records that lead to one endpoint are joined by the roster.
    package var instances: [Instance] {
        let timeToLive = timeToLive
        return records.flatMap { record in
            family.chooseOne(from: addresses[record.target]?.addresses ?? []).map { address in
                Instance(
                    Endpoint(address, port ?? record.port), priority: record.priority,
                    weight: record.weight, hostName: record.target.hostName,
                    timeToLive: timeToLive)
            }
        }
    }

    /// How long the whole answer holds: the smallest TTL of all that it is made of.
    package var timeToLive: Duration? {
        let all = addresses.values.compactMap(\.ttlSeconds) + [ttlSeconds].compactMap(\.self)
        return all.min().map { .seconds(Int64($0)) }
    }
}

extension AddressFamily {
    /// Whether addresses that came along are enough, so that no question is needed. An additional
    /// section may hold one family of a host and leave out the other.
    fileprivate func isServed(by addresses: [IPAddress]) -> Bool {
        switch self {
        case .ipv4First, .ipv6First, .ipv4, .ipv6: !choose(from: addresses).isEmpty
        case .both: chooseOne(from: addresses).count == 2
        }
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
