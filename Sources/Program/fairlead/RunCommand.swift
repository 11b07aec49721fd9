// `fairlead run`: the proxy.

import ArgumentParser
import Configuration
import Control
import Machine

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the proxy until SIGTERM or SIGINT.",
        discussion: """
            Configured by a file (--config), by environment variables (FAIRLEAD_LISTEN, \
            FAIRLEAD_SERVICE, …), by flags, or by all of them; flags win over the environment, and \
            that over the file. SIGHUP reads all of it again. SIGUSR2 starts the program again, which \
            takes over when it serves. The first SIGTERM or SIGINT drains, the second one stops at \
            once.
            """)

    @OptionGroup var flags: ConfigurationFlags

    func run() throws {
        try runProcess { log in
            let start = try ProcessStart.fromEnvironment()
            DescriptorLimit.raise()
            let origin = flags.origin()
            let loaded = try origin.load([])
            let configuration = loaded.configuration
            log.format = configuration.log.format
            log.warn(loaded.warnings, Log(configuration.log))
            let plane = try ControlPlane(
                configuration, from: origin, effective: loaded.effective, start: start)
            if let user = configuration.user { try Privileges.become(user) }
            try plane.run()
        }
    }
}
