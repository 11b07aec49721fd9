// ContainerSummary: an entry of `/containers/json`. The names of the properties of its documents
// are the engine's own; Go writes an empty list or map as null, or leaves it out.
//
// Health is told in the text of `Status` before API 1.52: `Up 2 seconds (health: starting)`.

package import Endpoints
package import JSON

/// A container as an engine lists it. Value type, any thread.
package struct ContainerSummary: Hashable, Sendable {
    /// What the engine does with it.
    package enum State: String, Hashable, Sendable, CaseIterable {
        case created, running, paused, restarting, removing, exited, dead
    }

    /// What its HEALTHCHECK says.
    package enum Health: String, Hashable, Sendable, CaseIterable {
        /// There is none, or it is not known.
        case none
        /// No check has passed yet, nor have enough failed.
        case starting
        case healthy, unhealthy
    }

    /// A network that a container is on.
    package struct Network: Hashable, Sendable {
        /// Its name.
        package let name: String
        /// The container's IPv4 address there; nil for none, as of one that does not run.
        package let v4: IPAddress?
        /// The container's IPv6 address there.
        package let v6: IPAddress?

        /// A network with the container's addresses there.
        package init(_ name: String, v4: IPAddress? = nil, v6: IPAddress? = nil) {
            self.name = name
            self.v4 = v4
            self.v6 = v6
        }
    }

    /// A port that is exposed by the image or the command, or published.
    package struct Port: Hashable, Sendable {
        /// The port inside the container, 1 to 65535.
        package let inside: UInt16
        /// Whether it is a port of TCP.
        package let isTCP: Bool
        /// Where the engine's host forwards to it; nil when it is not published. A wildcard address
        /// is any of the host's.
        package let published: Endpoint?

        /// A port of TCP unless said otherwise.
        package init(_ inside: UInt16, isTCP: Bool = true, published: Endpoint? = nil) {
            self.inside = inside
            self.isTCP = isTCP
            self.published = published
        }
    }

    /// 64 hexadecimal digits.
    package let id: String
    /// Its name without the slash before it: `shop_web_1`; the first when there are several.
    package let name: String
    /// The image as it was asked for: `nginx:1.27`.
    package let image: String
    /// Nanoseconds since 1970. The list says seconds: then it is the last moment of that second, so
    /// that nobody counts as older than one whose moment is known.
    package let createdAt: Int
    /// What the engine does with it.
    package var state: State
    /// What its HEALTHCHECK says.
    package var health: Health
    /// What the engine says of both, for people: `Up 2 seconds (healthy)`.
    package var status: String
    /// Its labels, with those of its image.
    package let labels: [String: String]
    /// `default`, `host`, `none`, `container:ID`, or the name of its first network.
    package let networkMode: String
    /// By name.
    package let networks: [Network]
    /// In the order of their numbers.
    package let ports: [Port]

    /// A container that is listed so.
    package init(
        id: String, name: String, image: String = "", createdAt: Int = 0, state: State = .running,
        health: Health = .none, status: String = "", labels: [String: String] = [:],
        networkMode: String = "default", networks: [Network] = [], ports: [Port] = []
    ) {
        self.id = id
        self.name = name
        self.image = image
        self.createdAt = createdAt
        self.state = state
        self.health = health
        self.status = status
        self.labels = labels
        self.networkMode = networkMode
        self.networks = networks
        self.ports = ports
    }
}

/// An answer of `/containers/json`. Value type.
package struct ContainerList: Sendable {
    /// Bytes that an answer may have: some 3 KB for each of 5,000 containers.
    package static let bytesMax = 16 * 1024 * 1024
    /// Entries that are read; what is beyond is left out.
    package static let containersMax = 10_000
    /// Bytes of the labels of one container, above which it is left out.
    package static let labelBytesMax = 64 * 1024

    /// The containers, in the engine's order: the newest first.
    package private(set) var containers: [ContainerSummary] = []
    /// Why entries are left out, a clause each.
    package private(set) var problems: [String] = []

    /// The query for all containers.
    package static let query = "all=1"

    /// A list of these.
    package init(_ containers: [ContainerSummary]) {
        self.containers = containers
    }

    /// Reads the answer. One entry that makes no sense says nothing of the others.
    ///
    /// - Throws: `JSON.Malformed` for what is no list.
    package init(_ bytes: [UInt8]) throws(JSON.Malformed) {
        let entries = try JSON.decode([JSON.Tolerant<ContainerEntry>].self, from: bytes)
        for entry in entries.prefix(Self.containersMax) {
            switch entry {
            case .malformed(let error): problems.append(error.reason)
            case .value(let entry):
                do throws(JSON.Malformed) {
                    containers.append(try entry.summary())
                } catch {
                    problems.append("container \(entry.Id.prefix(12)): \(error.reason)")
                }
            }
        }
        if entries.count > Self.containersMax {
            problems.append(
                "\(entries.count - Self.containersMax) containers behind the first "
                    + "\(Self.containersMax)")
        }
        if containers.isEmpty, let first = problems.first { throw .init(first) }
    }
}

