// AddressCounts: how many connections each client has open, in memory that never grows, for all
// workers at once. It is made like RateTable: sets of words that workers exchange without a lock.
//
// A word is a client with its count, so that one exchange changes both, and no connection can be
// counted for another client: 48 bits of the client's keyed hash, and 16 of its count. A word
// without connections is zero, and free.
//
// Of clients that have connections at a time there are at most as many as the listener lets
// connect, and the table has four times the room. So a set of eight is full only by chance, for one
// client in several thousand, since without the key of the hash nobody can aim at one. Connections
// that find no room there are not counted and not refused: the listener's own limit bounds them.

internal import Synchronization

/// Open connections by client. Any thread.
package final class AddressCounts: Sendable {
    private let words: AtomicWords
    private let setCount: Int

    private static let wordsOfSet = 8
    private static let countBits: UInt64 = 16
    private static let countMask: UInt64 = 0xFFFF

    /// The most connections that one client can be let have.
    package static let mostMax = 65_535

    /// Nobody has a connection; room for the clients of `connections` of them, 1 or more.
    package init(connections: Int) {
        precondition(connections > 0, "a listener lets one connect at least")
        var sets = 1
        while sets * Self.wordsOfSet < connections * 4 { sets *= 2 }
        setCount = sets
        words = AtomicWords(count: sets * Self.wordsOfSet)
    }

    /// What becomes of a connection.
    package enum Outcome: Sendable, Equatable {
        /// The connection is counted; `release` of this place is to follow at its end.
        case counted(place: Int)
        /// Its client has as many as it may have.
        case refused
        /// There is no room to count it.
        case crowded
    }

    /// Counts one more connection of the client with this key, which may have `most` of them, 1 to
    /// `mostMax`.
    package func take(_ key: RateKey, most: Int) -> Outcome {
        // Zero is a place that nobody has.
        let client = max(1, key.hash >> Self.countBits)
        let set = Int(truncatingIfNeeded: key.hash & UInt64(setCount - 1)) * Self.wordsOfSet
        // Another turn when another worker was faster; more than a few are no chance any more.
        for _ in 0..<64 {
            var free: Int?
            var own: Int?
            for place in set..<set + Self.wordsOfSet {
                let word = load(place)
                if word == 0 {
                    if free == nil { free = place }
                } else if word >> Self.countBits == client {
                    own = place
                    break
                }
            }
            if let own {
                let word = load(own)
                guard word >> Self.countBits == client else { continue }
                if Int(word & Self.countMask) >= min(most, Self.mostMax) { return .refused }
                if replace(own, word, by: word + 1) { return .counted(place: own) }
            } else if let free {
                guard replace(free, 0, by: client << Self.countBits | 1) else { continue }
                guard isElsewhere(client, than: free, in: set) else { return .counted(place: free) }
                // Two workers had the client's first connection at once, and one of them goes.
                release(free)
            } else {
                return .crowded
            }
        }
        return .crowded
    }

    /// Whether `client` has another place of its set than this one.
    private func isElsewhere(_ client: UInt64, than own: Int, in set: Int) -> Bool {
        for place in set..<set + Self.wordsOfSet
        where place != own && load(place) >> Self.countBits == client {
            return true
        }
        return false
    }

    /// Counts one connection less at a place that `take` returned; once for each time.
    package func release(_ place: Int) {
        precondition(place >= 0 && place < setCount * Self.wordsOfSet, "a place of another table")
        while true {
            let word = load(place)
            precondition(word & Self.countMask > 0, "a connection is released once")
            let rest = word & Self.countMask == 1 ? 0 : word - 1
            if replace(place, word, by: rest) { return }
        }
    }

    // Every index is below the number of words: a set is, and 8 words follow from there. In one
    // order for all threads, so that of two that put a client into a set one sees the other.

    private func load(_ index: Int) -> UInt64 {
        words.with(index) { $0.load(ordering: .sequentiallyConsistent) }
    }

    /// Replaces the word at `index` if it is `old`. Returns whether it was.
    private func replace(_ index: Int, _ old: UInt64, by new: UInt64) -> Bool {
        words.with(index) {
            $0.compareExchange(
                expected: old, desired: new, ordering: .sequentiallyConsistent
            ).exchanged
        }
    }
}

/// A limit of connections of each client, with those that are counted. Any thread.
package final class ConnectionLimit: Sendable {
    /// The connections that one address may have; of IPv6 one /64.
    package let most: Int
    /// The connections that counting has room for.
    private let connections: Int
    /// What is counted. Limits that follow one another share it.
    package let counts: AddressCounts

    /// A limit of a listener that lets `connections` of them come in all. It goes on with what
    /// `old` has counted, if that has the room.
    package init(most: Int, connections: Int, keeping old: ConnectionLimit? = nil) {
        self.most = most
        if let old, old.connections >= connections {
            self.connections = old.connections
            counts = old.counts
        } else {
            self.connections = connections
            counts = AddressCounts(connections: connections)
        }
    }
}
