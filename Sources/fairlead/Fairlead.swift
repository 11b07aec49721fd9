// The program: `fairlead run`, `fairlead check`, `fairlead demo`.

import ArgumentParser

/// The program's version: raised with each release, shown by `--version` and on the admin port.
let fairleadVersion = "0.1.0"

@main
struct Fairlead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fairlead",
        abstract: "A TCP and HTTP reverse proxy that finds its backends by DNS SRV lookups.",
        version: fairleadVersion,
        subcommands: [RunCommand.self, CheckCommand.self, ReferenceCommand.self, DemoCommand.self])
}
