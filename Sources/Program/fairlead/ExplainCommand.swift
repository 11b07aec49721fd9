// `fairlead explain NAME`: one lookup, against every nameserver, by the very source that the proxy
// would use, and what follows from it. The report is made in Explain; here are only the flags, the
// loop and the output.

import ArgumentParser
import Configuration
import Control
import DNSWire
import Events
import Explain
import Glibc
import InstanceSources

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Look a name up once and say what would be made of it.",
        discussion: """
            NAME is a DNS name, or a service of the configuration, whose sources and options are used \
            then: names of DNS, services of Consul, files and lists. Of a service, a Fairlead that runs \
            with the same admin port is asked which backends get no requests, and why. File and \
            variables are those of `run`. Exit code 0 when there are instances, 1 when there are none, 2 for a command line \
            or configuration that is not valid.
            """)

    @Argument(help: "A DNS name, or a service of the configuration.")
    var name: String
    @Option(help: ArgumentHelp(ConfigurationFlag.config.help, valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.dns.help, valueName: "host:port"))
    var dns: [String] = []
    @Option(help: ArgumentHelp("What is asked for: SRV, A, AAAA or TXT.", valueName: "type"))
    var type = "SRV"
    @Flag(help: "Write JSON.")
    var json = false

    func validate() throws {
        guard Self.types[type.uppercased()] != nil else {
            throw ValidationError("--type: found \(type), expected SRV, A, AAAA or TXT")
        }
    }

    private static let types: [String: RecordType] = [
        "SRV": .srv, "A": .a, "AAAA": .aaaa, "TXT": .txt,
    ]

    func run() throws {
        // A service may have several names, each for when the one before it has nothing.
        let loaded = try load()
        let explanations = try makePlans(loaded).map { $0.carryOut() }
        for explanation in explanations {
            writeAll(STDOUT_FILENO, json ? explanation.json : explanation.text)
        }
        if !json, loaded.configuration.services.contains(where: { $0.name == name }),
            let report = RunningService.ask(of: name, loaded.configuration.admin)
        {
            writeAll(STDOUT_FILENO, report)
        }
        if !explanations.contains(where: \.isGood) { throw ExitCode(1) }
    }

    // MARK: - What to ask whom

    private func makePlans(_ loaded: LoadedConfiguration) throws -> [ExplainPlan] {
        let configuration = loaded.configuration
        let names = SystemNames(
            .init(resolvConf: configuration.dns.resolvConf), on: EventLoop())
        if configuration.dns.servers.isEmpty, let failure = names.failure {
            printError("fairlead: \(failure); name the nameservers with --dns")
            throw ExitCode(2)
        }
        let asking = ExplainPlan.Asking(configuration, names) { printError("fairlead: \($0)") }
        if let service = configuration.services.first(where: { $0.name == name }) {
            do throws(StartFailure) {
                return try ExplainPlan.plans(for: service, asking)
            } catch {
                printError("fairlead: \(error)")
                throw ExitCode(2)
            }
        }
        try lookForMisspelling(configuration)
        do throws(DomainNameError) {
            let type = Self.types[type.uppercased()] ?? .srv
            return [ExplainPlan(try DomainName(name), type, loaded.serviceDefaults, asking)]
        } catch {
            printError("fairlead: \(name): \(error)")
            throw ExitCode(2)
        }
    }

    /// A name without a dot is meant to be a service, where there are any: no SRV records have such
    /// a name.
    private func lookForMisspelling(_ configuration: Configuration) throws {
        let nearest = configuration.serviceName(nearestTo: name)
        guard !name.contains("."), Self.types[type.uppercased()] == .srv,
            !configuration.services.isEmpty
        else {
            if let nearest {
                printError(
                    "fairlead: no service is called \(name), but \(nearest) is; it is looked up as "
                        + "a name of DNS")
            }
            return
        }
        let all = configuration.services.map(\.name).prefix(10).joined(separator: ", ")
        printError(
            "fairlead: no service is called \(name), expected "
                + (nearest.map { "\($0)?" } ?? "one of: \(all)"))
        throw ExitCode(2)
    }

    /// What `run` would read from the same file and variables; a listener is not needed.
    private func load() throws -> LoadedConfiguration {
        var overrides = Overrides()
        overrides[.config] = [config].compactMap(\.self)
        overrides[.dns] = dns
        do throws(ConfigurationErrors) {
            return try ConfigurationLoader.load(
                environment: processEnvironment(), overrides: overrides, processorCount: 1,
                for: .lookup, findHost: { HostFinder.findOwn($0) })
        } catch {
            printError("\(error)")
            throw ExitCode(2)
        }
    }
}
