// RateShares: among how many processes shared limits are divided. The control thread writes the
// number, and workers read it with each request of a shared limit: there is nothing else to change,
// since a bucket that is full at some time says the same for any part of its rate
// (RequestRate.swift).

internal import Synchronization

/// The number of processes that have shared limits together. Any thread.
package final class RateShares: Sendable {
    /// The number for the limits of this process.
    package static let ofProcess = RateShares()

    private let number = Atomic<Int>(1)

    /// One process, until `set`.
    package init() {}

    /// At least 1.
    package var count: Int { number.load(ordering: .relaxed) }

    /// Divides limits among `count` processes from now on, at least 1.
    package func set(_ count: Int) {
        precondition(count > 0, "a limit is somebody's")
        number.store(count, ordering: .relaxed)
    }
}
