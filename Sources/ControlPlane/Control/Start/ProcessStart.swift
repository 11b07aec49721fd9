// ProcessStart: what the process is given at its start besides the configuration: open sockets, a
// process to take over from, a service manager to report to.

internal import Endpoints
internal import Events
internal import Glibc
internal import InstanceSources
internal import Machine
internal import Processes

/// What the process was started with. Control thread only.
package struct ProcessStart {
    /// Sockets that another process opened.
    var sockets = InheritedSockets()
    /// The process to take over from; nil when there is none.
    var predecessor: Predecessor?
    /// The service manager to report to; nil when there is none.
    var manager: ServiceManager?
    /// The path that an upgrade starts: the one by which this process was started, with its links
    /// unresolved, since the new version will lie there. Absolute. Nil when the system does not
    /// say.
    var program: String?

    /// What was deployed before, as the predecessor tells it; nil without one.
    var deployed: [String: DeployedSet]?

    /// The variable in which a process tells its successor what was deployed, as JSON.
    private static let deployedVariable = "FAIRLEAD_DEPLOYED"

    /// The variables that tell a successor what was deployed.
    static func passing(_ deployed: [String: DeployedSet]) -> [String: String] {
        [deployedVariable: String(decoding: DeployedSet.json(deployed), as: UTF8.self)]
    }

    /// A start without any of these, as inside another program.
    package init() {}

    /// What the environment of the process names. The variables are removed from it, since they are
    /// meant for this process alone.
    ///
    /// - Throws: `StartFailure` for what makes no sense.
    package static func fromEnvironment() throws -> ProcessStart {
        var environment = processEnvironment()
        let before = environment
        var start = ProcessStart()
        do throws(InheritanceFailure) {
            start.predecessor = try Predecessor.take(from: &environment)
            start.sockets = try InheritedSockets.fromServiceManager(
                &environment, process: getpid())
        } catch {
            throw StartFailure(description: error.description)
        }
        let deployed = environment.removeValue(forKey: deployedVariable)
        if let predecessor = start.predecessor {
            start.sockets = predecessor.sockets
            // An older version passes on nothing: the state file may.
            start.deployed = deployed.flatMap { DeployedSet.sets(json: Array($0.utf8)) }
        }
        start.manager = ServiceManager(environment, process: getpid())
        for name in before.keys where environment[name] == nil { unsafe _ = unsetenv(name) }
        start.program = ProgramFile.path(environment: environment)
        return start
    }
}
