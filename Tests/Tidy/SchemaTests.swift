// The JSON Schema of the configuration, held against the documents' examples.

internal import Configuration
internal import FoundationEssentials
internal import Subprocess
internal import TestSupport
internal import Testing

// Goal: an editor that goes by the schema accepts whatever the manual shows and the loader takes.
// Method: each configuration of the documents and of the files that operators copy, and each short
// form, given to the loader and to Python's jsonschema.
@Suite struct SchemaOfExamples {
    /// What the loader takes in the place of a mapping, and other names of keys.
    private static let shortForms = [
        "docker: on", "docker: off", "docker: {routes: on, host: \"tcp://docker:2375\"}",
        "admin: \"127.0.0.1:9090\"", "admin: off", "admin: {listen: off}",
        "health: \"127.0.0.1:9091\"", "health: off", "health: {listen: \"127.0.0.1:9091\"}",
        "registrar: \"127.0.0.1:9092\"", "registrar: off", "log-level: warning",
        "log: {level: warning}", "consul: {agents: 127.0.0.1}", "admin:", "docker: {}",
    ]

    @Test func `what the manual shows and the loader takes, the schema takes`() async throws {
        var texts: [(name: String, text: String)] = []
        for document in try Tree.documents() {
            for block in Examples.blocks(in: document.text) where block.language == "yaml" {
                for text in Examples.configurations(block) {
                    texts.append(("\(document.path):\(block.line)", text))
                }
            }
        }
        #expect(texts.count > 20)
        for file in ["kubernetes.yaml", "fairlead.nomad", "coreos.butane"] {
            for text in try ContainerExamples.configurations(of: file) {
                texts.append((file, text))
            }
        }
        for file in try Tree.examples() { texts.append((file, try Tree.text(file))) }
        let listener = "listeners: [{listen: \"127.0.0.1:80\", backends: [\"127.0.0.1:9000\"]}]"
        for form in Self.shortForms {
            let text = "\(form)\n\(listener)\n"
            #expect(Examples.problems(of: text) == [], "\(form)")
            texts.append((form, text))
        }
        let verdicts = try await Self.verdicts(on: texts.map(\.text))
        #expect(verdicts.lines.count == texts.count, "\(verdicts.errors)")
        for (line, example) in zip(verdicts.lines, texts) {
            #expect(line.hasSuffix(" good"), "\(example.name): \(verdicts.errors)")
        }
    }

    /// What the schema's validator says of each text, and why.
    private static func verdicts(
        on texts: [String]
    ) async throws -> (lines: [Substring], errors: String) {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "fairlead-schema-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ text: String, _ name: String) throws -> String {
            let file = folder.appending(path: name)
            try Data(text.utf8).write(to: file)
            return file.path
        }
        var arguments = [
            try write(SchemaScript.text, "validate.py"),
            try write(ConfigurationSchema.json, "schema.json"),
        ]
        for (number, text) in texts.enumerated() {
            arguments.append(try write(text, "\(number).yaml"))
        }
        let said = try await run(
            .name("python3"), arguments: Arguments(arguments), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        return (said.standardOutput.split(separator: "\n"), said.standardError)
    }
}
