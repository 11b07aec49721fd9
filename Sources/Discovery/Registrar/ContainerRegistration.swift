// ContainerRegistration: the services of one container, by Registrator's rules, as they are to be
// registered. Pure.
//
// | what is registered  | from                                                                   |
// |---------------------|------------------------------------------------------------------------|
// | id                  | SERVICE_ID, else NODE:CONTAINER:PORT, and :udp                         |
// | name                | SERVICE_PORT_NAME, else SERVICE_NAME, else the image's last word; but  |
// |                     |  for the first with -PORT where the container has several ports        |
// | tags                | SERVICE_TAGS, those of all services, and udp                           |
// | address and port    | RegisteredPlace                                                        |
// | weights             | SERVICE_WEIGHT, else the label fairlead.weight                         |
// | checks              | SERVICE_CHECK_…; its HEALTHCHECK, as a report of ours                  |
// | metadata            | every other SERVICE_KEY; whose it is, and which container              |

package import Consul
internal import Containers
internal import DockerAPI
internal import Endpoints
internal import Lookups
internal import Wording

/// A service of a container, as it is to be registered. Value type, any thread.
package struct ContainerRegistration: Hashable, Sendable {
    /// What the agent is to hold. The state of a check that we report is not part of it.
    package let service: AgentService
    /// The container's name, for people.
    package let container: String
    /// Its id.
    package let containerID: String
    /// What is reported of it; nil for nothing.
    package let report: Report?

    /// How a container is, for the check by which we report it.
    package struct Report: Hashable, Sendable {
        /// The id of the check.
        package let check: String
        /// How it is.
        package let status: AgentCheck.Status
        /// How it is, for people.
        package let text: String
    }
}

/// The services of one container, and what is odd about them. Value type.
struct ContainerRegistrations: Equatable {
    private(set) var registrations: [ContainerRegistration] = []
    /// What can't be done as it was asked, a sentence each without its full stop.
    private(set) var problems: [String] = []
    /// Why nothing is registered, a clause; nil while something is.
    private(set) var reason: String?

    private static let known = ["name", "id", "tags", "ignore", "weight"] + CheckVariables.names
    private static let problemsMax = 20

    private let container: Container
    private let summary: ContainerSummary
    private let owner: ContainerSummary?
    private let failure: String?
    private let options: RegistrarOptions
    private let variables: ServiceVariables

    /// The services of a container.
    ///
    /// - Parameters:
    ///   - summary: what its engine said of it while it ran.
    ///   - failure: how its process failed, a clause; nil while it runs.
    ///   - owner: the container whose network it is in, where it is in another's.
    init(
        _ container: Container, _ summary: ContainerSummary, failure: String? = nil,
        owner: ContainerSummary? = nil, _ options: RegistrarOptions
    ) {
        self.container = container
        self.summary = summary
        self.owner = owner
        self.failure = failure
        self.options = options
        variables = ServiceVariables(
            labels: summary.labels, environment: container.details?.environment ?? [:])
        if summary.labels["com.docker.compose.oneoff"] == "True" {
            reason = "compose started it for one command"
            return
        }
        if container.wishes.convention == .fairlead { problems += container.wishes.problems }
        tellVariables()
        var places: [(port: ContainerSummary.Port?, place: RegisteredPlace)] = []
        for port in summary.distinctPorts {
            places.append((port, place(of: port)))
        }
        let isPortless = places.isEmpty
        if isPortless {
            guard variables.ofAllPorts["name"]?.trimmed.isEmpty == false else {
                reason = "it has no port, and no SERVICE_NAME"
                return
            }
            places = [(nil, place(of: nil))]
        }
        var reasons: [String] = []
        places.removeAll { entry in
            guard case .nowhere(let why) = entry.place else { return false }
            reasons.append(why)
            return true
        }
        for (port, place) in places {
            if let why = add(port, place, portCount: places.count) { reasons.append(why) }
        }
        if registrations.isEmpty { reason = reasons.first ?? "it has no port" }
        problems = Array(problems.prefix(Self.problemsMax))
    }

    private func place(of port: ContainerSummary.Port?) -> RegisteredPlace {
        RegisteredPlace(
            of: port, in: summary,
            network: container.wishes.network ?? options.policy.network, owner: owner, options)
    }

