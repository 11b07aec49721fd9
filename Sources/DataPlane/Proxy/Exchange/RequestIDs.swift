// RequestIDs: unique names for requests. They have to differ, over all workers and processes, but
// need not be secret.

internal import HTTP1
internal import Random

/// A worker's source of request ids. Value type.
struct RequestIDs {
    // One generator alone would tie both halves to 64 bits of seed.
    private var high = SplitMix64()
    private var low = SplitMix64()

    mutating func next() -> RequestID {
        RequestID(high: high.next(), low: low.next())
    }
}
