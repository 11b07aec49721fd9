// ProcessStart: what the process finds when it begins, besides its configuration: sockets that are
// open already, a process to take over from, a service manager to report to.

internal import Endpoints
internal import Events
internal import Glibc
internal import Machine
internal import Processes

/// What the process was started with. Control thread only.
package struct ProcessStart {
    /// Sockets that somebody else opened.
    var sockets = InheritedSockets()
    /// The process to take over from; nil when there is none.
    var predecessor: Predecessor?
    /// The service manager that wants to hear how things are; nil when there is none.
    var manager: ServiceManager?
    /// The path that an upgrade starts: the one by which this process was started, with its links,
    /// since what lies there later is the new version. Absolute. Nil when the system does not say.
    var program: String?

    /// Nothing: for who starts a control plane inside another program.
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
        if let predecessor = start.predecessor { start.sockets = predecessor.sockets }
        start.manager = ServiceManager(environment, process: getpid())
        for name in before.keys where environment[name] == nil { unsafe _ = unsetenv(name) }
        start.program = ProgramFile.path(environment: environment)
        return start
    }
}