    /// Adds the service on `port`, one of `portCount`. Returns why there is none.
    private mutating func add(
        _ port: ContainerSummary.Port?, _ place: RegisteredPlace, portCount: Int
    ) -> String? {
        guard case .at(let address, let outside, let remark) = place else { return nil }
        if let remark, !problems.contains(remark) { problems.append(remark) }
        let inside = port?.inside ?? 0
        let said = variables.attributes(of: inside)
        if variables.isIgnored(inside) { return "its SERVICE_IGNORE says so" }
        guard let name = name(of: inside, portCount) else {
            return "it has no SERVICE_NAME, and only containers with one are registered"
        }
        let given = said["id"]?.trimmed ?? ""
        var id = "\(options.node):\(summary.name)"
        if let port { id += ":\(port.inside)" + (port.isTCP ? "" : ":udp") }
        if !given.isEmpty { id = given }
        if registrations.contains(where: { $0.service.id == id }) {
            problems.append(
                "SERVICE_ID \"\(id.prefix(60))\" is of several ports, of which the first has it; "
                    + "name each by SERVICE_\(inside)_ID")
            return nil
        }
        var tags = variables.tags(of: inside)
        for tag in options.policy.tags + (port?.isTCP == false ? ["udp"] : [])
        where !tags.contains(tag) {
            tags.append(tag)
        }
        let seen = Endpoint(address ?? options.publishedAddress, outside)
        var service = AgentService(
            id: id, name: name, port: outside, address: address.map { "\($0)" }, tags: tags)
        service.checks = checks(said, seen, name, id)
        let report = report(of: id)
        service.weights = weights(said, inside, isReported: report != nil)
        if let report { service.checks.append(check(report, name)) }
        service.meta = metadata(said)
        service.meta[RegistrarOptions.fingerprintKey] = service.fingerprint
        registrations.append(
            ContainerRegistration(
                service: service, container: summary.name, containerID: summary.id,
                report: report))
        return nil
    }

    // MARK: - Parts

    private mutating func name(of port: UInt16, _ portCount: Int) -> String? {
        var name = variables.name(of: port, portCount: portCount)
        if name == nil, !options.policy.isExplicit {
            let plain = summary.imageName
            name = portCount > 1 ? "\(plain)-\(port)" : plain
        }
        if let name, !name.isNameOfDNS {
            let problem =
                "the service \"\(name.prefix(60))\" is not found by DNS: expected letters, digits "
                + "and hyphens, at most 63"
            if !problems.contains(problem) { problems.append(problem) }
        }
        return name
    }

    private mutating func checks(
        _ said: [String: String], _ seen: Endpoint, _ name: String, _ id: String
    ) -> [AgentCheck] {
        let place = CheckVariables.Place(
            endpoint: seen, container: summary.id, name: name, id: id)
        let read = CheckVariables(said, of: place, allowsPrograms: options.policy.allowsPrograms)
        for problem in read.problems where !problems.contains(problem) {
            problems.append(problem)
        }
        return [read.check].compactMap(\.self)
    }

    private mutating func weights(
        _ said: [String: String], _ port: UInt16, isReported: Bool
    ) -> AgentService.Weights? {
        var weight: UInt16?
        if let text = said["weight"]?.trimmed, !text.isEmpty {
            weight = UInt16(text).flatMap { $0 > 0 ? $0 : nil }
            if weight == nil {
                problems.append(
                    "SERVICE_WEIGHT: found \"\(text.prefix(60))\", expected a number from 1 to "
                        + "65535")
            }
        } else if container.wishes.convention == .fairlead {
            let offers = container.wishes.offers
            let offer = offers.first { $0.port == port } ?? (offers.count == 1 ? offers[0] : nil)
            weight = offer.flatMap { $0.weight == 1 ? nil : max($0.weight, 1) }
        }
        // A container that is only starting is in answers of DNS, with as little share as can be.
        if isReported { return .init(passing: weight ?? 1, warning: 0) }
        return weight.map { .init(passing: $0, warning: 1) }
    }

    private func report(of id: String) -> ContainerRegistration.Report? {
        let check = "fairlead:\(id)"
        if let failure { return .init(check: check, status: .critical, text: failure) }
        let health = container.wishes.health == .ignore ? .none : summary.health
        switch (options.policy.reports, health) {
        case (.off, _), (.health, .none): return nil
        case (.all, .none):
            return .init(check: check, status: .passing, text: "the container runs")
        case (_, .healthy):
            return .init(check: check, status: .passing, text: "its HEALTHCHECK passes")
        case (_, .starting):
            return .init(
                check: check, status: .warning, text: "its HEALTHCHECK has not passed yet")
        case (_, .unhealthy):
            return .init(check: check, status: .critical, text: "its HEALTHCHECK fails")
        }
    }

