// Upgrade: hands over to another process (SIGUSR2), in this order:
//
// 1. This process starts the program at its own path, with the arguments and the environment that
//    it was started with, and passes it its listening sockets.
// 2. The new process reads its configuration and looks for backends; it accepts nothing yet. When
//    each service has one, or has had its time to find one, it begins to accept, and reports that
//    (TakeOver.swift).
// 3. This process stops accepting, finishes what is under way within stop-timeout, and ends.
//
// Both have the same sockets, so no connection is refused or lost. Until step 3 nothing changes for
// this process: it goes on if the successor fails.

internal import Configuration
internal import Events
internal import Glibc
internal import Processes

/// Starts a process that takes over from this one. Control thread only.
final class Upgrade {
    /// How long a successor may take until it serves. Its services have `BackendWait.usualLimit` of
    /// that to find backends.
    static let limit = Duration.seconds(60)

    /// The path to start; nil when the system does not say.
    private let program: String?
    private let loop: EventLoop
    private let log: () -> Log
    /// The sockets on which this process listens.
    private let sockets: () -> [Descriptor]
    /// Variables that the successor gets besides those of this process. Called when one starts.
    var environment: () -> [String: String] = { [:] }
    /// What the successor gets that no file and no variable may have. Called when one starts.
    var secrets: () -> [UInt8] = { [] }
    /// Called when another process serves in place of this one.
    var onTakenOver: () -> Void = {}
    /// The process that is starting in order to take over; nil for none.
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

    /// Starts a successor; logs why if it can't.
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
                environment: processEnvironment().merging(environment()) { $1 }, sockets: sockets(),
                secrets: secrets(), limit: Self.limit, on: loop
            ) { [unowned self] in end($0) }
            log().write(
                .info, "upgrade.started",
                ["program": program, "process": "\(successor?.process ?? 0)"])
        } catch {
            refuse("\(program): \(error)")
        }
    }

    /// Refuses to start a successor from now on, and ends one that does not serve yet.
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
        // Kept alive during its callback.
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
