// The flags that set options, and their values as they came from the command line.

/// A flag that sets an option.
package enum ConfigurationFlag: String, CaseIterable, Hashable, Sendable {
    case config = "--config"
    case listen = "--listen"
    case mode = "--mode"
    case service = "--service"
    case consul = "--consul"
    case backend = "--backend"
    case dns = "--dns"
    case admin = "--admin"
    case health = "--health"
    case workers = "--workers"
    case accessLog = "--access-log"
    case dockerHost = "--docker-host"
    case node = "--node"
    case ip = "--ip"

    /// One sentence for the help text, from the option's own line.
    package var help: String {
        OptionTable.commandLine.first { $0.flag == self }?.sentence
            ?? OptionTable.file.first { $0.flag == self }?.sentence ?? ""
    }
}

/// What the command line says, as text: it is read by the same kinds as file and environment.
package struct Overrides: Equatable, Sendable {
    private var values: [ConfigurationFlag: [String]] = [:]

    /// No flag given.
    package init() {}

    /// Every value given for `flag`, in order; empty when it was not given. Of a flag that takes
    /// one value the last counts; one that takes a list joins them, each cut at commas.
    package subscript(flag: ConfigurationFlag) -> [String] {
        get { values[flag] ?? [] }
        set { values[flag] = newValue.isEmpty ? nil : newValue }
    }
}
