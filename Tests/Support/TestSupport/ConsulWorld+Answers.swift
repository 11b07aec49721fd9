// What the stand-in answers to a request, as Consul does: statuses, indexes, documents. It heeds
// `passing`, `tag`, `dc`, `recurse`, `index` and `wait`, refuses `filter`, and takes no notice of
// `near` and `node-meta`. What it refuses is in ConsulWorld+Refusals.swift.

internal import FoundationEssentials
internal import HTTP1

/// A request to the stand-in, taken apart.
struct ConsulStandInRequest: Sendable {
    let method: Method
    let path: String
    /// Decoded, in their order; a parameter without `=` has an empty value.
    let parameters: [(name: String, value: String)]
    let body: [UInt8]
    let target: String
    let token: String?

    init(method: Method, target: String, body: [UInt8], token: String?) {
        self.method = method
        self.target = target
        self.token = token
        self.body = body
        let parts = target.split(separator: "?", maxSplits: 1)
        path = Self.decoded(String(parts.first ?? ""))
        parameters = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { part in
            let pair = part.split(separator: "=", maxSplits: 1)
            return (
                Self.decoded(String(pair[0])), pair.count > 1 ? Self.decoded(String(pair[1])) : ""
            )
        }
    }

    func value(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// The index to wait beyond; nil when the request is answered at once.
    var index: UInt64? { value("index").flatMap(UInt64.init).flatMap { $0 > 0 ? $0 : nil } }

    /// `60s`, `1500ms`, or Consul's five minutes.
    var wait: Duration {
        let wait = value("wait").flatMap { ConsulWorld.duration($0) } ?? .seconds(300)
        return min(wait, .seconds(600))
    }

    private static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x25, rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// An answer of the stand-in.
struct ConsulStandInAnswer {
    var status = 200
    /// Nil for answers that have none.
    var index: UInt64?
    var body: [UInt8] = []
    var isFiltered = false
    var knowsLeader = true
}

extension ConsulWorld {
    /// What is answered now.
    mutating func answer(to request: ConsulStandInRequest) -> ConsulStandInAnswer {
        if let refusal = refusal(of: request) { return refusal }
        let path = request.path
        func rest(_ prefix: String) -> String? {
            path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : nil
        }
        if let datacenter = request.value("dc"), datacenter != self.datacenter,
            !instances.values.contains(where: { $0.datacenter == datacenter })
        {
            return text(500, "No path to datacenter")
        }
        if let name = rest("/v1/health/service/") { return health(name, request) }
        if let key = rest("/v1/kv/") { return answerAboutKeys(key, request) }
        if let answer = answerAboutSessions(request) { return answer }
        if path == "/v1/txn" { return transaction(request) }
        if path == "/v1/catalog/services" { return catalog() }
        if path == "/v1/agent/self" {
            return document(["Config": ["Datacenter": datacenter]], index: nil)
        }
        if let answer = answerAsAgent(request) { return answer }
        if let name = rest("/v1/query/"), name.hasSuffix("/execute") {
            let service = String(name.dropLast("/execute".count))
            return query(service)
        }
        return text(404, "Invalid URL path: not a recognized HTTP API endpoint")
    }

    /// A prepared query without the parameter `near`: instances that are critical are left out, and
    /// the first datacentre that has others answers.
    private func query(_ service: String) -> ConsulStandInAnswer {
        guard instances.values.contains(where: { $0.service == service }) else {
            return text(404, "Query not found")
        }
        let places = [datacenter] + failovers[service, default: []]
        for (count, place) in places.enumerated() {
            let found = entries {
                $0.service == service && $0.datacenter == place && $0.status != "critical"
                    && $0.nodeStatus != "critical"
            }
            guard !found.isEmpty || count == places.count - 1 else { continue }
            return document(
                QueryDocument(
                    Service: service, Nodes: found, Datacenter: place, Failovers: count),
                index: nil)
        }
        return text(500, "No path to datacenter")
    }

    func text(_ status: Int, _ text: String) -> ConsulStandInAnswer {
        ConsulStandInAnswer(status: status, body: Array(text.utf8))
    }

    func document(_ value: some Encodable, index: UInt64?) -> ConsulStandInAnswer {
        let data = try? JSONEncoder().encode(value)
        return ConsulStandInAnswer(index: index, body: data.map { Array($0) } ?? [])
    }

    // MARK: - Health and catalogue

    private func health(
        _ name: String, _ request: ConsulStandInRequest
    ) -> ConsulStandInAnswer {
        let tags = request.parameters.filter { $0.name == "tag" }.map(\.value)
        let wanted = request.value("dc") ?? datacenter
        let passingOnly = request.value("passing").map { !["0", "false"].contains($0) } ?? false
        let found = entries { instance in
            instance.service == name && instance.datacenter == wanted && maySee(name, request)
                && tags.allSatisfy(instance.tags.contains)
                && (!passingOnly
                    || (instance.status == "passing" && instance.nodeStatus == "passing"))
        }
        var answer = document(found, index: serviceIndexes[name] ?? catalogIndex)
        answer.isFiltered = !maySee(name, request)
        return answer
    }

    private func entries(where isWanted: (Instance) -> Bool) -> [EntryDocument] {
        instances.values.filter(isWanted).sorted { $0.key < $1.key }.map(EntryDocument.init)
    }

    private func catalog() -> ConsulStandInAnswer {
        var services: [String: [String]] = ["consul": []]
        for instance in instances.values {
            services[instance.service, default: []] += instance.tags
        }
        return document(services.mapValues { Set($0).sorted() }, index: catalogIndex)
    }
}

// MARK: - Consul's JSON; the names of the properties are its own

private struct EntryDocument: Encodable {
    struct NodeDocument: Encodable {
        let ID = "40e4a748-2192-161a-0510-9bf59fe950b5"
        let Node: String
        let Address: String
        let Datacenter: String
        let TaggedAddresses: [String: String]?
        let Meta: [String: String] = ["consul-network-segment": ""]
    }

    struct ServiceDocument: Encodable {
        struct WeightsDocument: Encodable {
            let Passing: Int
            let Warning: Int
        }

        struct TaggedAddressDocument: Encodable {
            let Address: String
            let Port: Int
        }

        let ID: String
        let Service: String
        let Tags: [String]?
        let Address: String
        let TaggedAddresses: [String: TaggedAddressDocument]?
        let Meta: [String: String]?
        let Port: Int
        let Weights: WeightsDocument
        let EnableTagOverride = false
    }

    struct CheckDocument: Encodable {
        let Node: String
        let CheckID: String
        let Name: String
        let Status: String
        let ServiceID: String
        let Output = ""
    }

    let Node: NodeDocument
    let Service: ServiceDocument
    let Checks: [CheckDocument]

    init(_ instance: ConsulWorld.Instance) {
        Node = NodeDocument(
            Node: instance.node, Address: instance.nodeAddress, Datacenter: instance.datacenter,
            TaggedAddresses: [
                "lan": instance.nodeAddress,
                "wan": instance.nodeWANAddress.isEmpty
                    ? instance.nodeAddress : instance.nodeWANAddress,
            ])
        Service = ServiceDocument(
            ID: instance.id, Service: instance.service,
            Tags: instance.tags.isEmpty ? nil : instance.tags, Address: instance.address,
            TaggedAddresses: instance.wanAddress.isEmpty
                ? nil : ["wan": .init(Address: instance.wanAddress, Port: instance.port)],
            Meta: instance.meta.isEmpty ? nil : instance.meta, Port: instance.port,
            Weights: .init(Passing: instance.passingWeight, Warning: instance.warningWeight))
        Checks = [
            CheckDocument(
                Node: instance.node, CheckID: "serfHealth", Name: "Serf Health Status",
                Status: instance.nodeStatus, ServiceID: ""),
            CheckDocument(
                Node: instance.node, CheckID: "service:\(instance.id)", Name: "check",
                Status: instance.status, ServiceID: instance.id),
        ]
    }
}

private struct QueryDocument: Encodable {
    let Service: String
    let Nodes: [EntryDocument]
    let Datacenter: String
    let Failovers: Int
}
