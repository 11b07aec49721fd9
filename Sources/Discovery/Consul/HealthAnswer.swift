// HealthAnswer: what `/v1/health/service/NAME` or a prepared query says, as instances. Pure.
//
// | what an entry says                     | what becomes of it                                   |
// |----------------------------------------|------------------------------------------------------|
// | a check of it or its node is critical  | left out (maintenance is such a check)               |
// |  … warning, none critical              | its Warning weight; left out when only passing count |
// |  … all passing, or no check            | its Passing weight                                   |
// | port 0                                 | left out and counted                                 |
// | a host name as address                 | to be resolved                                       |
// | anything that can't be: a check status | left out and counted, with its place and the reason; |
// |  or port that there is none of …       | the others count                                     |
// | … a tag, metadata or weights           | left out alone; the entry counts                     |
// | every entry is of that kind            | the whole answer is refused                          |
//
// One entry that can't be read is left out alone: it must not hold up the changes of the others. An
// answer of which nothing can be read is in a format that we don't know, and changes nothing.

internal import Backends
internal import Endpoints
internal import InstanceSources
internal import JSON

/// The healthy entries of one answer. Value type.
struct HealthAnswer {
    /// Where an entry can be connected to.
    struct Place: Equatable {
        /// An address or a name.
        let host: String
        /// 0 is nowhere.
        let port: UInt16
    }

    /// A healthy entry.
    struct Item {
        /// Within its datacentre.
        let place: Place
        /// From other datacentres; nil when that is the same.
        let wide: Place?
        let datacenter: String?
        let weight: UInt16
        let metadata: [String: String]
    }

    /// An instance that lacks only its address.
    struct Named: Equatable {
        let host: String
        let port: UInt16
        let weight: UInt16
        let metadata: [String: String]

        /// The instance at one of its host's addresses, of which `sharers` share the weight.
        func instance(at address: IPAddress, sharers: UInt16 = 1) -> Instance {
            Instance(
                Endpoint(address, port), priority: HealthAnswer.priority, weight: weight,
                sharers: sharers, hostName: host, metadata: metadata)
        }
    }

    /// RFC 2782's priority, as Consul's DNS has it.
    static let priority: UInt16 = 1

    private(set) var items: [Item] = []
    /// Addresses of entries that are listed, and left out for their health …
    private(set) var critical: Set<Endpoint> = []
    /// … or because they are in maintenance.
    private(set) var withdrawn: [Endpoint: String] = [:]
    /// Entries that can't be read.
    private(set) var omissions = Omissions()

    /// Reads the entries of `/v1/health/service/NAME`.
    ///
    /// - Throws: `JSON.Malformed`.
    init(service bytes: [UInt8], passingOnly: Bool) throws(JSON.Malformed) {
        let entries = try JSON.decode([JSON.Tolerant<HealthEntry>].self, from: bytes)
        try self.init(entries, passingOnly: passingOnly)
    }

    /// Reads the answer of `/v1/query/NAME/execute`.
    ///
    /// - Throws: `JSON.Malformed`.
    init(preparedQuery bytes: [UInt8]) throws(JSON.Malformed) {
        let answer = try JSON.decode(PreparedQueryAnswer.self, from: bytes)
        // Whether warnings count is part of the query's definition.
        try self.init(answer.Nodes ?? [], passingOnly: false)
    }

    private init(
        _ entries: [JSON.Tolerant<HealthEntry>], passingOnly: Bool
    ) throws(JSON.Malformed) {
        var readCount = 0
        for (index, entry) in entries.enumerated() {
            switch entry {
            case .malformed(let error): omissions.add(error.reason)
            case .value(let entry):
                do throws(JSON.Malformed) {
                    if let item = try entry.item(passingOnly: passingOnly) {
                        items.append(item)
                    } else if entry.isInMaintenance {
                        for endpoint in entry.endpoints {
                            withdrawn[endpoint] = "it is in maintenance in Consul"
                        }
                    } else {
                        critical.formUnion(entry.endpoints)
                    }
                    readCount += 1
                    for oddity in entry.oddities { omissions.add(oddity) }
                } catch {
                    omissions.add("[\(index)], \(entry.Service.ID): \(error.reason)")
                }
            }
        }
        if readCount == 0, let first = omissions.examples.first { throw .init(first) }
    }

    /// Whether it makes a difference which datacentre the agents are in.
    var dependsOnDatacenter: Bool { items.contains { $0.wide != nil } }

    /// The entries by what is left to do for them: nothing; resolving a name; and those that are
    /// left out, since they can't be read or can't be connected to.
    ///
    /// - Parameter ownDatacenter: the agents' own; nil takes every entry for one of it.
    func sorted(ownDatacenter: String?) -> (
        instances: [Instance], named: [Named], omissions: Omissions
    ) {
        var result: (instances: [Instance], named: [Named], omissions: Omissions) =
            ([], [], omissions)
        for item in items {
            let isElsewhere =
                if let ownDatacenter, let datacenter = item.datacenter {
                    datacenter != ownDatacenter
                } else {
                    false
                }
            let place = isElsewhere ? item.wide ?? item.place : item.place
            if place.port == 0 {
                result.omissions.add("\(item.metadata["id"] ?? place.host): it has port 0")
            } else if let address = IPAddress(place.host) {
                result.instances.append(
                    Instance(
                        Endpoint(address, place.port), priority: Self.priority,
                        weight: item.weight, metadata: item.metadata))
            } else {
                result.named.append(
                    Named(
                        host: place.host, port: place.port, weight: item.weight,
                        metadata: item.metadata))
            }
        }
        return result
    }
}
