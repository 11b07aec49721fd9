// BackendCounts: how many backends of a service are in which condition. With thousands of backends
// a verdict is reached from these numbers alone, without a look at each.

internal import Backends

/// Counts over the backends of one service. Value type, any thread.
package struct BackendCounts: Sendable, Equatable {
    /// Backends on the roster, whatever their state.
    package var all: Int
    /// Backends that may get traffic now.
    package var inRotation: Int
    /// Backends of the rotation that have been shown to work. A new one may get traffic before that
    /// when there is no other.
    package var proven: Int
    /// Backends that are down or ejected.
    package var out: Int
    /// Backends of which nothing is known yet.
    package var pending: Int
    /// The places, among the service's sources, of those that have backends.
    package var places: Set<Int>

    /// A value with all of its properties.
    package init(
        all: Int, inRotation: Int, proven: Int, out: Int, pending: Int, places: Set<Int>
    ) {
        self.all = all
        self.inRotation = inRotation
        self.proven = proven
        self.out = out
        self.pending = pending
        self.places = places
    }

    /// Counts `backends` in one walk, as there may be thousands.
    init(of backends: [AdminSnapshot.Backend]) {
        self.init(all: backends.count, inRotation: 0, proven: 0, out: 0, pending: 0, places: [])
        for backend in backends {
            if backend.isInRotation { inRotation += 1 }
            switch backend.state {
            case .up: if backend.isInRotation { proven += 1 }
            case .down, .ejected: out += 1
            case .discovered, .checking: pending += 1
            case .draining, .gone: break
            }
            places.insert(Int(backend.tier.place))
        }
    }
}

extension AdminSnapshot.Backend {
    /// Whether it is down or ejected.
    var isOut: Bool {
        switch state {
        case .down, .ejected: true
        case .discovered, .checking, .up, .draining, .gone: false
        }
    }
}
