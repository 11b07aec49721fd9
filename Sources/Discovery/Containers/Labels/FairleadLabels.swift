// FairleadLabels: our own labels. `fairlead.KEY` is of the container or its one offer; further
// offers have a name before the key, `fairlead.api.host`, and start from what the one without says.
//
// A misspelt label is the commonest mistake, and the least visible one: what begins with
// `fairlead.` and is not known is told with the name that was probably meant.

internal import Wording

enum FairleadLabels {
    static let prefix = "fairlead."
    private static let offerKeys = [
        "host", "path-prefix", "port", "service", "weight", "priority", "check.path",
        "when-empty.wait",
    ]
    private static let containerKeys = ["enable", "network", "health"]

    /// Reads the labels that are ours; whether there are any.
    static func read(_ labels: [String: String], into wishes: inout ContainerWishes) -> Bool {
        let own = labels.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
        guard !own.isEmpty else { return false }
        var unnamed = Draft()
        var named: [String: [(key: String, label: String, value: String)]] = [:]
        for (label, text) in own {
            let key = String(label.dropFirst(prefix.count))
            let value = text.trimmed
            if containerKeys.contains(key) {
                apply(key, label, value, to: &wishes)
            } else if offerKeys.contains(key) {
                unnamed.apply(key, label, value, &wishes)
            } else if let (name, rest) = split(key) {
                named[name, default: []].append((rest, label, value))
            } else {
                wishes.add(problem: unknown(key, label))
            }
        }
        var offers = [unnamed.offer(&wishes)]
        for (name, entries) in named.sorted(by: { $0.key < $1.key }) {
            var draft = unnamed
            draft.offer.name = name
            draft.offer.service = nil
            draft.hosts = []
            draft.pathPrefix = nil
            for entry in entries { draft.apply(entry.key, entry.label, entry.value, &wishes) }
            offers.append(draft.offer(&wishes))
        }
        // One that only says what the others have in common is none.
        if offers.count > 1, offers[0].routes.isEmpty, offers[0].service == nil {
            offers.removeFirst()
        }
        wishes.offers = offers
        return true
    }

    /// `api.check.path` is `check.path` of `api`; nil where no key follows a name.
    private static func split(_ key: String) -> (name: String, key: String)? {
        guard let dot = key.firstIndex(of: "."), dot != key.startIndex else { return nil }
        let (name, rest) = (String(key[..<dot]), String(key[key.index(after: dot)...]))
        guard name.utf8.allSatisfy({ isNameByte($0) }), name.utf8.count <= 63,
            offerKeys.contains(rest)
        else { return nil }
        return (name, rest)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
            || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
    }

    /// What to say of a key that is not known: what was probably meant.
    private static func unknown(_ key: String, _ label: String) -> String {
        let all = offerKeys + containerKeys
        if let meant = nearest(to: key, among: all) {
            return "label \(label): there is no such label, expected \(prefix)\(meant)?"
        }
        if let dot = key.firstIndex(of: "."), dot != key.startIndex,
            let meant = nearest(to: String(key[key.index(after: dot)...]), among: offerKeys)
        {
            return "label \(label): there is no such label, expected "
                + "\(prefix)\(key[..<dot]).\(meant)?"
        }
        return "label \(label): there is no such label, expected \(prefix)KEY or "
            + "\(prefix)NAME.KEY with one of \(all.joined(separator: ", "))"
    }

    /// Applies what is said of the container as a whole.
    private static func apply(
        _ key: String, _ label: String, _ value: String, to wishes: inout ContainerWishes
    ) {
        switch key {
        case "enable":
            guard let isOn = value.asOnOff else {
                return wishes.add(
                    problem: "label \(label): found \(value.shown), expected on or off")
            }
            wishes.isEnabled = isOn
        case "network":
            guard !value.isEmpty else {
                return wishes.add(problem: "label \(label): found nothing, expected a network")
            }
            wishes.network = value
        default:
            guard let use = ContainerWishes.HealthUse(rawValue: value) else {
                let names = ContainerWishes.HealthUse.allCases.map(\.rawValue)
                let hint = nearest(to: value, among: names) ?? names.joined(separator: ", ")
                return wishes.add(
                    problem: "label \(label): found \(value.shown), expected \(hint)")
            }
            wishes.health = use
        }
    }

    /// An offer while its labels are read.
    private struct Draft {
        var offer = ContainerOffer()
        var hosts: [String] = []
        var pathPrefix: String?

        mutating func apply(
            _ key: String, _ label: String, _ value: String, _ wishes: inout ContainerWishes
        ) {
            func number(_ range: ClosedRange<UInt16>) -> UInt16? {
                if let number = UInt16(value), range.contains(number) { return number }
                wishes.add(
                    problem: "label \(label): found \(value.shown), expected a number from "
                        + "\(range.lowerBound) to \(range.upperBound)")
                return nil
            }
            switch key {
            case "host": hosts = value.asList
            case "path-prefix": pathPrefix = value
            case "port": offer.port = number(1...65535) ?? offer.port
            case "service": offer.service = value.isEmpty ? nil : value
            case "weight": offer.weight = number(0...65535) ?? offer.weight
            case "priority":
                offer.priority = number(0...ContainerOffer.priorityMax) ?? offer.priority
            case "when-empty.wait": offer.emptyWait = value
            default: offer.checkPath = value
            }
        }

        func offer(_ wishes: inout ContainerWishes) -> ContainerOffer {
            var offer = offer
            if hosts.isEmpty {
                if let pathPrefix { offer.routes = [.init(host: nil, pathPrefix: pathPrefix)] }
            } else {
                offer.routes = hosts.prefix(ContainerWishes.routesMax).map {
                    .init(host: $0, pathPrefix: pathPrefix)
                }
            }
            return offer
        }
    }
}

extension String {
    /// Without spaces and tabs around it.
    package var trimmed: String {
        var bytes = self[...]
        while let first = bytes.first, first == " " || first == "\t" { bytes.removeFirst() }
        while let last = bytes.last, last == " " || last == "\t" { bytes.removeLast() }
        return String(bytes)
    }

    /// What stands between commas, without spaces around it and without what is empty.
    var asList: [String] {
        split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
    }

    /// What people write for yes and no; nil for anything else.
    var asOnOff: Bool? {
        switch lowercased() {
        case "on", "true", "yes", "1": true
        case "off", "false", "no", "0": false
        default: nil
        }
    }

    /// In quotes, cut for a message.
    var shown: String { isEmpty ? "nothing" : "\"\(prefix(60))\"" }
}
