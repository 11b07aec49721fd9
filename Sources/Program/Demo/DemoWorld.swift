// DemoWorld: the demo's stage on a thread of its own, with thread-safe ways in and out. In a real
// deployment all of this runs on other machines.

package import DNSWire
package import Endpoints
internal import Events
internal import Locking

/// A discovery server and instances that run by themselves. Any thread.
package final class DemoWorld: Sendable {
    /// What a client of the world needs to know.
    package struct Addresses: Sendable {
        /// The discovery server, UDP and TCP.
        package let dns: Endpoint
        /// Where commands are accepted over HTTP.
        package let stage: Endpoint
        /// The name to ask it for.
        package let service: DomainName
        /// The instances at the start, by name.
        package let instances: [(name: String, endpoint: Endpoint)]
    }

    private enum Order: Sendable {
        case perform(DemoCommand)
        case stop
    }

    /// Where everything listens.
    package let addresses: Addresses
    private let orders: Mailbox<Order>
    private let thread: LoopThread
    private let isStopped = Locked(false)

    /// Starts the world and waits until everything in it listens. `report` is called on the world's
    /// thread with a sentence for everything that happens.
    ///
    /// - Throws: `DemoError`; nothing is left running then.
    package init(_ options: DemoOptions, report: @escaping @Sendable (String) -> Void)
        throws(DemoError)
    {
        var started: Result<Addresses, DemoError>?
        do throws(Errno) {
            let orders = try Mailbox<Order>()
            let outcome = try Mailbox<Result<Addresses, DemoError>>()
            // Waited for on a loop of this thread's own, made first, so that nothing fails once the
            // world's thread runs.
            let loop = EventLoop()
            let reader = try MailboxReader(outcome, on: loop) { started = $0 }
            defer {
                reader.close()
                loop.runOnce()
            }
            thread = try LoopThread(name: "demo") {
                Self.run(options, orders, outcome, report)
            }
            self.orders = orders
            while started == nil { loop.runOnce(waiting: true) }
        } catch {
            throw .system(error)
        }
        switch started {
        case .success(let addresses): self.addresses = addresses
        case .failure(let error):
            thread.join()
            throw error
        case nil: preconditionFailure("the loop above ends with an outcome")
        }
    }

    /// Has `command` carried out soon; what comes of it is reported.
    package func perform(_ command: DemoCommand) {
        orders.post(.perform(command))
    }

    /// Stops everything and waits for it. Call it before the world is released; harmless when
    /// repeated. Not from `report`.
    package func stop() {
        let isFirst = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        guard isFirst else { return }
        orders.post(.stop)
        thread.join()
    }

    /// What the thread runs.
    private static func run(
        _ options: DemoOptions, _ orders: Mailbox<Order>,
        _ outcome: Mailbox<Result<Addresses, DemoError>>,
        _ report: @escaping @Sendable (String) -> Void
    ) {
        let loop = EventLoop()
        // One more turn, in which the loop releases the channels that were closed last.
        defer { loop.runOnce() }
        do throws(DemoError) {
            let stage = try DemoStage(options, on: loop, report: report)
            defer { stage.close() }
            let reader: MailboxReader<Order>
            do throws(Errno) {
                reader = try MailboxReader(orders, on: loop) { order in
                    switch order {
                    case .perform(let command): stage.perform(command)
                    case .stop: loop.stop()
                    }
                }
            } catch {
                throw .system(error)
            }
            defer { reader.close() }
            let addresses = Addresses(
                dns: stage.dnsEndpoint, stage: stage.doorEndpoint, service: stage.service,
                instances: stage.instances.map { ($0.name, $0.endpoint) })
            outcome.post(.success(addresses))
            loop.run()
        } catch {
            outcome.post(.failure(error))
        }
    }
}
