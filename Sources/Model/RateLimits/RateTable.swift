// RateTable: the buckets of many clients, in memory that never grows, for all workers at once.
//
// A limit is of a client, whose connections are spread over the workers by the kernel: parts for
// each worker would let a client on one connection have one part, and one on many all of them. So
// this is the one thing that workers share and write. They do it without a lock: a bucket is one
// word (RequestRate.swift), which is exchanged if nobody else has changed it meanwhile.
//
// The table is made of sets of eight words of keys and eight of times, two cache lines. A key is
// the keyed hash of a client, and says the client's set as well; without the key of the hash nobody
// can aim at a set. Where a client has no place yet, it gets
//
//   1. that of a bucket which is full: its client would begin with a full one in any case, so that
//      nothing is forgotten;
//   2. where none of the seven is full, the eighth, which all such clients of the set share until
//      one is. A bucket that is not full is never given away: clients that take turns would push
//      out each other's, and all get through. So a flood from more addresses than there are places
//      neither gets through unlimited nor shuts everybody else out.
//
// Two workers that put clients into one place at the same time may charge one request to the wrong
// one of them. That is the whole price of having no lock.

internal import Synchronization

/// Buckets by key. Any thread.
package final class RateTable: Sendable {
    /// The words of keys and times; 16 for each set.
    private let words: AtomicWords
    private let setCount: Int

    /// The places of a set that clients have for themselves.
    package static let ownPlaces = 7
    private static let wordsOfSet = 16
    private static let sharedPlace = 7

    /// The bytes that a table with room for so many clients takes.
    package static func bytes(for entries: Int) -> Int { sets(for: entries) * wordsOfSet * 8 }

    /// A power of two, since the set is a part of the key.
    private static func sets(for entries: Int) -> Int {
        let least = max(1, (entries + ownPlaces - 1) / ownPlaces)
        var count = 1
        while count < least { count *= 2 }
        return count
    }

    /// Full buckets; room for `entries` clients at least, 1 or more.
    package init(entries: Int) {
        precondition(entries > 0, "a table of nobody limits nobody")
        setCount = Self.sets(for: entries)
        words = AtomicWords(count: setCount * Self.wordsOfSet)
    }

    /// What becomes of a request.
    package struct Outcome: Sendable, Equatable {
        /// Whether the request may go on.
        package let verdict: RequestRate.Verdict
        /// Whether its client had to share a bucket with others.
        package let isCrowded: Bool
    }

    /// Takes one request of the client with this key, a keyed hash, out of its bucket. A request
    /// that is refused takes nothing.
    ///
    /// - Parameter now: in nanoseconds of one clock of the whole machine; what two threads hold for
    ///   now may differ.
    package func take(_ key: UInt64, _ rate: RequestRate, at now: UInt64) -> Outcome {
        // Zero is a place that nobody has.
        let key = key == 0 ? 1 : key
        let start = Int(truncatingIfNeeded: key >> 32) & (setCount - 1)
        let set = start * Self.wordsOfSet
        // Twice: where another worker took the place, it may have been for the same client.
        for _ in 0..<2 {
            var first = 0
            var (least, holder) = (UInt64.max, UInt64.max)
            for place in 0..<Self.ownPlaces {
                let other = load(set + place)
                if other == key {
                    return Outcome(verdict: charge(set + 8 + place, rate, now), isCrowded: false)
                }
                let due = load(set + 8 + place)
                if due < least { (least, holder, first) = (due, other, place) }
            }
            guard least <= now else { break }
            guard replace(set + first, holder, by: key) else { continue }
            return Outcome(verdict: charge(set + 8 + first, rate, now), isCrowded: false)
        }
        return Outcome(verdict: charge(set + 8 + Self.sharedPlace, rate, now), isCrowded: true)
    }

    /// Takes one request out of the bucket at `index`.
    private func charge(
        _ index: Int, _ rate: RequestRate, _ now: UInt64
    ) -> RequestRate.Verdict {
        var due = load(index)
        // Another turn only when another thread has got its request in between.
        while true {
            guard let next = rate.charged(due, at: now) else {
                return rate.verdict(isAdmitted: false, due, at: now)
            }
            if replace(index, due, by: next) {
                return rate.verdict(isAdmitted: true, next, at: now)
            }
            due = load(index)
        }
    }

    // Every index is below the number of words: a set is, and 16 words follow from there.

    @inline(__always)
    private func load(_ index: Int) -> UInt64 {
        words.with(index) { $0.load(ordering: .relaxed) }
    }

    /// Replaces the word at `index` if it is `old`. Returns whether it was.
    @inline(__always)
    private func replace(_ index: Int, _ old: UInt64, by new: UInt64) -> Bool {
        words.with(index) {
            $0.compareExchange(expected: old, desired: new, ordering: .relaxed).exchanged
        }
    }
}