/// An entry as it is written.
private struct ContainerEntry: Decodable {
    struct PortEntry: Decodable {
        let IP: String?
        let PrivatePort: Int
        let PublicPort: Int?
        let kind: String?

        enum CodingKeys: String, CodingKey {
            case kind = "Type"
            case IP, PrivatePort, PublicPort
        }
    }

    struct NetworkSettingsEntry: Decodable {
        let Networks: [String: NetworkEntry?]?
    }

    /// New in API 1.52.
    struct HealthEntry: Decodable {
        let Status: String?
    }

    let Id: String
    let Names: [String]?
    let Image: String?
    let Created: Int?
    let State: String?
    let Status: String?
    let Health: JSON.Tolerant<HealthEntry>?
    let Labels: [String: JSON.Tolerant<String>]?
    let HostConfig: ContainerHostEntry?
    let NetworkSettings: NetworkSettingsEntry?
    let Ports: [JSON.Tolerant<PortEntry>]?

    func summary() throws(JSON.Malformed) -> ContainerSummary {
        try ContainerSummary(
            id: Id, names: Names ?? [], image: Image, createdAt: createdAt, state: State,
            health: health, status: Status ?? "", labels: Labels,
            networkMode: HostConfig?.NetworkMode, networks: NetworkSettings?.Networks,
            ports: ports)
    }

    private var createdAt: Int {
        let next = (Created ?? 0).addingReportingOverflow(1).partialValue
        let end = next.multipliedReportingOverflow(by: Timestamp.second)
        return end.overflow ? 0 : end.partialValue - 1
    }

    private var health: ContainerSummary.Health {
        if let said = Health?.value?.Status { return .init(rawValue: said) ?? .none }
        let status = Status ?? ""
        if status.hasSuffix("(health: starting)") { return .starting }
        if status.hasSuffix("(unhealthy)") { return .unhealthy }
        return status.hasSuffix("(healthy)") ? .healthy : .none
    }

    private var ports: [ContainerSummary.Port] {
        (Ports ?? []).compactMap(\.value).compactMap { entry -> ContainerSummary.Port? in
            guard let inside = UInt16(exactly: entry.PrivatePort), inside > 0 else { return nil }
            var published: Endpoint?
            if let port = entry.PublicPort.flatMap({ UInt16(exactly: $0) }), port > 0 {
                published = Endpoint(entry.IP.flatMap { IPAddress($0) } ?? .v4(0), port)
            }
            return .init(inside, isTCP: entry.kind ?? "tcp" == "tcp", published: published)
        }
    }
}

extension ContainerSummary {
    /// A container from what a document says of it, checked and bounded.
    ///
    /// - Throws: `JSON.Malformed` for what can be no container.
    init(
        id: String, names: [String], image: String?, createdAt: Int, state: String?,
        health: Health, status: String, labels: [String: JSON.Tolerant<String>]?,
        networkMode: String?, networks: [String: NetworkEntry?]?, ports: [Port]
    ) throws(JSON.Malformed) {
        guard ContainerID.isValid(id) else { throw .init("the id is no id") }
        guard let state = State(spelt: state ?? "") else {
            throw .init("the state is \((state ?? "missing").prefix(20)), which is none we know")
        }
        let labels = (labels ?? [:]).compactMapValues(\.value)
        let labelBytes = labels.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard labelBytes <= ContainerList.labelBytesMax else {
            throw .init(
                "its labels have \(labelBytes) bytes, at most \(ContainerList.labelBytesMax) are "
                    + "read")
        }
        // A name with a second slash is a link of another container to this one.
        let name = names.first { !$0.dropFirst().contains("/") } ?? names.first ?? ""
        self.init(
            id: id, name: String((name.hasPrefix("/") ? name.dropFirst() : name[...]).prefix(255)),
            image: String((image ?? "").prefix(255)), createdAt: createdAt, state: state,
            health: health, status: String(status.prefix(100)), labels: labels,
            networkMode: networkMode ?? "default",
            networks: (networks ?? [:]).map { name, entry in
                Network(
                    name, v4: entry?.IPAddress.flatMap { Endpoints.IPAddress($0) },
                    v6: entry?.GlobalIPv6Address.flatMap { Endpoints.IPAddress($0) })
            }
            .sorted { $0.name < $1.name },
            ports: ports.sorted { $0.order < $1.order })
    }
}

extension ContainerSummary.Port {
    fileprivate var order: (UInt16, Int, IPAddress) {
        (inside, isTCP ? 0 : 1, published?.address ?? .v4(0))
    }
}

extension ContainerSummary.State {
    /// The state that `text` spells, also as Podman does.
    fileprivate init?(spelt text: String) {
        switch text {
        case "configured", "initialized": self = .created
        case "stopping": self = .removing
        case "stopped": self = .exited
        default: self.init(rawValue: text)
        }
    }
}

/// What is said of a container and its host.
struct ContainerHostEntry: Decodable {
    let NetworkMode: String?
}

/// What is said of a container on a network.
struct NetworkEntry: Decodable {
    let IPAddress: String?
    let GlobalIPv6Address: String?
}
