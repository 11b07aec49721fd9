// The program, and which commands it has.

import ArgumentParser
import Configuration
import Control
import Machine

@main
struct Fairlead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairlead",
        abstract: "A TCP and HTTP reverse proxy that finds its backends by DNS SRV lookups.",
        version: fairleadVersion,
        subcommands: [
            RunCommand.self, CheckCommand.self, ConfigCommand.self, ReferenceCommand.self,
            DemoCommand.self, BackendCommand.self, ExplainCommand.self, TopCommand.self,
            DeployCommand.self, ReadyCommand.self, VersionCommand.self, EnvCommand.self,
            RegistrarCommand.self,
        ])

    /// Parses the command line and runs the command. A command line that is not valid ends with the
    /// exit code of an invalid configuration.
    static func main() {
        StandardDescriptors.openMissing()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            // Only what runs for long writes in the log format that the environment asks for.
            let command = CommandLine.arguments.dropFirst().first
            let isService = command == "run" || command == "registrar"
            let log = StartLog(environment: isService ? processEnvironment() : [:])
            log.failUsage(log.format == .json ? message(for: error) : fullMessage(for: error))
            exit(withError: ExitCode(2))
        }
    }
}
