// TakeOver: begins to accept connections, at once, or in place of another process that serves until
// this one has backends. Upgrade.swift describes the other process's part.

internal import Backends
internal import Configuration
internal import Events
internal import Glibc
internal import Processes

/// The beginning of service. Control thread only.
final class TakeOver {
    /// The process to take over from; nil when there is none, or it knows already.
    private var predecessor: Predecessor?
    /// Inherited sockets that no listener uses.
    private var unused: InheritedSockets
    private let services: ServiceSet
    private let publisher: ListenerPublisher
    private let log: () -> Log
    private let accept: () throws(Errno) -> Void
    private let onServing: () -> Void
    /// The wait for backends before it takes over; nil only during `init`.
    private var wait: BackendWait?

    /// Accepts nothing yet.
    ///
    /// - Parameters:
    ///   - predecessor: the process to take over from; nil for none.
    ///   - unused: inherited sockets that no listener uses.
    ///   - accept: starts the workers, which accept connections.
    ///   - onServing: called once, when they accept and the predecessor knows.
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

    /// Closes inherited sockets that no listener uses, and logs them.
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

    /// Accepts connections at once, or, with a predecessor, as soon as the services have backends;
    /// the predecessor serves meanwhile.
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

    /// A service may have its first backend: takes over if nothing else is waited for.
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

    /// Whether a service without backends may soon find one, so that waiting is worthwhile.
    private var mayAnyServiceBeFilled: Bool {
        emptyServices.contains { $0.roster.sources.contains(where: \.maySoonAnswer) }
    }
}
