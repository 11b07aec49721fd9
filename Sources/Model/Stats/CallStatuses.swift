// CallStatuses: how calls of gRPC ended, by the number of their status.

/// What one worker counts of a service's calls. One writing thread, as `Counter`.
package struct CallStatuses: ~Copyable, Sendable {
    private let counts = InlineArray<18, Counter> { _ in Counter() }
    private let late = Counter()

    /// None.
    package init() {}

    /// Counts a call that ended with this status, and whether the time was over that its client
    /// gives it. The one writing thread only.
    package func count(code: Int, isLate: Bool) {
        counts[min(max(0, code), CallTotals.others)].add()
        if isLate { late.add() }
    }

    fileprivate func current(_ code: Int) -> Int { counts[code].current }
    fileprivate var currentLate: Int { late.current }

    /// Calls since the start, and how many of them were late. Any thread.
    var figures: (ended: Int, late: Int) {
        // Read first: each late one is counted behind its status, and must not be more.
        let late = late.current
        var ended = 0
        for index in counts.indices { ended += counts[index].current }
        return (ended, late)
    }
}

/// How a service's calls of gRPC ended, over all workers. Value type, any thread.
package struct CallTotals: Sendable, Equatable {
    /// The place of all statuses that gRPC does not define.
    package static let others = 17

    private var counts = InlineArray<18, Int>(repeating: 0)
    /// Calls that ended since the time that their clients give them was over.
    package var late = 0

    /// None.
    package init() {}

    /// Calls that ended with the status of this number, or with any that gRPC does not define.
    package subscript(_ code: Int) -> Int {
        get { counts[code] }
        set { counts[code] = newValue }
    }

    /// The name of a status as gRPC writes it; `OTHER` for all that it does not define.
    package static func name(ofCode code: Int) -> String { names[code] }

    private static let names = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED", "OTHER",
    ]

    /// The statuses that calls have ended with, by number.
    package var occurring: [(name: String, count: Int)] {
        (0...Self.others).compactMap { code in
            counts[code] > 0 ? (Self.name(ofCode: code), counts[code]) : nil
        }
    }

    /// Whether there were no calls.
    package var isEmpty: Bool { counts.indices.allSatisfy { counts[$0] == 0 } }

    mutating func add(_ statuses: borrowing CallStatuses) {
        late += statuses.currentLate
        for code in counts.indices { counts[code] += statuses.current(code) }
    }

    /// Whether all counts are the same.
    package static func == (left: CallTotals, right: CallTotals) -> Bool {
        left.late == right.late
            && left.counts.indices.allSatisfy { left.counts[$0] == right.counts[$0] }
    }
}
