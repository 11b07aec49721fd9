// ConsulStandIn: an agent that answers as Consul does, for tests: blocking queries by index, the
// fields of its answers, and every way in which one can go wrong. It has a thread and a loop of its
// own, so that a test may block, and a change is heard as from another process.

package import Endpoints
internal import Events
internal import Glibc
internal import Locking

/// An HTTP server that stands for a Consul agent. Any thread; ends with `stop()`.
package final class ConsulStandIn: Sendable {
    /// A request that came.
    package struct Seen: Sendable {
        /// `GET` and the like are not among it: path and query as they were sent.
        package let target: String
        /// The field X-Consul-Token; nil for none.
        package let token: String?
        /// Which connection it came on, counted from 0.
        package let connection: Int
    }

    /// Where it listens.
    package let target: Target
    private let world = Locked(ConsulWorld())
    private let requests = Locked<[Seen]>([])
    private let connections = Locked<(open: Int, most: Int)>((0, 0))
    private let mailbox: Mailbox<ConsulStandInOrder>
    private let thread: LoopThread

    /// Listens on a free port of 127.0.0.1, or on `target`.
    package init(on target: Target = .endpoint(Endpoint(.loopback, 0))) throws {
        let descriptor: Descriptor
        switch target {
        case .endpoint(let endpoint):
            descriptor = try Socket.listen(on: endpoint, isShared: false)
            self.target = .endpoint(descriptor.localEndpoint ?? endpoint)
        case .unix(let path):
            descriptor = try listenAtUnixPath(path)
            self.target = target
        }
        let mailbox = try Mailbox<ConsulStandInOrder>()
        self.mailbox = mailbox
        let state = ConsulStandInState(
            world: world, requests: requests, connections: connections)
        thread = try LoopThread(name: "consul-stand-in") {
            let loop = EventLoop()
            let server = ConsulStandInServer(descriptor, state: state, on: loop)
            let reader = try? MailboxReader(mailbox, on: loop) { order in
                switch order {
                case .look: server.look()
                case .closeConnections: server.closeConnections()
                case .stop: loop.stop()
                }
            }
            if reader != nil { loop.run() }
            server.close()
            reader?.close()
        }
    }

    /// Changes what it knows, or how it lies; queries that wait hear of it at once.
    @discardableResult
    package func change<Result>(_ body: (inout ConsulWorld) -> Result) -> Result {
        let result = world.withLock { body(&$0) }
        mailbox.post(.look)
        return result
    }

    /// What it knows now.
    package var known: ConsulWorld { world.withLock { $0 } }

    /// The requests that came so far.
    package var seen: [Seen] { requests.withLock { $0 } }

    /// The highest number of connections that were open at a time.
    package var connectionsMost: Int { connections.withLock { $0.most } }

    /// Closes every connection, as an agent does that restarts.
    package func closeConnections() {
        mailbox.post(.closeConnections)
    }

    /// Closes everything and ends the thread. Once.
    package func stop() {
        mailbox.post(.stop)
        thread.join()
        if case .unix(let path) = target { unsafe unlink(path) }
    }
}

/// What the stand-in's thread is told.
enum ConsulStandInOrder: Sendable {
    case look, closeConnections, stop
}

/// What the stand-in's thread shares with the others.
struct ConsulStandInState: Sendable {
    let world: Locked<ConsulWorld>
    let requests: Locked<[ConsulStandIn.Seen]>
    let connections: Locked<(open: Int, most: Int)>
}
