// The flags that `run` and `check` share. Their values are passed on as text: file, environment and
// flags are read by the same code, so that an error looks the same wherever it was made.

import ArgumentParser
import Configuration
import Control
import Documents
import Glibc
import Machine

/// What can be configured by flags.
struct ConfigurationFlags: ParsableArguments {
    @Option(help: ArgumentHelp(ConfigurationFlag.config.help, valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.listen.help, valueName: "[host]:port"))
    var listen: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.mode.help, valueName: "http|tcp"))
    var mode: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.service.help, valueName: "name"))
    var service: [String] = []
    @Option(help: ArgumentHelp(ConfigurationFlag.consul.help, valueName: "query"))
    var consul: [String] = []
    @Option(help: ArgumentHelp(ConfigurationFlag.backend.help, valueName: "host:port"))
    var backend: [String] = []
    @Option(help: ArgumentHelp(ConfigurationFlag.dns.help, valueName: "host:port"))
    var dns: [String] = []
    @Option(help: ArgumentHelp(ConfigurationFlag.admin.help, valueName: "host:port|off"))
    var admin: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.health.help, valueName: "[host]:port|off"))
    var health: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.workers.help, valueName: "n|auto"))
    var workers: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.accessLog.help, valueName: "off|stdout|path"))
    var accessLog: String?

    /// What stands there without a flag: most often the path of a file.
    @Argument(help: .hidden)
    var others: [String] = []

    func validate() throws {
        guard let first = others.first else { return }
        throw ValidationError(
            "found \(quoted(first)) without a flag: a configuration file is given as "
                + "--config \(first)")
    }

    /// Loads the configuration that file, environment and these flags make. Errors go to standard
    /// error, with exit code 2, and so do warnings unless they are not wanted.
    func load(warns: Bool = true) throws -> LoadedConfiguration {
        do throws(ConfigurationErrors) {
            let loaded = try origin().load([])
            guard warns else { return loaded }
            for warning in loaded.warnings { printError("warning: \(warning)") }
            return loaded
        } catch {
            printError("\(error)")
            throw ExitCode(2)
        }
    }

    /// Where the configuration comes from, as it is now: what is loaded later, with additions, is
    /// loaded from the same.
    func origin() -> ConfigurationOrigin {
        var overrides = Overrides()
        let single: [(ConfigurationFlag, String?)] = [
            (.config, config), (.listen, listen), (.mode, mode), (.admin, admin),
            (.health, health), (.workers, workers), (.accessLog, accessLog),
        ]
        for (flag, value) in single { overrides[flag] = [value].compactMap(\.self) }
        overrides[.service] = service
        overrides[.consul] = consul
        overrides[.backend] = backend
        overrides[.dns] = dns
        return ConfigurationOrigin(environment: processEnvironment(), overrides: overrides)
            .readAnew()
    }
}
