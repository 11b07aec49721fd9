// `fairlead registrar`: the containers of an engine as services of Consul.

import ArgumentParser
import Configuration
import Control
import Machine

struct RegistrarCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registrar",
        abstract: "Register the containers of a Docker engine with a Consul agent.",
        discussion: """
            By the names and the SERVICE_ variables of Registrator. Configured by the section \
            `registrar` of a file (--config) and by environment variables \
            (FAIRLEAD_REGISTRAR_INTERNAL=on, …); where the engine and the agent are is said by \
            `docker.host` and `consul.agents`, DOCKER_HOST and CONSUL_HTTP_ADDR. It touches only \
            what it registered itself. SIGTERM or SIGINT ends it, and leaves the registrations to \
            the next one; SIGHUP compares all of them at once.
            """)

    @Option(help: ArgumentHelp(ConfigurationFlag.config.help, valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.dockerHost.help, valueName: "url"))
    var dockerHost: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.node.help, valueName: "name"))
    var node: String?
    @Option(help: ArgumentHelp(ConfigurationFlag.ip.help, valueName: "address"))
    var ip: String?

    func run() throws {
        try runProcess { log in
            DescriptorLimit.raise()
            var overrides = Overrides()
            overrides[.config] = [config].compactMap(\.self)
            overrides[.dockerHost] = [dockerHost].compactMap(\.self)
            overrides[.node] = [node].compactMap(\.self)
            overrides[.ip] = [ip].compactMap(\.self)
            let loaded = try ConfigurationLoader.load(
                environment: processEnvironment(), overrides: overrides, processorCount: 1,
                for: .registering, findHost: { HostFinder.findOwn($0) })
            log.format = loaded.configuration.log.format
            log.warn(loaded.warnings, Log(loaded.configuration.log))
            let process = try RegistrarProcess(loaded.configuration)
            if let user = loaded.configuration.user { try Privileges.become(user) }
            process.run()
        }
    }
}
