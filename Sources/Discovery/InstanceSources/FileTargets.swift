// FileTargets: what a file of instances says. The format is that of Prometheus' file_sd, which many
// tools write already: a list of groups, each with targets and labels, as JSON or YAML.
//
//   - targets: ["10.0.0.1:80", "web-2.internal:8080"]
//     labels: {weight: 5, priority: 1, zone: a}
//
// The labels `weight` and `priority` are those of RFC 2782; the others are metadata. A group,
// target or label that makes no sense is left out and reported. A file that is no such list, or in
// which nothing makes sense, changes nothing.

internal import DNSClient
internal import DNSWire
package import Documents
internal import Endpoints

/// The instances that a file names. Pure.
package enum FileTargets {
    /// Groups and targets together; a service has 4,096 backends at most.
    static let targetsMax = 10_000

    /// What a file says. Value type.
    package struct Contents: Sendable {
        /// The instances, in the order of the file; none when its list is empty.
        package var entries: [StaticSource.Entry] = []
        /// Groups, targets and labels that make no sense.
        package var omissions = Omissions()
    }

    /// Reads `file`.
    /// - Throws: `FileTargetsError`, with line and column.
    package static func parse(_ file: NamedText) throws(FileTargetsError) -> Contents {
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
        var contents = Contents()
        var first: FileTargetsError?
        for group in groups { try read(group, into: &contents, &first) }
        if contents.entries.isEmpty, let first { throw first }
        return contents
    }

    /// Reads a group as far as it makes sense; `first` becomes the first thing that does not.
    /// - Throws: `FileTargetsError` when there are too many targets.
    private static func read(
        _ group: YAMLNode, into contents: inout Contents, _ first: inout FileTargetsError?
    ) throws(FileTargetsError) {
        func leaveOut(_ error: FileTargetsError) {
            first = first ?? error
            contents.omissions.add(error.description)
        }
        guard case .mapping(let keys) = group.content else {
            return leaveOut(
                FileTargetsError(
                    "found \(group.found), expected targets and labels", at: group.mark))
        }
        var targets: [YAMLNode] = []
        var labels = Labels()
        for key in keys {
            switch (key.key, key.value.content) {
            case ("targets", .sequence(let list)): targets = list
            case ("targets", _):
                // A program that has no targets at the moment writes this.
                if key.value.isNothing { continue }
                leaveOut(
                    FileTargetsError(
                        "found \(key.value.found), expected a list of HOST:PORT",
                        at: key.value.mark))
            case ("labels", _):
                labels = Labels(key.value)
                for error in labels.errors { leaveOut(error) }
            default:
                leaveOut(
                    FileTargetsError(
                        "found the key \(quoted(key.key)), expected targets or labels",
                        at: key.keyMark))
            }
        }
        guard targets.count <= targetsMax - contents.entries.count else {
            throw FileTargetsError("found more than \(targetsMax) targets", at: group.mark)
        }
        for target in targets {
            do throws(FileTargetsError) {
                contents.entries.append(try entry(target, labels))
            } catch {
                leaveOut(error)
            }
        }
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
        /// Why labels are left out.
        var errors: [FileTargetsError] = []

        init() {}

        init(_ node: YAMLNode) {
            guard case .mapping(let entries) = node.content else {
                if !node.isNothing {
                    errors.append(
                        FileTargetsError(
                            "found \(node.found), expected a mapping of names to values",
                            at: node.mark))
                }
                return
            }
            for entry in entries {
                do throws(FileTargetsError) {
                    try add(entry.key, entry.value)
                } catch {
                    errors.append(error)
                }
            }
        }

        private mutating func add(
            _ name: String, _ value: YAMLNode
        ) throws(FileTargetsError) {
            guard case .scalar(let text, _) = value.content else {
                throw FileTargetsError(
                    "found \(value.found), expected the value of a label", at: value.mark)
            }
            switch name {
            case "priority": priority = try Self.number(text, at: value.mark)
            case "weight": weight = try Self.number(text, at: value.mark)
            default: metadata[name] = text
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
