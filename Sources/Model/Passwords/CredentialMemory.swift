// CredentialMemory: credentials whose check is known, so that a request with the same ones waits
// for nothing. Bounded, without allocation, and told the time.
//
// What is kept of credentials is a mark: 128 bits of SipHash-2-4 under keys that the process has
// drawn and shows nobody, over the field's value and the list of users that it was checked by.
// Neither a password nor anything that one could be tried against without those keys is in memory
// longer than its check takes, so that a dump has none; two credentials with one mark would be a
// forgery of the hash (1 in 2^128 for each try). A list that has changed has another identity:
// whatever was remembered by the old one is found no more, and makes room as others come.

internal import Balancing

/// What credentials are known by. Value type, any thread.
package struct CredentialMark: Sendable, Equatable {
    fileprivate let low: UInt64
    fileprivate let high: UInt64

    /// Whether both are the same. Looks at all bits of both, whatever they are: the time that it
    /// takes says nothing.
    package static func == (one: CredentialMark, other: CredentialMark) -> Bool {
        (one.low ^ other.low) | (one.high ^ other.high) == 0
    }
}

/// Makes marks. Value type, any thread.
package struct CredentialMarker: Sendable {
    private let low: SipHash.Key
    private let high: SipHash.Key

    /// Draws its keys from `random`, which should be the system's.
    package init(using random: inout some RandomNumberGenerator) {
        low = SipHash.Key(random.next(), random.next())
        high = SipHash.Key(random.next(), random.next())
    }

    /// The mark of `value`, that of the field Authorization, for the list with this identity.
    package func mark(of value: Span<UInt8>, for list: UInt64) -> CredentialMark {
        CredentialMark(
            low: SipHash.of(value, after: list, low), high: SipHash.of(value, after: list, high))
    }
}

/// Marks, each until a time. Value type, one thread at a time.
package struct CredentialMemory: Sendable {
    private struct Place {
        var mark = CredentialMark(low: 0, high: 0)
        /// Until when it holds; 0 for an empty place.
        var endsAt: UInt64 = 0
    }

    private var places: [Place]
    /// A mark can stand in any of so many places.
    private static let ways = 4

    /// An empty memory for so many marks: a power of two, 4 at least.
    package init(capacity: Int) {
        precondition(
            capacity >= Self.ways && capacity.nonzeroBitCount == 1, "a power of two, 4 at least")
        places = Array(repeating: Place(), count: capacity)
    }

    private func first(for mark: CredentialMark) -> Int {
        Int(truncatingIfNeeded: mark.low & UInt64(places.count / Self.ways - 1)) * Self.ways
    }

    /// Whether `mark` was remembered, and its time is not over at `now`, in nanoseconds of any
    /// clock that only goes forward.
    package func contains(_ mark: CredentialMark, at now: UInt64) -> Bool {
        let first = first(for: mark)
        var isThere = false
        for place in first..<first + Self.ways {
            if places[place].mark == mark, places[place].endsAt > now { isThere = true }
        }
        return isThere
    }

    /// Remembers `mark` until `end`. Of the marks that could stand in its place, the one goes that
    /// would have been forgotten first.
    package mutating func remember(_ mark: CredentialMark, until end: UInt64) {
        let first = first(for: mark)
        var chosen = first
        for place in first..<first + Self.ways {
            if places[place].endsAt > 0, places[place].mark == mark {
                chosen = place
                break
            }
            if places[place].endsAt < places[chosen].endsAt { chosen = place }
        }
        places[chosen] = Place(mark: mark, endsAt: end)
    }
}
