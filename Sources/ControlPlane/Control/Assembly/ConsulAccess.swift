// ConsulAccess: Consul's agents for a command that needs nothing else of a configuration.

package import Configuration
package import Consul
package import Events

/// The agents that a configuration names, by their present addresses. Control thread only.
package final class ConsulAccess {
    private let sources: SourceFactory
    private let log: () -> Log

    /// The agents that `consul` of `configuration` says. Nothing is asked of them yet. Looks up
    /// those that are given by name, and blocks for up to 5 s then.
    ///
    /// - Throws: `StartFailure` for a file that can't be read.
    package init(
        _ configuration: Configuration, on loop: EventLoop, log: @escaping () -> Log
    ) throws {
        sources = try SourceFactory(configuration, asksConsul: true, on: loop)
        self.log = log
    }

    /// The agents, which know where they are once this exists.
    package var agents: ConsulAgents { sources.agents }

    /// Follows the names of agents from now on.
    package func start() {
        sources.start(log: log) {}
    }
}
