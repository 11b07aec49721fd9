// FileTargets: what a file of instances says. The format is that of Prometheus' file_sd, which many
// tools write already: a list of groups, each with targets and labels, as JSON or YAML.
//
//   - targets: ["10.0.0.1:80", "web-2.internal:8080"]
//     labels: {weight: 5, priority: 1, zone: a}
//
// The labels `weight` and `priority` are those of RFC 2782; the others are metadata. A file that can't
// be read as a whole changes nothing.

internal import DNSClient
internal import DNSWire
package import Documents
internal import Endpoints

/// The instances that a file names. Pure.
package enum FileTargets {
    /// Groups and targets together; a service has 4,096 backends at most.
    static let targetsMax = 10_000

    /// The entries of `file`, in its order; none when its list is empty.
    /// - Throws: `FileTargetsError`, with line and column.
    package static func parse(_ file: NamedText) throws(FileTargetsError) -> [StaticSource.Entry] {
        let root: YAMLNode
        do throws(YAMLError) {
            root = try YAMLParser.parse(file.text)
        } catch {
            throw FileTargetsError(error.text, at: error.mark)
        }
        guard case .sequence(let groups) = root.content else {
            throw FileTargetsError(
                "found \(root.found), expected a list of groups, each with targets", at: root.mark)
        }
        var entries: [StaticSource.Entry] = []
        for group in groups { entries += try read(group, room: targetsMax - entries.count) }
        return entries
    }

    private static func read(
        _ group: YAMLNode, room: Int
    ) throws(FileTargetsError) -> [StaticSource.Entry] {
        guard case .mapping(let keys) = group.content else {
            throw FileTargetsError(
                "found \(group.found), expected targets and labels", at: group.mark)
        }
        var targets: [YAMLNode] = []
        var labels = Labels()
        for key in keys {
            switch key.key {
            case "targets":
                // What a program writes that has none at the moment.
                if key.value.isNothing { continue }
                guard case .sequence(let list) = key.value.content else {
                    throw FileTargetsError(
                        "found \(key.value.found), expected a list of HOST:PORT", at: key.value.mark
                    )
                }
                targets = list
            case "labels": labels = try Labels(key.value)
            default:
                throw FileTargetsError(
                    "found the key \(quoted(key.key)), expected targets or labels", at: key.keyMark)
            }
        }
        guard targets.count <= room else {
            throw FileTargetsError("found more than \(targetsMax) targets", at: group.mark)
        }
        var entries: [StaticSource.Entry] = []
        for target in targets { entries.append(try entry(target, labels)) }
        return entries
    }

    private static func entry(
        _ node: YAMLNode, _ labels: Labels
    ) throws(FileTargetsError) -> StaticSource.Entry {
        guard case .scalar(let text, _) = node.content, let target = HostAndPort(text),
            target.port > 0, !target.host.isEmpty
        else {
            throw FileTargetsError(
                "found \(node.found), expected HOST:PORT, such as 10.0.0.1:80", at: node.mark)
        }
        let host: StaticSource.Entry.Host
        if let address = IPAddress(target.host) {
            host = .address(address)
        } else {
            do throws(DomainNameError) {
                host = .name(try HostName(target.host))
            } catch {
                throw FileTargetsError("found \(node.found): \(error)", at: node.mark)
            }
        }
        return StaticSource.Entry(
            host, port: target.port, priority: labels.priority, weight: labels.weight,
            metadata: labels.metadata)
    }

    private struct Labels {
        var priority: UInt16 = 0
        var weight: UInt16 = 1
        var metadata: [String: String] = [:]

        init() {}

        init(_ node: YAMLNode) throws(FileTargetsError) {
            guard case .mapping(let entries) = node.content else {
                if node.isNothing { return }
                throw FileTargetsError(
                    "found \(node.found), expected a mapping of names to values", at: node.mark)
            }
            for entry in entries {
                guard case .scalar(let value, _) = entry.value.content else {
                    throw FileTargetsError(
                        "found \(entry.value.found), expected the value of a label",
                        at: entry.value.mark)
                }
                switch entry.key {
                case "priority": priority = try Self.number(value, at: entry.value.mark)
                case "weight": weight = try Self.number(value, at: entry.value.mark)
                default: metadata[entry.key] = value
                }
            }
        }

        private static func number(
            _ text: String, at mark: YAMLMark
        ) throws(FileTargetsError) -> UInt16 {
            guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(text)
            else {
                throw FileTargetsError("found \(quoted(text)), expected 0 to 65535", at: mark)
            }
            return number
        }
    }
}

/// Why a file names no instances: `line 3, column 5: found …, expected …`. Any thread.
package struct FileTargetsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The sentence, without its full stop.
    package let description: String

    init(_ text: String, at mark: YAMLMark) {
        description = "line \(mark.line), column \(mark.column): \(text)"
    }
}
