// The flags that `run` and `check` share. Their values are passed on as text: file, environment and
// flags are read by the same code, so that an error looks the same wherever it was made.

import ArgumentParser
import Configuration
import Glibc

/// What can be configured by flags.
struct ConfigurationFlags: ParsableArguments {
    @Option(help: ArgumentHelp(Flag.config.help, valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp(Flag.listen.help, valueName: "[host]:port"))
    var listen: String?
    @Option(help: ArgumentHelp(Flag.mode.help, valueName: "http|tcp"))
    var mode: String?
    @Option(help: ArgumentHelp(Flag.service.help, valueName: "name"))
    var service: String?
    @Option(help: ArgumentHelp(Flag.backend.help, valueName: "host:port"))
    var backend: [String] = []
    @Option(help: ArgumentHelp(Flag.dns.help, valueName: "host:port"))
    var dns: [String] = []
    @Option(help: ArgumentHelp(Flag.admin.help, valueName: "host:port|off"))
    var admin: String?
    @Option(help: ArgumentHelp(Flag.workers.help, valueName: "n|auto"))
    var workers: String?

    /// Loads the configuration that file, environment and these flags make; warnings go to standard
    /// error, and so do errors, with exit code 2.
    func load() throws -> LoadedConfiguration {
        var overrides = Overrides()
        let single: [(Flag, String?)] = [
            (.config, config), (.listen, listen), (.mode, mode), (.service, service),
            (.admin, admin), (.workers, workers),
        ]
        for (flag, value) in single { overrides[flag] = [value].compactMap(\.self) }
        overrides[.backend] = backend
        overrides[.dns] = dns
        do throws(ConfigurationErrors) {
            let loaded = try ConfigurationLoader.load(
                environment: processEnvironment(), overrides: overrides,
                processorCount: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
            for warning in loaded.warnings { printError("warning: \(warning)") }
            return loaded
        } catch {
            printError("\(error)")
            throw ExitCode(2)
        }
    }
}

/// The environment of the process.
func processEnvironment() -> [String: String] {
    var environment: [String: String] = [:]
    // environ is a zero-terminated array of zero-terminated strings; nothing here changes it.
    guard var entry = unsafe environ else { return environment }
    while let text = unsafe entry.pointee {
        let line = unsafe String(cString: text)
        if let equals = line.firstIndex(of: "=") {
            environment[String(line[..<equals])] = String(line[line.index(after: equals)...])
        }
        unsafe entry += 1
    }
    return environment
}

/// Writes a line to standard error.
func printError(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // The array holds as many bytes as are asked for.
    unsafe _ = write(STDERR_FILENO, bytes, bytes.count)
}
