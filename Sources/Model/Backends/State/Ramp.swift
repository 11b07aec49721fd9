// Ramp: the growing share of a backend that has just come up. In sixteenths and not by the
// millisecond, since each step is a rotation that every worker takes over.

/// How far a slow start has come. Value type, control thread.
struct Ramp: Sendable, Equatable {
    /// All of its weight.
    static let full: UInt32 = 16

    let began: ContinuousClock.Instant
    /// Its share of its own weight, in sixteenths: 1 to 16.
    private(set) var sixteenths: UInt32 = 1

    /// One that begins.
    init(began: ContinuousClock.Instant) {
        self.began = began
    }

    /// When the next step is due, if it takes `time` as a whole.
    func deadline(over time: Duration) -> ContinuousClock.Instant {
        began + time * Int(sixteenths) / Int(Self.full)
    }

    /// Takes the steps that are due; at 16 it is over.
    mutating func advance(to now: ContinuousClock.Instant, over time: Duration) {
        while sixteenths < Self.full, deadline(over: time) <= now { sixteenths += 1 }
    }
}
