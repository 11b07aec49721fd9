// RequestIDs: names for requests that no two requests share. They must be distinct, over workers
// and processes, but not secret.

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
