// Upgrade: another process takes over from this one (SIGUSR2). In this order:
//
// 1. This process starts what lies at its own path by now, with the arguments and the environment
//    that it had itself, and gives it its listening sockets.
// 2. The new process reads its configuration and asks for backends; it accepts nothing yet. When
//    each service has one, or has had its time to find one, it begins to accept, and says so
//    (TakeOver.swift).
// 3. This process stops accepting, finishes what is under way within stop-timeout, and ends.
//
// The sockets are the same in both, so no connection is refused or lost. Until step 3 nothing has
// changed for this process: a successor that does not come so far leaves it as it was.

internal import Configuration
internal import Events
internal import Glibc
internal import Processes

/// Starts a process that takes over from this one. Control thread only.
final class Upgrade {
    /// How long a successor has until it must serve. Its services have `BackendWait.usualLimit` to
    /// find backends.
    static let limit = Duration.seconds(60)

    /// The path that is started; nil when the system does not tell it.
    private let program: String?
    private let loop: EventLoop
    private let log: () -> Log
    /// The sockets on which this process listens.
    private let sockets: () -> [Descriptor]
    /// Called when another process serves in the place of this one.
    var onTakenOver: () -> Void = {}
    /// A process that is starting to take over from this one; nil for none.
    private var successor: Successor?
    private var isStopped = false

    /// Starts nothing yet.
    init(
        to program: String?, on loop: EventLoop, log: @escaping () -> Log,
        sockets: @escaping () -> [Descriptor]
    ) {
        self.program = program
        self.loop = loop
        self.log = log
        self.sockets = sockets
    }

    /// Starts a successor; writes why, if none can be started.
    func begin() {
        guard !isStopped, successor == nil else {
            refuse(isStopped ? "it is stopping" : "a successor is starting already")
            return
        }
        guard getpid() != 1 else {
            refuse("as process 1 it takes its container with it; replace the container")
            return
        }
        guard let program else {
            refuse("the system does not tell the program's file (/proc)")
            return
        }
        do throws(Errno) {
            successor = try Successor(
                path: program, arguments: CommandLine.arguments,
                environment: processEnvironment(), sockets: sockets(), limit: Self.limit, on: loop
            ) { [unowned self] in end($0) }
            log().write(
                .info, "upgrade.started",
                ["program": program, "process": "\(successor?.process ?? 0)"])
        } catch {
            refuse("\(program): \(error)")
        }
    }

    /// Starts no successor any more, and ends one that does not serve yet: this process stops.
    func stop() {
        isStopped = true
        successor?.abandon()
        successor = nil
    }

    private func refuse(_ why: String) {
        log().write(.error, "upgrade.failed", ["cause": why, "effect": "this process goes on"])
    }

    private func end(_ outcome: Successor.Outcome) {
        let process = successor?.process ?? 0
        // Not while it calls.
        let done = successor
        successor = nil
        defer { withExtendedLifetime(done) {} }
        switch outcome {
        case .failed(let why): refuse("process \(process) \(why)")
        case .serves:
            log().write(
                .info, "upgrade.done", ["process": "\(process)", "effect": "this process drains"])
            onTakenOver()
        }
    }
}
