// HealthEntry: one entry of an answer in Consul's JSON, and what it means. The names of the
// properties are Consul's own. Go writes an empty list or map as null, or leaves it out.

internal import Endpoints
internal import JSON

struct HealthEntry: Decodable {
    /// What only describes an instance: a value that makes no sense is left out, and the instance
    /// stays.
    typealias TolerantTexts = JSON.Tolerant<[String: JSON.Tolerant<String>]>

    struct RegisteredNode: Decodable {
        let Node: String
        let Address: String?
        let Datacenter: String?
        let Meta: TolerantTexts?
        let TaggedAddresses: [String: String]?
    }

    struct RegisteredService: Decodable {
        struct WeightsByStatus: Decodable {
            let Passing: Int?
            let Warning: Int?
        }

        struct TaggedAddress: Decodable {
            let Address: String?
            let Port: Int?
        }

        let ID: String
        let Tags: JSON.Tolerant<[JSON.Tolerant<String>]>?
        let Address: String?
        let Port: Int?
        let Meta: TolerantTexts?
        let Weights: JSON.Tolerant<WeightsByStatus>?
        let TaggedAddresses: [String: TaggedAddress]?
    }

    struct Check: Decodable {
        let CheckID: JSON.Tolerant<String>?
        let Status: String
    }

    let Node: RegisteredNode
    let Service: RegisteredService
    let Checks: [Check]?
}

struct PreparedQueryAnswer: Decodable {
    let Nodes: [JSON.Tolerant<HealthEntry>]?
}

extension HealthEntry {
    /// What the checks of an entry say together: the worst of them.
    private enum Health: String {
        case passing, warning, critical
    }

    /// The entry as it is used; nil when its health leaves it out.
    ///
    /// - Throws: `JSON.Malformed` for what makes no sense.
    func item(passingOnly: Bool) throws(JSON.Malformed) -> HealthAnswer.Item? {
        // All of it is read, so that an entry is malformed whether or not it is healthy.
        let place = try place()
        guard !place.host.isEmpty else { throw .init("there is no address") }
        let wide = try widePlace(instead: place)
        let weight: Int
        switch try health() {
        case .critical: return nil
        case .warning where passingOnly: return nil
        case .warning: weight = Service.Weights?.value?.Warning ?? 1
        case .passing: weight = Service.Weights?.value?.Passing ?? 1
        }
        return HealthAnswer.Item(
            place: place, wide: wide == place ? nil : wide, datacenter: Node.Datacenter,
            weight: UInt16(clamping: weight), metadata: metadata)
    }

    /// Its addresses, host names aside, by which it may be known.
    var endpoints: [Endpoint] {
        guard let place = try? place(), let wide = try? widePlace(instead: place) else { return [] }
        return [place, wide].compactMap { place in
            IPAddress(place.host).map { Endpoint($0, place.port) }
        }
    }

    /// Whether somebody took it, or its node, out of service on purpose. Consul writes that down as
    /// a critical check of a name of its own.
    var isInMaintenance: Bool {
        (Checks ?? []).contains { check in
            guard let id = check.CheckID?.value, check.Status == "critical" else { return false }
            return id == "_node_maintenance" || id.hasPrefix("_service_maintenance:")
        }
    }

    /// The checks are those of the service and of its node, so a service on a dead node is critical
    /// whatever its own checks last said.
    private func health() throws(JSON.Malformed) -> Health {
        var worst = Health.passing
        for check in Checks ?? [] {
            guard let health = Health(rawValue: check.Status) else {
                throw .init(
                    "a check is \(check.Status.prefix(40)), and not passing, warning or critical")
            }
            switch health {
            case .passing: break
            case .warning: if worst == .passing { worst = .warning }
            case .critical: worst = .critical
            }
        }
        return worst
    }

    private func place() throws(JSON.Malformed) -> HealthAnswer.Place {
        .init(
            host: [Service.Address, Node.Address].firstFilled ?? "", port: try port(Service.Port))
    }

    private func port(_ number: Int?) throws(JSON.Malformed) -> UInt16 {
        guard let port = UInt16(exactly: number ?? 0) else {
            throw .init("the port is \(number ?? 0), and not 0 to 65535")
        }
        return port
    }

    /// Where other datacentres connect to, in the order of Consul's own translation: the service's
    /// address for them, the service's address, the node's address for them.
    private func widePlace(
        instead place: HealthAnswer.Place
    ) throws(JSON.Malformed) -> HealthAnswer.Place {
        let keys = ["wan", "wan_ipv4", "wan_ipv6"]
        for key in keys {
            guard let tagged = Service.TaggedAddresses?[key], let host = tagged.Address,
                !host.isEmpty
            else { continue }
            let port = try port(tagged.Port)
            return .init(host: host, port: port == 0 ? place.port : port)
        }
        if let address = Service.Address, !address.isEmpty { return place }
        guard let host = keys.map({ Node.TaggedAddresses?[$0] }).firstFilled else { return place }
        return .init(host: host, port: place.port)
    }

    private func texts(_ texts: TolerantTexts?) -> [String: String] {
        (texts?.value ?? [:]).compactMapValues(\.value)
    }

    /// Why parts of the entry that only describe the instance are left out, a clause each.
    var oddities: [String] {
        let tags = Service.Tags?.value ?? []
        let texts = [Node.Meta, Service.Meta].compactMap { $0?.value }.flatMap(\.values)
        let whole = [
            Service.Tags?.reason, Node.Meta?.reason, Service.Meta?.reason, Service.Weights?.reason,
        ]
        return (whole + tags.map(\.reason) + texts.map(\.reason)).compactMap(\.self)
    }

    /// What the operator wrote of the service, or else of its node (a zone, mostly), and what
    /// Consul knows besides, which wins over both. Keys that begin with `consul-` are Consul's own.
    private var metadata: [String: String] {
        var metadata = texts(Node.Meta).filter { !$0.key.hasPrefix("consul-") }
        metadata.merge(texts(Service.Meta)) { _, service in service }
        let tags = (Service.Tags?.value ?? []).compactMap(\.value)
        if !tags.isEmpty { metadata["tags"] = tags.joined(separator: ",") }
        metadata["node"] = Node.Node
        metadata["id"] = Service.ID
        if let datacenter = Node.Datacenter { metadata["datacenter"] = datacenter }
        return metadata
    }
}

extension [String?] {
    /// The first text that is not empty.
    fileprivate var firstFilled: String? {
        for case let text? in self where !text.isEmpty { return text }
        return nil
    }
}
