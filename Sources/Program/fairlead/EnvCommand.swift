// `fairlead env`: a command with keys of Consul as its environment. What it does stands in
// CommandEnvironment; here are only the flags.

import ArgumentParser
import CommandEnvironment
import Configuration
import Control
import Events
import Glibc
import Wording

struct EnvCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Run a command with keys of Consul's K/V store as its environment.",
        usage: "fairlead env [<options>] <prefix> ... -- <command> ...",
        discussion: """
            Each key below a PREFIX is a variable: config/web/db/pass-word is DB_PASS_WORD below \
            config/web. Of several prefixes the later ones win; PREFIX?dc=NAME is another datacentre's. \
            When keys change, the command is restarted, or gets a signal. Its exit code becomes that of \
            this process, signals are passed on to it, and its standard streams are those of this \
            process. Agents, token and TLS are those of `run`: FAIRLEAD_CONSUL_AGENTS, \
            FAIRLEAD_CONSUL_TOKEN, FAIRLEAD_CONSUL_TOKEN_FILE and FAIRLEAD_CONSUL_TLS_…, else Consul's \
            own CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE, CONSUL_HTTP_SSL, \
            CONSUL_CACERT and so on. Exit codes of its own: 2 for a command line \
            or configuration that is not valid, 125 when Consul or a required key does not come within \
            --wait, 126 and 127 for a command that can't be run or is not there.
            """)

    @Argument(
        help: ArgumentHelp(
            "Where the keys are, later ones win; behind `--` the program and its arguments.",
            valueName: "prefix"))
    var words: [String]
    @Option(help: ArgumentHelp("A file whose `consul` says where agents are.", valueName: "file"))
    var config: String?
    @Option(
        help: ArgumentHelp(
            "Keys or variables, with commas: the command waits until they are there.",
            valueName: "key,…"))
    var required: [String] = []
    @Option(
        help: ArgumentHelp(
            "How long to wait for Consul and for what is required; without it as long as it takes.",
            valueName: "duration"))
    var wait: String?
    @Flag(help: "Read the keys once: changes mean nothing.")
    var once = false
    @Option(
        help: ArgumentHelp(
            "The signal that tells the command of a change, in place of a restart.",
            valueName: "name"))
    var signal: String?
    @Option(
        help: ArgumentHelp(
            "How long the command may take to end at a restart before it is killed.",
            valueName: "duration"))
    var killAfter = "30s"
    @Option(
        help: ArgumentHelp(
            "How long keys must have rested before a change counts, so that ten writes are one.",
            valueName: "duration"))
    var settle = "1s"
    @Option(
        help: ArgumentHelp(
            "The longest random wait after that, so that many processes don't restart at once.",
            valueName: "duration"))
    var splay = "0s"
    @Flag(help: "Pass nothing of this process's own environment on.")
    var pristine = false
    @Flag(help: "Leave letters of keys as they are.")
    var keepCase = false

    private static let signals = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "TERM": SIGTERM, "USR1": SIGUSR1,
        "USR2": SIGUSR2,
    ]

    /// What stands behind the first `--`, which the parser takes away.
    private var command: [String] {
        let all = CommandLine.arguments
        return all.firstIndex(of: "--").map { Array(all[($0 + 1)...]) } ?? []
    }

    private var prefixes: [String] { words.dropLast(command.count) }

    func validate() throws {
        guard !prefixes.isEmpty || command.isEmpty else {
            throw ValidationError("found no prefix before --, expected one such as config/web")
        }
        guard !command.isEmpty else {
            throw ValidationError("found no command, expected PREFIX -- COMMAND and its arguments")
        }
        guard !once || signal == nil else {
            throw ValidationError("--once: found --signal as well, expected one of them")
        }
        _ = try options()
    }

    func run() throws {
        let configuration = try load()
        let log = Log(configuration.log)
        let loop = EventLoop()
        let code: Int32
        do {
            let consul = try ConsulAccess(configuration, on: loop) { log }
            consul.start()
            let runner = EnvironmentRunner(
                try options(), agents: consul.agents, log: log, on: loop)
            code = withExtendedLifetime(consul) { runner.run() }
        } catch let failure as StartFailure {
            StartLog(environment: processEnvironment()).fail("\(failure)")
            throw ExitCode(2)
        }
        throw ExitCode(code)
    }

    private func options() throws -> EnvironmentOptions {
        var places: [KeyPlace] = []
        for prefix in prefixes {
            do throws(KeyPlaceError) {
                places.append(try KeyPlace(prefix))
            } catch {
                throw ValidationError("\(prefix): \(error)")
            }
        }
        var options = EnvironmentOptions(places, command)
        options.isPristine = pristine
        options.keepsCase = keepCase
        options.isOnce = once
        options.required = try required.flatMap { $0.split(separator: ",") }.map { key in
            guard let name = VariableName.of(String(key), keepsCase: keepCase) else {
                throw ValidationError(
                    "--required: found \"\(key)\", expected keys or variables, such as "
                        + "db/password or DB_PASSWORD")
            }
            return name
        }
        options.startLimit = try wait.map { try duration($0, "--wait") }
        options.signal = try signal.map { text in
            let name = text.uppercased()
            guard
                let number = Self.signals[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name]
            else {
                let known = Self.signals.keys.sorted().joined(separator: ", ")
                throw ValidationError("--signal: found \"\(text)\", expected one of: \(known)")
            }
            return number
        }
        options.settle = try duration(settle, "--settle")
        options.splay = try duration(splay, "--splay")
        options.killAfter = try duration(killAfter, "--kill-after")
        return options
    }

    private func duration(_ text: String, _ flag: String) throws -> Duration {
        guard let duration = Units.duration(text), duration <= .seconds(3600) else {
            throw ValidationError(
                "\(flag): found \"\(text)\", expected a duration such as 30s, up to 1h")
        }
        return duration
    }

    /// What says where Consul is: variables, and the file that was named. The other variables of a
    /// Fairlead may be meant for the command.
    private func load() throws -> Configuration {
        let wanted = ["AGENTS", "TOKEN", "TOKEN_FILE", "WAIT", "STALE", "CONNECTIONS"]
            .map { "FAIRLEAD_CONSUL_\($0)" }
        let environment = processEnvironment().filter { name, _ in
            wanted.contains(name)
                || ["CONSUL_", "FAIRLEAD_CONSUL_TLS_", "FAIRLEAD_LOG_"]
                    .contains(where: name.hasPrefix)
        }
        var overrides = Overrides()
        overrides[.config] = [config].compactMap(\.self)
        do throws(ConfigurationErrors) {
            let loaded = try ConfigurationLoader.load(
                environment: environment, overrides: overrides, processorCount: 1,
                for: .readingKeys, findHost: { HostFinder.findOwn($0) })
            return loaded.configuration
        } catch {
            StartLog(environment: environment).refuse(error)
            throw ExitCode(2)
        }
    }
}
