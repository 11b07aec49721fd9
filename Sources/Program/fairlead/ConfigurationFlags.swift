// The flags that `run` and `check` share. Their values are passed on as text: file, environment and
// flags are read by the same code, so that an error looks the same wherever it was made.

import ArgumentParser
import Configuration
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

    /// Loads the configuration that file, environment and these flags make; warnings go to standard
    /// error, and so do errors, with exit code 2.
    func load() throws -> LoadedConfiguration {
        do throws(ConfigurationErrors) {
            let loaded = try origin().load([])
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
            (.workers, workers), (.accessLog, accessLog),
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

/// Everything that a configuration is made of, but for additions. Value type.
struct ConfigurationOrigin: Sendable {
    /// The file's text: read once, so that what is edited in the meantime comes in with a reload, not
    /// with whatever changes in Consul. Nil for no file, and for one that can't be read, which the
    /// loader finds out and reports.
    var file: NamedText?
    /// The environment of the process.
    var environment: [String: String] = [:]
    /// The flags.
    var overrides = Overrides()

    /// The file that flags or environment name; nil for none.
    var path: String? {
        overrides[.config].last
            ?? environment["FAIRLEAD_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The same with the file as it is now. Blocks; control thread only.
    func readAnew() -> ConfigurationOrigin {
        var origin = self
        origin.file = path.flatMap { try? NamedText.read(path: $0) }
        return origin
    }

    /// Loads it with these additions.
    func load(_ additions: [Addition]) throws(ConfigurationErrors) -> LoadedConfiguration {
        try ConfigurationLoader.load(
            file: file, environment: environment, overrides: overrides, additions: additions,
            processorCount: ProcessorAllowance.count(), findHost: { HostFinder.findOwn($0) })
    }
}

/// The environment of the process.
func processEnvironment() -> [String: String] {
    var environment: [String: String] = [:]
    // environ is a zero-terminated array of zero-terminated strings; nothing here changes it.
    var entry = unsafe environ
    while let text = unsafe entry.pointee {
        let line = unsafe String(cString: text)
        if let equals = line.utf8.firstIndex(of: UInt8(ascii: "=")) {
            environment[String(line[..<equals])] = String(line[line.utf8.index(after: equals)...])
        }
        unsafe entry += 1
    }
    return environment
}

/// Writes a line to standard error.
func printError(_ line: String) {
    writeAll(STDERR_FILENO, line + "\n")
}

/// Writes all of `text` to an open descriptor, waiting if need be; what can't be written is lost.
func writeAll(_ descriptor: Int32, _ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        // The buffer is valid during the call.
        let count = unsafe rest.withUnsafeBytes {
            unsafe write(descriptor, $0.baseAddress, $0.count)
        }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
