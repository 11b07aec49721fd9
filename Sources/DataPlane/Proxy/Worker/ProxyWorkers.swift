// ProxyWorkers: the data plane as the control thread sees it: it opens listeners, starts threads,
// publishes rotations and changes, and stops.

package import AccessLog
package import Backends
package import Endpoints
package import Events
package import Stats
internal import Traffic

/// What workers report to the control thread.
package enum ProxyReport: Sendable {
    /// No connection to this backend could be made.
    case dialFailed(ServiceID, BackendID, DialError)
    /// Live traffic shows that this backend fails.
    case liveFailed(ServiceID, BackendID, LiveFailure)
    /// A backend on probation has answered well.
    case proven(ServiceID, BackendID)
    /// On one worker, the last connection of a closed listener, by its number, has ended.
    case listenerClosed(Int)
    /// A connection from this address to the listener of this number came to no session. Not each
    /// is reported; the listener's counters have all.
    case arrivalFailed(listener: Int, from: IPAddress, ArrivalFailure)
    /// A worker has answered a `ping`.
    case alive(worker: Int)
    /// A worker has drained, or given up, and its thread is ending.
    case finished(worker: Int)
}

/// The running workers. Control thread only.
package final class ProxyWorkers {
    /// The addresses of the listeners of the start, in their order, with the port that the kernel
    /// chose in place of port 0.
    package var endpoints: [Endpoint] { sockets.map(\.endpoint) }
    private let options: ProxyOptions
    private let registry: StatsRegistry
    private let reports: Mailbox<ProxyReport>
    private let accessLog: AccessLog?
    private let passwords: PasswordThreads
    private let sockets: [ListenerSockets]
    private let mailboxes: [Mailbox<WorkerMessage>]
    private var threads: [LoopThread] = []
    /// The sockets of each listener that accepts, by its number.
    private var open: [Int: ListenerSockets] = [:]

    /// Opens every listener for every worker. Workers write to `accessLog` if there is one, and
    /// accept nothing before `start()`.
    ///
    /// - Throws: `ListenFailure` for the first address that can't be used; none stays open then.
    package init(
        options: ProxyOptions, registry: StatsRegistry, reports: Mailbox<ProxyReport>,
        accessLog: AccessLog? = nil, inherited: (Endpoint) -> [Descriptor] = { _ in [] }
    ) throws(ListenFailure) {
        precondition(options.workers > 0)
        self.options = options
        self.registry = registry
        self.reports = reports
        self.accessLog = accessLog
        passwords = PasswordThreads(workers: options.workers, options.passwordCheck)
        var opened: [ListenerSockets] = []
        var mailboxes: [Mailbox<WorkerMessage>] = []
        do throws(ListenFailure) {
            for listener in options.listeners {
                opened.append(
                    try ListenerSockets(
                        on: listener.endpoint, count: options.workers,
                        isShared: options.sharesAddresses,
                        limits: listener.policy.timeouts.peerLimits(listener.mode),
                        inherited: inherited(listener.endpoint)))
            }
            for _ in 0..<options.workers {
                do throws(Errno) {
                    mailboxes.append(try Mailbox())
                } catch {
                    throw ListenFailure(endpoint: Endpoint(.any, 0), error: error)
                }
            }
        } catch {
            for sockets in opened { sockets.close() }
            throw error
        }
        sockets = opened
        self.mailboxes = mailboxes
        for (listener, sockets) in zip(options.listeners, opened) {
            open[listener.index] = sockets
        }
    }

    /// Opens another address, for a listener that `publish` will add, or to be closed. `limits`
    /// apply to the connections that wait until then. `besideOwn` says that this process still has
    /// the address, or a part of it.
    ///
    /// - Throws: `ListenFailure` when it can't be used; nothing stays open then.
    package func open(
        _ endpoint: Endpoint, limits: PeerLimits = PeerLimits(), besideOwn: Bool = false
    ) throws(ListenFailure) -> ListenerSockets {
        try ListenerSockets(
            on: endpoint, count: options.workers, isShared: options.sharesAddresses || besideOwn,
            limits: limits)
    }

    /// Starts the workers' threads.
    ///
    /// - Throws: `Errno` when the system has no more threads.
    package func start() throws(Errno) {
        if options.listeners.contains(where: \.checksPasswords) { passwords.start() }
        let leavesSlowly = options.sharesAddresses && !Descriptor.kernelMovesConnections
        for number in 0..<options.workers {
            let (options, registry, reports, mailbox, passwords, accessLog) = (
                options, registry, reports, mailboxes[number], passwords, accessLog
            )
            let sockets = sockets.map { $0.descriptors[number] }
            threads.append(
                try LoopThread(
                    name: "worker-\(number)", processor: options.pinsWorkers ? number : nil
                ) {
                    let worker = Worker(
                        number: number, options: options, registry: registry, mailbox: mailbox,
                        reports: reports, passwords: passwords, accessLog: accessLog,
                        leavesSlowly: leavesSlowly)
                    // Without a descriptor for its mailbox a worker gets no messages: it ends at
                    // once, and is reported as finished.
                    try? worker.run(options.listeners, sockets: sockets)
                    reports.post(.finished(worker: number))
                })
        }
    }

    /// Makes every worker pick from `rotation`.
    package func publish(_ rotation: Rotation) {
        for mailbox in mailboxes { mailbox.post(.rotation(rotation)) }
    }

    /// Changes services and listeners. Each worker applies the change between two events, in the
    /// order in which things are published. The registry has the counters of added services by now,
    /// and keeps those of removed ones for as long as they are shown. The workers own the sockets
    /// of opened listeners from now on.
    package func publish(_ change: ProxyChange) {
        let listeners = change.listeners + change.opened.map(\.options)
        if listeners.contains(where: \.checksPasswords) { passwords.start() }
        for opening in change.opened {
            switch opening.origin {
            case .sockets(let sockets): open[opening.options.index] = sockets
            case .successor(let old): open[opening.options.index] = open[old]
            }
        }
        for number in change.closed { open[number] = nil }
        for mailbox in mailboxes { mailbox.post(.change(change)) }
    }

    /// Ends what is still under way on these backends, since the time for their drains is over.
    package func expel(_ backends: [BackendID]) {
        for mailbox in mailboxes { mailbox.post(.expel(backends)) }
    }

    /// Ends the streams on these backends, at random moments within `time`: TCP connections,
    /// connections that have switched protocols, and responses of unknown length.
    package func endStreams(to backends: [BackendID], within time: Duration) {
        for mailbox in mailboxes { mailbox.post(.endStreams(backends, within: time)) }
    }

    /// The sockets of all listeners that accept. Another process may get them as well, and accept
    /// in the place of this one.
    package var openDescriptors: [Descriptor] {
        open.sorted { $0.key < $1.key }.flatMap { $0.value.descriptors.joined() }
    }

    /// Has routes that respond with this process's readiness say `isReady` from now on.
    package func setReady(_ isReady: Bool) {
        for mailbox in mailboxes { mailbox.post(.readiness(isReady)) }
    }

    /// Has all listeners answer certificate authorities by `answers` from now on.
    package func publish(_ answers: ChallengeAnswers) {
        for mailbox in mailboxes { mailbox.post(.challenges(answers)) }
    }

    /// Has requests traced by `options` from the next one on; nil for not at all.
    package func publish(_ options: TraceOptions?) {
        for mailbox in mailboxes { mailbox.post(.traces(options)) }
    }

    /// Has each worker report `alive` when it next turns.
    package func ping() {
        for mailbox in mailboxes { mailbox.post(.ping) }
    }

    /// Stops accepting and lets what is in flight finish within `limit`; each worker reports
    /// `finished`.
    package func drain(limit: Duration) {
        for mailbox in mailboxes { mailbox.post(.drain(limit: limit)) }
    }

    /// Waits for the threads to end, after all have reported `finished`.
    package func join() {
        for thread in threads { thread.join() }
        threads = []
        passwords.stop()
    }
}
