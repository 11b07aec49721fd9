// ConsulWorld: what a stand-in for a Consul agent knows, and how it changes: one raft index for
// all, a catalogue with checks, keys with tombstones. Named as Consul's API names it.

/// The state behind a `ConsulStandIn`. Value type.
package struct ConsulWorld: Sendable {
    /// An instance of a service. The defaults are those of an instance on the agent's own node.
    package struct Instance: Sendable {
        /// The service's name.
        package var service: String
        /// Unique on its node.
        package var id: String
        package var address = ""
        package var port: Int
        package var tags: [String] = []
        package var meta: [String: String] = [:]
        package var passingWeight = 1
        package var warningWeight = 1
        package var node = "node-1"
        package var nodeAddress = "127.0.0.1"
        package var datacenter = "dc1"
        /// For other datacentres: the service's and the node's; empty for none.
        package var wanAddress = ""
        package var nodeWANAddress = ""
        /// `passing`, `warning` or `critical`: of the service and of its node (`serfHealth`).
        package var status = "passing"
        package var nodeStatus = "passing"

        /// An instance of `service` with what Consul takes for granted.
        package init(_ service: String, id: String, address: String = "", port: Int) {
            self.service = service
            self.id = id
            self.address = address
            self.port = port
        }

        var key: String { "\(node)/\(id)" }
    }

    /// How it misbehaves.
    package enum Lie: Sendable, Equatable {
        /// 500, "No cluster leader".
        case noLeader
        /// This status, with this text.
        case status(Int, String)
        /// A body that is no JSON.
        case garbage
        /// This body, whatever was asked for.
        case body(String)
        /// A length that promises more than comes before the connection is closed.
        case truncated
        /// Nothing at all, ever.
        case silence
        /// The connection is reset.
        case reset
        /// Answers at once, whatever the index, with an index that falls.
        case fallingIndex
        /// Answers at once, whatever the index, without any index.
        case noIndex
        /// Answers at once that nothing is there, as a token sees it that may see nothing.
        case hidden
    }

    /// How it misbehaves; nil for not at all.
    package var lie: Lie?
    /// Requests whose target contains this are lied to, the others not; empty for all.
    package var liesTo = ""
    /// What it says of its cluster's leader.
    package var knowsLeader = true
    /// Of prepared queries, by name: the datacentres that are asked in turn when the agent's own
    /// has no instance that passes. Each is for the service of its name.
    package var failovers: [String: [String]] = [:]
    /// The datacentre of the agent.
    package var datacenter = "dc1"
    /// The raft index of the last change.
    package private(set) var index: UInt64 = 10

    package private(set) var instances: [String: Instance] = [:]
    var serviceIndexes: [String: UInt64] = [:]
    var catalogIndex: UInt64 = 10
    /// What a key has.
    package struct Pair: Sendable {
        package var value: [UInt8]
        package var flags: UInt64
        var createIndex: UInt64
        package var modifyIndex: UInt64
        /// How often it was locked, and by which session it is; nil for none.
        var lockIndex: UInt64 = 0
        package var session: String?
    }
    package internal(set) var pairs: [String: Pair] = [:]
    /// Sessions, by id.
    var sessions: [String: StandInSession] = [:]
    /// Until when a key can't be locked, since a session ended that had locked it.
    var lockDelays: [String: ContinuousClock.Instant] = [:]
    /// Of deleted keys: when that was.
    var tombstones: [String: UInt64] = [:]
    /// Services registered through the agent's own API, by id.
    package internal(set) var agentServices: [String: String] = [:]
    /// Their checks, by id.
    var agentChecks: [String: StandInCheck] = [:]
    /// What each token may do, by its secret; the empty one is that of requests without. Nil: ACLs
    /// are off.
    package var tokens: [String: Grants]?
    /// How long a service is critical at least until the agent removes it: Consul's own bound.
    package var removalFloor = Duration.seconds(60)
    /// How long a session lives at least without a renewal: Consul's own bound.
    package var sessionLifeMin = Duration.seconds(10)
    /// How long at most a key can't be locked whose session has ended: Consul's own bound.
    package var lockDelayMax = Duration.seconds(60)
    var fallingIndex: UInt64 = 1_000_000
    /// How often `/v1/agent/service/register` was called.
    package internal(set) var agentRegistrations = 0
    /// How often `/v1/agent/check/update/` was.
    package internal(set) var agentReports = 0

    /// An agent that knows nothing but itself.
    package init() {}

    mutating func bump() -> UInt64 {
        index += 1
        return index
    }

    // MARK: - Catalogue

    /// Registers an instance, or changes one.
    package mutating func register(_ instance: Instance) {
        let now = bump()
        instances[instance.key] = instance
        serviceIndexes[instance.service] = now
        catalogIndex = now
    }

    /// Removes an instance; nothing happens when it is not there.
    package mutating func deregister(_ id: String, node: String = "node-1") {
        guard let instance = instances.removeValue(forKey: "\(node)/\(id)") else { return }
        let now = bump()
        serviceIndexes[instance.service] = now
        catalogIndex = now
    }

    /// The service's check changes.
    package mutating func setStatus(_ status: String, of id: String, node: String = "node-1") {
        guard var instance = instances["\(node)/\(id)"] else { return }
        instance.status = status
        register(instance)
    }

    /// Something that has to do with the service is written, and leaves all as it is.
    package mutating func touch(_ service: String) {
        serviceIndexes[service] = bump()
    }

    // MARK: - Keys

    /// Writes a key.
    package mutating func put(_ key: String, _ value: [UInt8], flags: UInt64 = 0) {
        let now = bump()
        let old = pairs[key]
        pairs[key] = Pair(
            value: value, flags: flags, createIndex: old?.createIndex ?? now, modifyIndex: now,
            lockIndex: old?.lockIndex ?? 0, session: old?.session)
        tombstones[key] = nil
    }

    /// Deletes a key, and leaves a tombstone.
    package mutating func delete(_ key: String) {
        guard pairs.removeValue(forKey: key) != nil else { return }
        tombstones[key] = bump()
    }

    /// Forgets what was deleted: indexes of prefixes may fall.
    package mutating func reapTombstones() {
        tombstones = [:]
    }

    /// The index of a prefix: the highest of what is below it, tombstones included; of the whole
    /// store when there is nothing.
    func index(ofPrefix prefix: String) -> UInt64 {
        let below =
            pairs.filter { $0.key.hasPrefix(prefix) }.map(\.value.modifyIndex)
            + tombstones.filter { $0.key.hasPrefix(prefix) }.map(\.value)
        return below.max()
            ?? max(1, (pairs.map(\.value.modifyIndex) + tombstones.values).max() ?? 1)
    }

    // MARK: - The agent itself

    /// The agent restarts without its data: empty, and its index starts over.
    package mutating func restart() {
        self = ConsulWorld()
        index = 3
        catalogIndex = 3
    }
}
