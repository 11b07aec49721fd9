// RequestIDs: names for requests that no two requests share. They must be distinct, over workers
// and processes, but not secret; so they come from a generator that is seeded once from the
// system's randomness instead of from a system call each (SplitMix64: Steele, Lea, Flood 2014).

internal import HTTP1

/// A worker's source of request ids. Value type.
struct RequestIDs {
    private var high: UInt64
    private var low: UInt64

    init() {
        var system = SystemRandomNumberGenerator()
        high = system.next()
        low = system.next()
    }

    mutating func next() -> RequestID {
        RequestID(high: Self.advance(&high), low: Self.advance(&low))
    }

    private static func advance(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
