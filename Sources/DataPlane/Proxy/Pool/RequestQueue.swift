// RequestQueue: requests that wait, because every backend is at its limit or there is none. First
// come, first served; a request that left early is skipped when its turn comes.

internal import Events

/// Waiting requests of one service on one worker. Worker thread only.
final class RequestQueue {
    private struct Entry {
        let exchange: HTTPExchange
        /// The exchange's ticket: exchanges are reused, and this shows that the request is the
        /// same.
        let ticket: UInt64
    }

    private var entries: [Entry] = []
    /// The place of the first entry; those before it have been served.
    private var head = 0
    /// The most entries kept after they were served: removing each by itself would move all behind
    /// it.
    private static let servedMax = 256
    /// The ticket of the one that came last.
    private(set) var lastTicket: UInt64 = 0
    /// How many requests wait.
    private(set) var count = 0

    /// Puts `exchange` at the end.
    func append(_ exchange: HTTPExchange) {
        lastTicket += 1
        exchange.queueTicket = lastTicket
        entries.append(Entry(exchange: exchange, ticket: lastTicket))
        count += 1
    }

    /// Moves `exchange`, which waits, behind all others.
    func moveToEnd(_ exchange: HTTPExchange) {
        // This makes its current entry an old one.
        count -= 1
        append(exchange)
    }

    /// Puts `exchange` at the front: it has waited, and its turn came to nothing.
    func putBack(_ exchange: HTTPExchange) {
        lastTicket += 1
        exchange.queueTicket = lastTicket
        entries.insert(Entry(exchange: exchange, ticket: lastTicket), at: head)
        count += 1
    }

    /// Removes `exchange`.
    func remove(_ exchange: HTTPExchange) {
        guard exchange.queueTicket != 0 else { return }
        exchange.queueTicket = 0
        count -= 1
        if count == 0 { clear() }
    }

    /// The request that has waited longest; it stays until it is removed.
    var first: HTTPExchange? {
        while head < entries.count {
            let entry = entries[head]
            if entry.exchange.queueTicket == entry.ticket { return entry.exchange }
            head += 1
            if head == Self.servedMax {
                entries.removeFirst(head)
                head = 0
            }
        }
        clear()
        return nil
    }

    private func clear() {
        entries.removeAll()
        head = 0
    }
}
