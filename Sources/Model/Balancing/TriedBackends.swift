// TriedBackends: where a request has been, so that a retry goes elsewhere.

package import Backends

/// The backends that one request was sent to, at most `capacity`. Value type that allocates
/// nothing.
package struct TriedBackends {
    /// How many backends a request can be sent to, or fail to be, in all.
    package static let capacity = 32
    private var ids = InlineArray<32, BackendID>(repeating: BackendID(rawValue: 0))
    /// How many were tried.
    package private(set) var count = 0

    /// None tried yet.
    package init() {}

    /// Notes one more.
    ///
    /// - Precondition: `count` is below `capacity`.
    package mutating func insert(_ id: BackendID) {
        precondition(count < Self.capacity)
        ids[count] = id
        count += 1
    }

    /// Forgets them all.
    package mutating func removeAll() { count = 0 }

    /// Whether `id` was tried.
    @inline(__always)  // else each pick makes a copy of them for the call
    package func contains(_ id: BackendID) -> Bool {
        // By the numbers: `==` is a call to another module, and what may be in it has a pick count
        // its arrays.
        for index in 0..<count where ids[index].rawValue == id.rawValue { return true }
        return false
    }
}
