// ControlPlane+Upgrade: another process takes over from this one (SIGUSR2), or this one from
// another. In this order:
//
// 1. The old one starts what lies at its own path by now, with the arguments and the environment
// that it
//    had itself, and gives it its listening sockets.
// 2. The new one reads its configuration and asks for backends; it accepts nothing yet. When each
// service
//    has one, or has had its time to find one, it begins to accept, and says so to the old one.
// 3. The old one stops accepting, finishes what is under way within stop-timeout, and ends.
//
// The sockets are the same in both, so no connection is refused or lost. Until step 3 nothing has
// changed for the old one: a new one that does not come so far leaves it as it was.

internal import Backends
internal import Configuration
internal import Events
internal import Glibc
internal import HTTPServer
internal import Processes
internal import Proxy

extension ControlPlane {
    /// How long a successor has until it must serve. Its services have `publishingLimit` to find
    /// backends.
    static let upgradeLimit = Duration.seconds(60)

    /// Starts a successor.
    func upgrade() {
        guard !isDraining, successor == nil else {
            refuseUpgrade(isDraining ? "it is stopping" : "a successor is starting already")
            return
        }
        guard getpid() != 1 else {
            refuseUpgrade("as process 1 it takes its container with it; replace the container")
            return
        }
        guard let program = processStart.program else {
            refuseUpgrade("the system does not tell the program's file (/proc)")
            return
        }
        do throws(Errno) {
            successor = try Successor(
                path: program, arguments: CommandLine.arguments,
                environment: processEnvironment(),
                sockets: workers.openDescriptors
                    + (adminPort?.descriptors ?? []),
                limit: Self.upgradeLimit, on: loop
            ) { [unowned self] in successorEnded($0) }
            log.write(
                .info, "upgrade.started",
                ["program": program, "process": "\(successor?.process ?? 0)"])
        } catch {
            refuseUpgrade("\(program): \(error)")
        }
    }

    private func refuseUpgrade(_ why: String) {
        log.write(.error, "upgrade.failed", ["cause": why, "effect": "this process goes on"])
    }

    private func successorEnded(_ outcome: Successor.Outcome) {
        let process = successor?.process ?? 0
        // Not while it calls.
        let done = successor
        successor = nil
        defer { withExtendedLifetime(done) {} }
        switch outcome {
        case .failed(let why): refuseUpgrade("process \(process) \(why)")
        case .serves:
            log.write(
                .info, "upgrade.done", ["process": "\(process)", "effect": "this process drains"])
            yield()
        }
    }

    // MARK: - The new one

    /// Accepts, once the services have backends; at once unless it takes over from another process,
    /// which serves all the while.
    ///
    /// - Throws: `Errno` when the system has no thread to give.
    func startWorkers() throws(Errno) {
        guard processStart.predecessor != nil else {
            try workers.start()
            served()
            return
        }
        takeOverTimer = Timer(on: loop) { [unowned self] in takeOver(isLate: true) }
        takeOverTimer?.schedule(after: publishingLimit)
        takeOver()
    }

    /// Begins to accept in the place of the predecessor, if it waits for that, unless a service may
    /// still find a backend.
    func takeOver(isLate: Bool = false) {
        guard takeOverTimer != nil, let predecessor = processStart.predecessor,
            isLate || !mayAnyServiceBeFilled
        else { return }
        for service in emptyServices {
            let causes = service.roster.sources.compactMap { $0.lastFailure?.failure.description }
            log.write(
                .warning, "service.no_backend",
                [
                    "service": service.name, "cause": causes.joined(separator: "; "),
                    "effect": "it takes over without a backend for it",
                ])
        }
        processStart.predecessor = nil
        takeOverTimer?.cancel()
        takeOverTimer = nil
        do throws(Errno) {
            try workers.start()
        } catch {
            // The predecessor hears of the end, and goes on.
            log.write(.error, "process.failed", ["cause": "no thread can be started: \(error)"])
            exit(1)
        }
        log.write(.info, "process.took_over", [:])
        predecessor.tellReady()
        served()
    }

    private var emptyServices: [ServiceControl] {
        let published = listeners.serviceIDs
        return services.all.filter { published.contains($0.id) && !$0.roster.hasMembers }
    }

    /// Whether waiting is worth while: for a service that has no backend yet, and may find one.
    private var mayAnyServiceBeFilled: Bool {
        emptyServices.contains { $0.roster.sources.contains(where: \.maySoonAnswer) }
    }
}

extension SourceStatus {
    /// Whether instances may come of it within seconds: it has given some, which are being checked,
    /// or has not said yet that there are none. A denial is an answer; so is a failure that has
    /// come twice.
    var maySoonAnswer: Bool {
        guard let outage else { return true }
        guard lastGoodAnswer == nil else { return true }
        switch outage.kind {
        case .nxdomain, .nodata: return false
        case .servfail, .refused, .otherCode, .timeout, .malformed, .unreachable, .massLoss:
            return failures.values.reduce(0, +) < 2
        }
    }
}
