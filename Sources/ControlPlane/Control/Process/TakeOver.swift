// TakeOver: this process begins to accept, at once, or in the place of another process that serves
// until this one has backends. What the other one does is told in Upgrade.swift.

internal import Backends
internal import Configuration
internal import Events
internal import Glibc
internal import Processes

/// The beginning of service. Control thread only.
final class TakeOver {
    /// The process to take over from; nil when there is none, or it has been told.
    private var predecessor: Predecessor?
    /// Sockets that the process was given open, and that nobody has taken.
    private var unused: InheritedSockets
    private let services: ServiceSet
    private let publisher: ListenerPublisher
    private let log: () -> Log
    private let accept: () throws(Errno) -> Void
    private let onServing: () -> Void
    /// While it waits for backends before it takes over; nil only while this is made.
    private var wait: BackendWait?

    /// Accepts nothing yet.
    ///
    /// - Parameters:
    ///   - predecessor: the process to take over from; nil for none.
    ///   - unused: sockets that the process was given open, and that nobody has taken.
    ///   - accept: has the workers accept connections.
    ///   - onServing: called once, when they do, and the predecessor knows.
    init(
        from predecessor: Predecessor?, unused: InheritedSockets, _ services: ServiceSet,
        _ publisher: ListenerPublisher, on loop: EventLoop, log: @escaping () -> Log,
        accept: @escaping () throws(Errno) -> Void,
        onServing: @escaping () -> Void
    ) {
        self.predecessor = predecessor
        self.unused = unused
        self.services = services
        self.publisher = publisher
        self.log = log
        self.accept = accept
        self.onServing = onServing
        wait = BackendWait(
            on: loop, until: { [unowned self] in !mayAnyServiceBeFilled },
            { [unowned self] in takeOver() })
    }

    /// Closes the sockets that nobody has taken, and writes which.
    func closeUnused() {
        for socket in unused.remaining {
            log().write(
                .warning, "socket.unused",
                [
                    "listen": "\(socket.endpoint)",
                    "cause": "it was given open, and no listener has this address",
                ])
        }
        unused.closeRemaining()
    }

    /// Accepts at once, or, when there is a predecessor, as soon as the services have backends: it
    /// serves all the while.
    ///
    /// - Throws: `Errno` when the system has no thread to give.
    func begin() throws(Errno) {
        guard predecessor != nil else {
            try accept()
            onServing()
            return
        }
        wait?.begin()
        wait?.look()
    }

    /// Takes over if that need not wait any more: a service may have backends by now.
    func servicesChanged() { wait?.look() }

    private func takeOver() {
        for service in emptyServices {
            let causes = service.roster.sources.compactMap { $0.lastFailure?.failure.description }
            log().write(
                .warning, "service.no_backend",
                [
                    "service": service.name, "cause": causes.joined(separator: "; "),
                    "effect": "it takes over without a backend for it",
                ])
        }
        do throws(Errno) {
            try accept()
        } catch {
            // The predecessor sees the end of this process, and goes on.
            log().write(.error, "process.failed", ["cause": "no thread can be started: \(error)"])
            exit(1)
        }
        log().write(.info, "process.took_over", [:])
        predecessor?.reportReady()
        predecessor = nil
        onServing()
    }

    private var emptyServices: [ServiceControl] {
        let named = publisher.published.serviceIDs
        return services.all.filter { named.contains($0.id) && !$0.roster.hasMembers }
    }

    /// Whether waiting is worth while: for a service that has no backend yet, and may find one.
    private var mayAnyServiceBeFilled: Bool {
        emptyServices.contains { $0.roster.sources.contains(where: \.maySoonAnswer) }
    }
}
