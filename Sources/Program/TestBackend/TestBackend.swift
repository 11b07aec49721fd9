// TestBackend: a web server to test and to load a proxy with: what `fairlead backend` runs. As fast
// as the proxy's own parser and loop make it, so that it is never what limits a measurement.

package import Endpoints
package import Events
internal import Glibc

/// How a test backend runs.
package struct TestBackendOptions: Sendable {
    /// Where it listens; port 0 lets the kernel choose.
    package var endpoint: Endpoint
    /// What `/` answers with.
    package var name: String
    /// Threads, each with a listening socket of its own; at least 1.
    package var workers = 1
    /// How long requests under way may take after `stop`.
    package var stopTimeout = Duration.seconds(5)

    /// Everything else has a default.
    package init(on endpoint: Endpoint, name: String) {
        self.endpoint = endpoint
        self.name = name
    }
}

/// A running test backend. Any thread.
package final class TestBackend: Sendable {
    /// Where it listens.
    package let endpoint: Endpoint
    private let threads: [LoopThread]
    private let orders: [Mailbox<Order>]

    enum Order: Sendable {
        /// End after the requests under way.
        case drain
    }

    /// Listens and serves on threads of its own.
    ///
    /// - Throws: `Errno`, as when the port is in use.
    package init(_ options: TestBackendOptions) throws(Errno) {
        precondition(options.workers > 0, "a server needs a worker")
        let isShared = options.workers > 1
        var listeners: [Descriptor] = []
        var threads: [LoopThread] = []
        var orders: [Mailbox<Order>] = []
        var endpoint = options.endpoint
        do throws(Errno) {
            for _ in 0..<options.workers {
                let listener = try Socket.listen(on: endpoint, isShared: isShared)
                listeners.append(listener)
                endpoint = listener.localEndpoint ?? endpoint
                orders.append(try Mailbox())
            }
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        while threads.count < listeners.count {
            let (listener, mailbox) = (listeners[threads.count], orders[threads.count])
            do throws(Errno) {
                threads.append(
                    try LoopThread(name: "backend") {
                        BackendWorker.run(listener, options, mailbox)
                    })
            } catch {
                for rest in listeners[threads.count...] { rest.close() }
                for (order, thread) in zip(orders, threads) {
                    order.post(.drain)
                    thread.join()
                }
                throw error
            }
        }
        self.endpoint = endpoint
        self.threads = threads
        self.orders = orders
    }

    /// Stops listening, answers the requests under way, and waits for that, at most as long as the
    /// options say. Call it once.
    package func stop() {
        for order in orders { order.post(.drain) }
        for thread in threads { thread.join() }
    }
}
