// RequestQueue: requests that wait because every backend has as many as it may have. First come,
// first served; who leaves early is skipped when its turn comes.

internal import Events

/// The waiting requests of one service on one worker. Worker thread only.
final class RequestQueue {
    private struct Entry {
        let exchange: HTTPExchange
        /// Exchanges are used again: this says that it is still the same request.
        let ticket: UInt64
    }

    private var entries: [Entry] = []
    /// Where the first is; those before it have been served.
    private var head = 0
    /// Entries kept after they were served, so that not each one moves all behind it.
    private static let servedMax = 256
    private var lastTicket: UInt64 = 0
    /// How many wait.
    private(set) var count = 0

    /// Puts `exchange` at the end.
    func append(_ exchange: HTTPExchange) {
        lastTicket += 1
        exchange.queueTicket = lastTicket
        entries.append(Entry(exchange: exchange, ticket: lastTicket))
        count += 1
    }

    /// `exchange`, which waits, lets all others go first.
    func moveToEnd(_ exchange: HTTPExchange) {
        // Its entry where it is now becomes an old one by this.
        count -= 1
        append(exchange)
    }

    /// Puts `exchange` at the front: it has waited, and had its turn to no avail.
    func putBack(_ exchange: HTTPExchange) {
        lastTicket += 1
        exchange.queueTicket = lastTicket
        entries.insert(Entry(exchange: exchange, ticket: lastTicket), at: head)
        count += 1
    }

    /// `exchange` waits no longer.
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
