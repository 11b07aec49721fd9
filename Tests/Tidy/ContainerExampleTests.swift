// The files for containers, held against the program.

internal import Configuration
internal import Documents
internal import FoundationEssentials
import Testing

// Goal: what a reader deploys is configured by options that exist. Method: each configuration that
// is embedded in a file of conf/containers is loaded as the program loads it, and so is each
// environment.
@Suite struct ContainerExamples {
    private static let folder = "conf/containers"

    @Test(arguments: [
        ("kubernetes.yaml", 1), ("fairlead.nomad", 1), ("coreos.butane", 1),
    ])
    func `every configuration in a file for containers is valid and causes no warning`(
        file: String, count: Int
    ) throws {
        let found = try Self.configurations(of: file)
        #expect(found.count == count, "\(file) has \(found.count) configurations")
        for configuration in found {
            #expect(Examples.problems(of: configuration) == [], "\(file):\n\(configuration)")
        }
    }

    @Test(arguments: ["compose.yaml", "compose-consul.yaml"])
    func `every process of a Compose file has an environment and arguments that are valid`(
        file: String
    ) throws {
        let services = try Self.services(in: Tree.text("\(Self.folder)/\(file)"))
        #expect(services.keys.contains("fairlead"))
        for (name, service) in services where service.image == "fairlead" {
            let known = ["run", "backend", "registrar"]
            let command = service.command.first ?? "run"
            #expect(known.contains(command), "\(file): \(name) runs fairlead \(command)")
            guard command != "backend" else { continue }
            do throws(ConfigurationErrors) {
                let loaded = try ConfigurationLoader.load(
                    file: nil, environment: service.environment, processorCount: 2,
                    for: command == "run" ? .serving : .registering)
                #expect(loaded.warnings.map { "\($0)" } == [], "\(file): \(name)")
            } catch {
                Issue.record("\(file): \(name): \(error)")
            }
        }
    }

    @Test func `Ignition is told what Butane is`() throws {
        struct Ignition: Decodable {
            struct Storage: Decodable { var files: [File] }
            struct File: Decodable {
                struct Contents: Decodable { var source: String }
                var path: String
                var contents: Contents
            }
            var storage: Storage
        }
        let text = try Tree.text("\(Self.folder)/coreos.ign")
        let files = try JSONDecoder().decode(Ignition.self, from: Data(text.utf8)).storage.files
        let butane = try Tree.text("\(Self.folder)/coreos.butane")
        let inline = Self.embedded(in: butane)
        #expect(inline.count == files.count)
        for (file, expected) in zip(files, inline) {
            #expect(butane.contains("- path: \(file.path)\n"))
            let source = file.contents.source
            let start = try #require(source.firstRange(of: "data:;base64,"))
            let bytes = Data(base64Encoded: String(source[start.upperBound...]))
            #expect(
                bytes.map { String(decoding: $0, as: UTF8.self) } == expected,
                "coreos.ign has another \(file.path) than coreos.butane")
        }
    }

    @Test func `embedded texts are read as they are written`() {
        let text = "a: |\n  b: 1\n\n  c:\n    d\ne: <<YAML\nf: 2\nYAML\ng: |\n  h\n"
        #expect(Self.embedded(in: text) == ["b: 1\n\nc:\n  d\n", "f: 2\n", "h\n"])
    }

    /// The configurations that are embedded in a file of the folder.
    static func configurations(of file: String) throws -> [String] {
        try embedded(in: Tree.text("\(folder)/\(file)"))
            .filter { $0.contains("\nlisteners:\n") }
    }

    /// The texts that a file holds as YAML's blocks (`|`), or between `<<YAML` and `YAML`, without
    /// the indentation of their first line.
    private static func embedded(in text: String) -> [String] {
        var found: [String] = []
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        while let line = lines.popFirst() {
            if line.hasSuffix("<<YAML") {
                let body = lines.prefix { $0 != "YAML" }
                found.append(body.map { "\($0)\n" }.joined())
                lines = lines.dropFirst(body.count + 1)
            } else if line.hasSuffix(": |") {
                let indentation = lines.first?.prefix { $0 == " " } ?? ""
                let body = lines.prefix { $0.isEmpty || $0.hasPrefix(indentation) }
                lines = lines.dropFirst(body.count)
                var block = body.map { $0.dropFirst(min(indentation.count, $0.count)) }
                while block.last?.isEmpty == true { block.removeLast() }
                found.append(block.map { "\($0)\n" }.joined())
            }
        }
        return found
    }

    /// What Compose makes of `${NAME:-value}` while NAME is not set.
    private static func settled(_ text: String) -> String {
        text.replacing(/\$\{[A-Z_]+:-([^}]*)\}/) { String($0.1) }
    }

    /// What a service of a Compose file says of its process.
    private struct Process {
        var image = ""
        var command: [String] = []
        var environment: [String: String] = [:]
    }

    private static func services(in text: String) throws -> [String: Process] {
        let root = try YAMLParser.parse(text)
        var services: [String: Process] = [:]
        for service in try #require(root.entries.first { $0.key == "services" }).value.entries {
            var process = Process()
            for entry in service.value.entries {
                switch (entry.key, entry.value.content) {
                case ("image", .scalar(let text, _)): process.image = text
                case ("command", .sequence(let words)): process.command = words.map(\.word)
                case ("environment", .mapping(let variables)):
                    for variable in variables {
                        process.environment[variable.key] = Self.settled(variable.value.word)
                    }
                default: break
                }
            }
            services[service.key] = process
        }
        return services
    }
}

extension YAMLNode {
    /// The keys of a mapping with their values; empty for anything else.
    fileprivate var entries: [Entry] {
        if case .mapping(let entries) = content { return entries }
        return []
    }

    /// A scalar's text; empty for anything else.
    fileprivate var word: String {
        if case .scalar(let text, _) = content { return text }
        return ""
    }
}
