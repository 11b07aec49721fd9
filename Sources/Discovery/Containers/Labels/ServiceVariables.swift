// ServiceVariables: Registrator's variables and labels, `SERVICE_*`, by its rules:
//
// | key                    | what it says                                                         |
// |------------------------|----------------------------------------------------------------------|
// | SERVICE_NAME           | the service's name; with several ports `-PORT` is added              |
// | SERVICE_8080_NAME      | the name of what listens on port 8080, as it stands                  |
// | SERVICE_TAGS           | tags between commas; `\,` is a comma of a tag                        |
// | SERVICE_IGNORE         | not to be registered, whatever the value is, unless it is empty      |
// | SERVICE_CHECK_HTTP     | the path of a check                                                  |
// | SERVICE_ANYTHING       | an attribute                                                         |
//
// A key with a port goes before one without; a label goes before a variable of its name.

/// What a container says of its services in Registrator's way. Value type, any thread.
package struct ServiceVariables: Hashable, Sendable {
    /// The prefix of keys.
    package static let prefix = "SERVICE_"

    private var general: [String: String] = [:]
    private var byPort: [UInt16: [String: String]] = [:]

    /// What these labels and variables say.
    package init(labels: [String: String], environment: [String: String]) {
        for pairs in [environment, labels] {
            for (name, value) in pairs.sorted(by: { $0.key < $1.key }) { add(name, value) }
        }
    }

    private mutating func add(_ name: String, _ value: String) {
        guard name.hasPrefix(Self.prefix) else { return }
        let key = name.dropFirst(Self.prefix.count).lowercased()
        guard !key.isEmpty else { return }
        if let sign = key.firstIndex(of: "_"), sign != key.startIndex,
            let port = UInt16(key[..<sign]), port > 0
        {
            byPort[port, default: [:]][String(key[key.index(after: sign)...])] = value
        } else {
            general[key] = value
        }
    }

    /// Whether nothing is said.
    package var isEmpty: Bool { general.isEmpty && byPort.isEmpty }

    /// What is said of all ports: keys in lower case.
    package var ofAllPorts: [String: String] { general }
    /// The ports of which something is said by themselves, in the order of their numbers.
    package var ports: [UInt16] { byPort.keys.sorted() }

    /// What is said of `port` by itself: keys in lower case.
    package func own(of port: UInt16) -> [String: String] { byPort[port] ?? [:] }

    /// What is said of `port`: keys in lower case.
    package func attributes(of port: UInt16) -> [String: String] {
        general.merging(byPort[port] ?? [:]) { _, special in special }
    }

    /// Whether what listens on `port` is not to be registered.
    package func isIgnored(_ port: UInt16) -> Bool {
        attributes(of: port)["ignore"].map { !$0.isEmpty } ?? false
    }

    /// The name of what listens on `port`, one of `portCount` of its container; nil when none is
    /// given.
    package func name(of port: UInt16, portCount: Int) -> String? {
        if let name = byPort[port]?["name"]?.trimmed, !name.isEmpty { return name }
        guard let name = general["name"]?.trimmed, !name.isEmpty else { return nil }
        return portCount > 1 ? "\(name)-\(port)" : name
    }

    /// The tags of what listens on `port`.
    package func tags(of port: UInt16) -> [String] {
        guard let text = attributes(of: port)["tags"] else { return [] }
        var tags: [String] = []
        var tag = ""
        var isEscaped = false
        for character in text {
            switch character {
            case "\\" where !isEscaped: isEscaped = true
            case "," where !isEscaped:
                tags.append(tag)
                tag = ""
            default:
                // Before anything but a comma a backslash stands for itself.
                if isEscaped, character != "," { tag.append("\\") }
                tag.append(character)
                isEscaped = false
            }
        }
        if isEscaped { tag.append("\\") }
        tags.append(tag)
        return tags.filter { !$0.isEmpty }
    }

    /// Makes an offer of each port that has a name; whether anything is said at all.
    func read(ports: [UInt16], into wishes: inout ContainerWishes) -> Bool {
        guard !isEmpty else { return false }
        let named = ports.filter { !isIgnored($0) }
        let isWhollyIgnored =
            ports.isEmpty ? general["ignore"]?.isEmpty == false : named.isEmpty
        if isWhollyIgnored { wishes.isEnabled = false }
        var offers: [ContainerOffer] = []
        for port in named {
            guard let name = name(of: port, portCount: ports.count) else { continue }
            var offer = ContainerOffer()
            offer.name = named.count > 1 ? "\(port)" : ""
            offer.service = name
            offer.port = port
            if let path = attributes(of: port)["check_http"], path.hasPrefix("/") {
                offer.checkPath = path
            }
            offers.append(offer)
        }
        if offers.isEmpty, let name = general["name"]?.trimmed, !name.isEmpty {
            var offer = ContainerOffer()
            offer.service = name
            offers = [offer]
        }
        if !offers.isEmpty { wishes.offers = offers }
        return true
    }
}
