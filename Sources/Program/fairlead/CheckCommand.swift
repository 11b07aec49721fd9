// `fairlead check`: would this configuration start, is it wise, and what does it amount to?
// `fairlead config`: what can be configured, for people and for editors.

import ArgumentParser
import Configuration
import Control
import Wording

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the configuration and start nothing.",
        discussion: """
            What is legal but unwise is told as a warning, with what to do. What a start needs of this \
            machine is looked for as well: files of tokens, an access log that can be written, the user, \
            addresses. Exit code 0 when a start would do, with warnings or without, 2 when it would not.
            """)

    @OptionGroup var flags: ConfigurationFlags
    @Flag(
        help: ArgumentHelp(
            "Print all of it as YAML, each value with where it is from, secrets masked."))
    var print = false

    func run() throws {
        let loaded = try flags.load()
        guard !print else {
            writeAll(1, loaded.effective.yaml)
            return
        }
        let configuration = loaded.configuration
        let needs = StartChecks(configuration)
        for warning in needs.warnings { printError("warning: \(warning)") }
        for error in needs.errors { printError(error) }
        guard needs.errors.isEmpty else { throw ExitCode(2) }
        let services = Set(configuration.services.map(\.name)).count
        let listeners = counted(configuration.listeners.count, "listener")
        Swift.print("valid: \(listeners), \(counted(services, "service"))")
    }
}

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Say what can be configured.",
        subcommands: [ReferenceCommand.self, SchemaCommand.self])
}

struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Print every option with its default, as Markdown.")

    func run() {
        print(ConfigurationReference.markdown)
    }
}

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print a JSON Schema of the file, for editors.",
        discussion: "Draft 2020-12; scalars are those of YAML 1.2, where on and off are words.")

    func run() {
        writeAll(1, ConfigurationSchema.json)
    }
}
