// `fairlead check`: would it start? `fairlead reference`: every option there is.

import ArgumentParser
import Configuration

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Check the configuration and start nothing.",
        discussion: "Exit code 0 when it is valid, 2 when it is not.")

    @OptionGroup var flags: ConfigurationFlags

    func run() throws {
        let configuration = try flags.load().configuration
        let services = Set(configuration.services.map(\.name)).count
        print("valid: \(configuration.listeners.count) listeners, \(services) services")
    }
}

struct ReferenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference", abstract: "Print every option with its default, as Markdown.")

    func run() {
        print(ConfigurationReference.markdown)
    }
}
