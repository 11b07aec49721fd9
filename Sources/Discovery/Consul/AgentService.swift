// AgentService: a service as an agent is asked to hold it, in the words of Consul's API.

/// A service of this machine, with its checks. Value type, any thread.
package struct AgentService: Hashable, Sendable {
    /// Unique on the agent. Not empty.
    package var id: String
    /// Under which name others ask for it. Not empty.
    package var name: String
    /// In the order in which they are shown.
    package var tags: [String]
    /// Where others connect: an address; nil for the address of the agent's node.
    package var address: String?
    /// 0 to 65535; 0 for a service that has no port.
    package var port: UInt16
    /// Keys and values: at most `metaMax`, each as `isMetaKey` and `isMetaValue` have it.
    package var meta: [String: String]
    /// Share of the requests; nil leaves it to Consul, which gives 1 to each.
    package var weights: Weights?
    /// What says whether it is well; a service without any is always passing.
    package var checks: [AgentCheck]

    /// Pairs of `meta` that an agent takes.
    package static let metaMax = 64

    /// A service with nothing but a name and a port, unless said otherwise.
    package init(
        id: String, name: String, port: UInt16, address: String? = nil, tags: [String] = [],
        meta: [String: String] = [:], weights: Weights? = nil, checks: [AgentCheck] = []
    ) {
        self.id = id
        self.name = name
        self.tags = tags
        self.address = address
        self.port = port
        self.meta = meta
        self.weights = weights
        self.checks = checks
    }

    /// Weights of an SRV record, by the state of the service.
    package struct Weights: Hashable, Sendable {
        /// 1 to 65535.
        package var passing: UInt16
        /// 0 to 65535.
        package var warning: UInt16

        /// These weights.
        package init(passing: UInt16, warning: UInt16) {
            self.passing = passing
            self.warning = warning
        }
    }

    /// Whether an agent takes `key`: 1 to 128 letters, digits, hyphens and underscores, and not one
    /// of Consul's own. One that it does not take has it refuse the whole service.
    package static func isMetaKey(_ key: String) -> Bool {
        (1...128).contains(key.utf8.count) && !key.hasPrefix("consul-")
            && key.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                default: false
                }
            }
    }

    /// Whether an agent takes `value`: at most 512 bytes.
    package static func isMetaValue(_ value: String) -> Bool { value.utf8.count <= 512 }

    /// A text that two services share only if an agent would be told the same of both, 16
    /// hexadecimal digits: FNV-1a over the document that the agent is sent.
    package var fingerprint: String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in RegistrationDocument.encoded(self) {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// What says whether a service is well. Value type, any thread.
package struct AgentCheck: Hashable, Sendable {
    /// Unique on the agent; nil leaves it to Consul: `service:` and the service's id.
    package var id: String?
    /// For people.
    package var name: String
    /// What is done.
    package var probe: Probe
    /// How often the agent does it; nil for what it does not do itself.
    package var interval: Duration?
    /// How long it may take; nil for Consul's own bound.
    package var timeout: Duration?
    /// The state before the first result; nil is Consul's own choice: critical.
    package var status: Status?
    /// How long it may be critical until the agent removes its service; Consul takes one minute at
    /// least. Nil for never.
    package var deregisterAfter: Duration?

    /// What a check does.
    package enum Probe: Hashable, Sendable {
        /// Somebody tells the agent how it is, and again before this time is over.
        case ttl(Duration)
        /// The agent connects to this host and port.
        case tcp(String)
        /// The agent asks for this URL by this method, nil for GET, and wants a status of 2xx.
        case http(String, method: String? = nil, verifiesTLS: Bool = true)
        /// The agent asks by gRPC's health protocol: host, port, and perhaps `/` and a service.
        case grpc(String, usesTLS: Bool, verifiesTLS: Bool = true)
        /// The agent runs a program with these arguments.
        case program([String])
        /// The agent runs a program inside a container.
        case inContainer(id: String, [String])
    }

    /// How a service is.
    package enum Status: String, Hashable, Sendable, CaseIterable {
        case passing, warning, critical
    }

    /// A check that is done so.
    package init(
        id: String? = nil, name: String, _ probe: Probe, interval: Duration? = nil,
        timeout: Duration? = nil, status: Status? = nil, deregisterAfter: Duration? = nil
    ) {
        self.id = id
        self.name = name
        self.probe = probe
        self.interval = interval
        self.timeout = timeout
        self.status = status
        self.deregisterAfter = deregisterAfter
    }
}
