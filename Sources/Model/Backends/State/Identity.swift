// Identity: the numbers by which the threads speak about services and backends. An endpoint can
// come back after its backend is gone; a number never does, so that counters and late reports of
// two lives of one endpoint can't be mixed up.

/// A backend's number in this process: never reused, so that counters and late reports can't be
/// mixed up. Any thread.
package struct BackendID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Counts from 0 in the order of discovery, over all services.
    package let rawValue: UInt32

    /// The backend with this number; new numbers come from `BackendIDs`.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The older backend first.
    package static func < (left: BackendID, right: BackendID) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The number alone: `17`.
    package var description: String { "\(rawValue)" }
}

/// A service's number in this process: never reused, as a backend's, since services come and go
/// while it runs. Any thread.
package struct ServiceID: Hashable, Sendable {
    /// Counts from 0; at the start in the order of the configuration.
    package let index: Int

    /// No service: entries of the journal that concern the whole process have it.
    package static let process = ServiceID(index: -1)

    /// The service with this number.
    package init(index: Int) {
        self.index = index
    }
}

/// Gives out the backend numbers of a process; every roster shares one. Control thread only.
package final class BackendIDs {
    private var next: UInt32

    /// Numbers from `first` on: 0 except in tests.
    package init(first: UInt32 = 0) {
        next = first
    }

    /// A number never given before, or nil once all 2^32 - 1 are used up: then new instances are
    /// refused (a registry that renames 4,096 backends every second needs 12 days for that).
    func allocate() -> BackendID? {
        guard next < .max else { return nil }
        defer { next += 1 }
        return BackendID(rawValue: next)
    }
}
