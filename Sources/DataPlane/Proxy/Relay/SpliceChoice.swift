// SpliceChoice: whether a stream is received and sent, or spliced inside the kernel.
//
// Splicing saves two copies and costs work on pages: it wins where a step moves much, and loses
// where it moves little. Only a step shows how much there is. So a stream is copied until it has
// filled the whole buffer twice in a row, and again once its steps have become small.

/// The choice for one direction of a stream. Value type, worker thread only.
struct SpliceChoice {
    /// Whether the next step should be spliced.
    private(set) var isSplice = false
    /// Steps in a row that spoke for the other way.
    private var contrary: UInt8 = 0
    private var isAvailable = true

    /// Steps in a row that change the way.
    private static let changeAfter: UInt8 = 2
    /// Below this many bytes a step, copying is cheaper.
    static let smallestSplice = 16_384

    /// A step received `count` bytes into a buffer for `capacity`.
    mutating func recordReceived(_ count: Int, of capacity: Int) {
        record(isContrary: count == capacity && isAvailable)
    }

    /// A step spliced `count` bytes.
    mutating func recordSpliced(_ count: Int) {
        record(isContrary: count < Self.smallestSplice)
    }

    /// There was no pipe left: other streams have them all.
    mutating func recordUnavailable() {
        isSplice = false
        isAvailable = false
    }

    private mutating func record(isContrary: Bool) {
        guard isContrary else {
            contrary = 0
            return
        }
        contrary += 1
        guard contrary == Self.changeAfter else { return }
        contrary = 0
        isSplice.toggle()
    }
}