    /// The check by which `report` is made. One that says critical is no dead man's switch: the
    /// agent would remove a container that is unhealthy for long, and we would register it again.
    private func check(_ report: ContainerRegistration.Report, _ name: String) -> AgentCheck {
        AgentCheck(
            id: report.check, name: "\(name) as its engine sees it",
            .ttl(options.policy.reportLife),
            deregisterAfter: report.status == .critical ? nil : options.policy.deregisterAfter)
    }

    private mutating func metadata(_ said: [String: String]) -> [String: String] {
        var meta = [
            RegistrarOptions.ownerKey: options.node,
            RegistrarOptions.containerKey: ContainerID.short(summary.id),
        ]
        // The fingerprint is added at the end.
        let room = AgentService.metaMax - meta.count - 1
        for (key, value) in said.sorted(by: { $0.key < $1.key })
        where !Self.known.contains(key) && meta[key] == nil {
            let problem: String
            if !AgentService.isMetaKey(key) {
                problem =
                    "is no key of metadata: letters, digits, hyphens and underscores, and not "
                    + "consul-… at the beginning"
            } else if !AgentService.isMetaValue(value) {
                problem = "has \(value.utf8.count) bytes, Consul takes 512"
            } else if meta.count >= room + 2 {
                problem = "is one too many: Consul takes \(room) of them"
            } else {
                meta[key] = value
                continue
            }
            let text = "SERVICE_\(key.uppercased().prefix(60)) \(problem); it is left out"
            if !problems.contains(text) { problems.append(text) }
        }
        return meta
    }

    // MARK: - What is said

    /// Tells variables that are probably misspelt, and those of ports that are not there.
    private mutating func tellVariables() {
        let ports = Set(summary.ports.map(\.inside))
        for port in variables.ports where !ports.contains(port) && !ports.isEmpty {
            let list = ports.sorted().prefix(8).map { "\($0)" }.joined(separator: ", ")
            problems.append(
                "SERVICE_\(port)_… has no effect: it has no port \(port), but \(list)")
        }
        tell(variables.ofAllPorts, "SERVICE_")
        for port in variables.ports { tell(variables.own(of: port), "SERVICE_\(port)_") }
    }

    private mutating func tell(_ said: [String: String], _ prefix: String) {
        for key in said.keys.sorted() where !Self.known.contains(key) {
            let shown = prefix + key.uppercased().prefix(60)
            if let meant = nearest(to: key, among: Self.known) {
                problems.append(
                    "\(shown) is taken for metadata: \(prefix)\(meant.uppercased()) was meant?")
            } else if key.hasPrefix("check_") {
                let names = CheckVariables.names.map { prefix + $0.uppercased() }
                problems.append(
                    "\(shown) is taken for metadata: there is no such check, expected one of "
                        + names.joined(separator: ", "))
            }
        }
        if let text = said["ignore"], ["false", "off", "no", "0"].contains(text.lowercased()) {
            problems.append(
                "\(prefix)IGNORE=\(text) ignores, as any value does but an empty one")
        }
    }
}

extension ContainerSummary {
    /// Its ports, each once.
    fileprivate var distinctPorts: [Port] {
        var distinct: [Port] = []
        for port in ports
        where !distinct.contains(where: { $0.inside == port.inside && $0.isTCP == port.isTCP }) {
            distinct.append(port)
        }
        return distinct
    }

    /// The last word of its image, without tag and digest: `nginx` of `example.com/web/nginx:1.27`;
    /// its own name when the image has none.
    fileprivate var imageName: String {
        guard !image.hasPrefix("sha256:"), let last = image.split(separator: "/").last,
            let word = last.split(whereSeparator: { $0 == ":" || $0 == "@" }).first,
            !word.isEmpty
        else { return name }
        return String(word)
    }
}

extension String {
    /// Whether it is a label of DNS.
    fileprivate var isNameOfDNS: Bool {
        (1...63).contains(utf8.count) && first != "-" && last != "-"
            && utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: true
                default: false
                }
            }
    }
}
