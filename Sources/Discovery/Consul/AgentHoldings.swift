// AgentHoldings: what `/v1/agent/services` and `/v1/agent/checks` say: the services of one agent,
// whoever registered them. The names of the properties of the documents are Consul's own. Pure.

internal import JSON

/// The services that an agent holds. Value type, any thread.
package struct AgentHoldings: Sendable, Equatable {
    /// Services that are read of one answer.
    package static let servicesMax = 20_000

    /// A service that the agent holds.
    package struct Service: Sendable, Equatable {
        /// Under which name others ask for it.
        package let name: String
        /// Where others connect; empty for the address of the agent's node.
        package let address: String
        /// Where others connect; 0 for none.
        package let port: Int
        /// In the order in which the agent has them.
        package let tags: [String]
        /// Keys and values.
        package let meta: [String: String]
        /// The state of each of its checks, by id.
        package internal(set) var checks: [String: AgentCheck.Status] = [:]

        /// A service that an agent holds so.
        package init(
            name: String, address: String = "", port: Int = 0, tags: [String] = [],
            meta: [String: String] = [:], checks: [String: AgentCheck.Status] = [:]
        ) {
            self.name = name
            self.address = address
            self.port = port
            self.tags = tags
            self.meta = meta
            self.checks = checks
        }
    }

    /// By id.
    package private(set) var services: [String: Service] = [:]

    /// These services.
    package init(_ services: [String: Service] = [:]) {
        self.services = services
    }

    /// Reads both answers.
    ///
    /// - Throws: `JSON.Malformed`, also for one entry that can't be read: what is not known must
    ///   not be taken for missing.
    init(services: [UInt8], checks: [UInt8]) throws(JSON.Malformed) {
        let entries = try JSON.decode([String: ServiceEntry].self, from: services)
        guard entries.count <= Self.servicesMax else {
            throw .init(
                "there are \(entries.count) services, at most \(Self.servicesMax) are taken")
        }
        self.services = entries.mapValues { entry in
            Service(
                name: entry.Service, address: entry.Address ?? "", port: entry.Port ?? 0,
                tags: entry.Tags ?? [], meta: entry.Meta ?? [:])
        }
        for (id, check) in try JSON.decode([String: CheckEntry].self, from: checks) {
            guard let service = check.ServiceID, !service.isEmpty else { continue }
            self.services[service]?.checks[check.CheckID ?? id] =
                AgentCheck.Status(rawValue: check.Status) ?? .critical
        }
    }

    private struct ServiceEntry: Decodable {
        let Service: String
        let Address: String?
        let Port: Int?
        let Tags: [String]?
        let Meta: [String: String]?
    }

    private struct CheckEntry: Decodable {
        let CheckID: String?
        let Status: String
        let ServiceID: String?
    }
}
