// SplitMix64 (Steele, Lea, Flood 2014): numbers that differ and spread, but need not be secret.
// Seeded once, it makes no system call for each; with a seed of one's own a run repeats exactly.

/// A fast generator of numbers that nothing secret depends on. Value type.
///
/// `public` and not `package`, because only members of public types are inlined in other modules
/// (Swift 6.3.1): policies draw for each request.
public struct SplitMix64: RandomNumberGenerator {
    @usableFromInline var state: UInt64

    /// A generator whose numbers depend on `seed` alone.
    package init(seed: UInt64) {
        state = seed
    }

    /// A generator that is seeded from the system's randomness.
    package init() {
        var system = SystemRandomNumberGenerator()
        self.init(seed: system.next())
    }

    /// The next number.
    @inlinable public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mixed(state)
    }

    /// A number below `bound`, each as likely (but for a 2^32th): one multiplication, where the
    /// standard library divides.
    ///
    /// - Precondition: `bound` is 1 to 2^32.
    @inlinable package mutating func next(below bound: Int) -> Int {
        Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(truncatingIfNeeded: bound)) >> 32)
    }

    /// The step that makes neighbouring numbers unlike each other; one to one.
    @inlinable package static func mixed(_ number: UInt64) -> UInt64 {
        var mixed = number
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
