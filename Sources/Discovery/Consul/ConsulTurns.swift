// ConsulTurns: first come, first served, and so many at a time.

/// The exchanges of one kind: those under way and those that wait for a connection. Loop thread
/// only.
struct ConsulTurns {
    /// How many may be under way.
    let max: Int
    private var underWay: Set<ObjectIdentifier> = []
    /// In the order in which they came; each lives at least until it is removed.
    private var queue: [ConsulExchange] = []

    init(max: Int) {
        self.max = max
    }

    mutating func append(_ exchange: ConsulExchange) {
        queue.append(exchange)
    }

    /// Forgets one that has ended or was cancelled. Harmless for one that is not here.
    mutating func remove(_ exchange: ConsulExchange) {
        if underWay.remove(ObjectIdentifier(exchange)) == nil {
            // Few are cancelled while they wait, so linear time is enough.
            queue.removeAll { $0 === exchange }
        }
    }

    /// The next one to start; nil while there is none, or no connection for it.
    mutating func next() -> ConsulExchange? {
        guard underWay.count < max, !queue.isEmpty else { return nil }
        let next = queue.removeFirst()
        underWay.insert(ObjectIdentifier(next))
        return next
    }
}
