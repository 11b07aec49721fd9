// ProxyWorkers: the data plane as the control thread holds it: open the listeners, start the
// threads, publish rotations, stop.

package import AccessLog
package import Backends
package import Endpoints
package import Events
package import Stats

/// What workers tell the control thread.
package enum ProxyReport: Sendable {
    /// No connection to this backend could be made.
    case dialFailed(ServiceID, BackendID, Errno)
    /// Live traffic speaks against this backend.
    case liveFailed(ServiceID, BackendID, LiveFailure)
    /// This backend, which was on probation, has answered well.
    case proven(ServiceID, BackendID)
    /// A worker has drained, or given up, and its thread is ending.
    case finished(worker: Int)
}

/// Why a listener could not be opened.
package struct ListenFailure: Error, Sendable {
    /// Where.
    package let endpoint: Endpoint
    /// What the system said.
    package let error: Errno
}

/// The running workers. Control thread only.
package final class ProxyWorkers {
    /// Where the listeners listen, in their order; with the port that the kernel chose for port 0.
    package let endpoints: [Endpoint]
    private let options: ProxyOptions
    private let registry: StatsRegistry
    private let reports: Mailbox<ProxyReport>
    private let accessLog: AccessLog?
    private let sockets: [[Descriptor]]
    private let mailboxes: [Mailbox<WorkerMessage>]
    private var threads: [LoopThread] = []

    /// Opens every listener for every worker, each of which writes to `accessLog` if there is one;
    /// nothing is accepted before `start()`.
    ///
    /// - Throws: `ListenFailure` for the first address that can't be had; none stays open then.
    package init(
        options: ProxyOptions, registry: StatsRegistry, reports: Mailbox<ProxyReport>,
        accessLog: AccessLog? = nil
    ) throws(ListenFailure) {
        precondition(options.workers > 0)
        self.options = options
        self.registry = registry
        self.reports = reports
        self.accessLog = accessLog
        var opened: [[Descriptor]] = []
        var endpoints: [Endpoint] = []
        var mailboxes: [Mailbox<WorkerMessage>] = []
        do throws(ListenFailure) {
            for listener in options.listeners {
                let sockets = try Self.open(
                    listener.endpoint, count: options.workers, isShared: options.sharesAddresses)
                opened.append(sockets)
                endpoints.append(sockets.first?.localEndpoint ?? listener.endpoint)
            }
            for _ in 0..<options.workers {
                do throws(Errno) {
                    mailboxes.append(try Mailbox())
                } catch {
                    throw ListenFailure(endpoint: Endpoint(.any, 0), error: error)
                }
            }
        } catch {
            for socket in opened.joined() { socket.close() }
            throw error
        }
        sockets = opened
        self.endpoints = endpoints
        self.mailboxes = mailboxes
    }

    private static func open(
        _ endpoint: Endpoint, count: Int, isShared: Bool
    ) throws(ListenFailure) -> [Descriptor] {
        var sockets: [Descriptor] = []
        do throws(Errno) {
            // SO_REUSEPORT would let a second Fairlead share the address and half of its traffic
            // without a word, so the address is first asked for alone, unless that is what is wanted.
            if !isShared { try Socket.listen(on: endpoint, isShared: false).close() }
            var endpoint = endpoint
            for _ in 0..<count {
                let socket = try Socket.listen(on: endpoint)
                sockets.append(socket)
                endpoint.port = socket.localEndpoint?.port ?? endpoint.port
            }
        } catch {
            for socket in sockets { socket.close() }
            throw ListenFailure(endpoint: endpoint, error: error)
        }
        return sockets
    }

    /// Starts the workers' threads.
    ///
    /// - Throws: `Errno` when the system has no thread to give.
    package func start() throws(Errno) {
        for number in 0..<options.workers {
            let (options, registry, reports, mailbox, accessLog) = (
                options, registry, reports, mailboxes[number], accessLog
            )
            let sockets = sockets.map { $0[number] }
            threads.append(
                try LoopThread(name: "worker-\(number)") {
                    let worker = Worker(
                        number: number, options: options, registry: registry, reports: reports,
                        accessLog: accessLog)
                    // Without a descriptor for its mailbox a worker can't be told anything: it ends
                    // at once, and is reported as finished.
                    try? worker.run(options.listeners, sockets: sockets, mailbox: mailbox)
                    reports.post(.finished(worker: number))
                })
        }
    }

    /// Makes `rotation` what every worker picks from.
    package func publish(_ rotation: Rotation) {
        for mailbox in mailboxes { mailbox.post(.rotation(rotation)) }
    }

    /// Changes services and listeners, on each worker between two events, after what was published
    /// before and before what is published next. The registry has the added services' counters by
    /// now, and keeps the removed ones' for as long as they are to be seen.
    package func publish(_ change: ProxyChange) {
        for mailbox in mailboxes { mailbox.post(.change(change)) }
    }

    /// Ends what is still under way on these backends, whose drains have taken as long as they may.
    package func expel(_ backends: [BackendID]) {
        for mailbox in mailboxes { mailbox.post(.expel(backends)) }
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
    }
}
