// Load: clients that ask one after another for as long as a test goes on, each on a thread of its
// own.

internal import Locking
internal import Synchronization

/// Constant load. Any thread.
package final class Load: Sendable {
    /// Asks once; returns what was wrong with the answer, nil if nothing was.
    package typealias Ask = () throws -> String?

    private let makeClient: @Sendable (Int) throws -> Ask
    private let count = Atomic(0)
    private let started = Atomic(0)
    private let ended = Atomic(0)
    private let isStopped = Atomic(false)
    private let failed = Locked<[String]>([])

    /// `makeClient` is called with each client's number, on its thread, and connects.
    package init(_ makeClient: @escaping @Sendable (Int) throws -> Ask) {
        self.makeClient = makeClient
    }

    /// Requests answered so far.
    package var completed: Int { count.load(ordering: .relaxed) }
    /// What was wrong so far. A client whose connection fails asks no more.
    package var failures: [String] { failed.withLock { $0 } }

    /// Starts so many clients.
    package func start(clients: Int) throws {
        for number in 0..<clients {
            started.add(1, ordering: .relaxed)
            try startThread { [self] in
                do {
                    let ask = try makeClient(number)
                    while !isStopped.load(ordering: .relaxed) {
                        if let problem = try ask() { failed.withLock { $0.append(problem) } }
                        count.add(1, ordering: .relaxed)
                    }
                } catch {
                    failed.withLock { $0.append("\(error)") }
                }
                ended.add(1, ordering: .releasing)
            }
        }
    }

    /// Waits until so many more requests are answered.
    package func awaitMore(_ requests: Int) throws {
        let before = completed
        try waitUntil("requests go on") { completed >= before + requests || !failures.isEmpty }
    }

    /// Lets each client end after the request in hand.
    package func stop() throws {
        isStopped.store(true, ordering: .relaxed)
        try waitUntil("the clients end") {
            ended.load(ordering: .acquiring) == started.load(ordering: .relaxed)
        }
    }
}
