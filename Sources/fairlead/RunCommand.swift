// `fairlead run`: the proxy.

import ArgumentParser
import Configuration

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the proxy until SIGTERM or SIGINT.",
        discussion: """
            Configured by a file (--config), by environment variables (FAIRLEAD_LISTEN, \
            FAIRLEAD_SERVICE, …), by flags, or by all of them; flags win over the environment, and \
            that over the file. SIGHUP reads all of it anew. The first SIGTERM or SIGINT drains, \
            the second one stops at once.
            """)

    @OptionGroup var flags: ConfigurationFlags

    func run() throws {
        let origin = flags.origin()
        let loaded = try flags.load(origin)
        do {
            let plane = try ControlPlane(loaded.configuration)
            plane.follow(origin, effective: loaded.effective)
            try plane.run()
        } catch let failure as StartFailure {
            printError("fairlead: \(failure)")
            throw ExitCode(1)
        }
    }
}
