// HealthAnswer: what `/v1/health/service/NAME` or a prepared query says, as instances. Pure.
//
// | what an entry says                     | what becomes of it                                   |
// |----------------------------------------|------------------------------------------------------|
// | a check of it or its node is critical  | left out (maintenance is such a check)               |
// |  … warning, none critical              | its Warning weight; left out when only passing count |
// |  … all passing, or no check            | its Passing weight                                   |
// | port 0                                 | not usable: left out and counted                     |
// | a host name as address                 | to be resolved                                       |
// | anything that can't be                 | the whole answer is refused                          |
//
// One entry that can't be read spoils the answer: a registry that garbles one may have garbled or
// lost others, and an answer that is refused changes nothing, while one that is believed drains.

internal import Backends
internal import Endpoints
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

    /// An instance that has all but its address.
    struct Named: Equatable {
        let host: String
        let port: UInt16
        let weight: UInt16
        let metadata: [String: String]

        func instance(at address: IPAddress) -> Instance {
            Instance(
                Endpoint(address, port), priority: HealthAnswer.priority, weight: weight,
                hostName: host, metadata: metadata)
        }
    }

    /// RFC 2782's priority, as Consul's DNS has it.
    static let priority: UInt16 = 1

    private(set) var items: [Item] = []

    /// Reads the entries of `/v1/health/service/NAME`.
    ///
    /// - Throws: `JSON.Malformed`.
    init(service bytes: [UInt8], passingOnly: Bool) throws(JSON.Malformed) {
        let entries = try JSON.decode([HealthEntry].self, from: bytes)
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
        _ entries: [HealthEntry], passingOnly: Bool
    ) throws(JSON.Malformed) {
        for (index, entry) in entries.enumerated() {
            do throws(JSON.Malformed) {
                if let item = try entry.item(passingOnly: passingOnly) { items.append(item) }
            } catch {
                throw .init("[\(index)]: \(error.reason)")
            }
        }
    }

    /// Whether it makes a difference which datacentre the agents are in.
    var dependsOnDatacenter: Bool { items.contains { $0.wide != nil } }

    /// The entries by what is left to do for them: nothing; to resolve a name; and how many are
    /// nowhere to be connected to.
    ///
    /// - Parameter ownDatacenter: the agents' own; nil takes every entry for one of it.
    func sorted(ownDatacenter: String?) -> (
        instances: [Instance], named: [Named], unusable: Int
    ) {
        var result: (instances: [Instance], named: [Named], unusable: Int) = ([], [], 0)
        for item in items {
            let isElsewhere =
                if let ownDatacenter, let datacenter = item.datacenter {
                    datacenter != ownDatacenter
                } else {
                    false
                }
            let place = isElsewhere ? item.wide ?? item.place : item.place
            if place.port == 0 {
                result.unusable += 1
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
