// SpliceChoice: whether a stream is received and sent, or spliced inside the kernel.
//
// Splicing saves two copies and costs handling pages: it wins where a step moves much, and loses
// where it moves little. How much comes is known only by looking, so a stream is copied until it
// has filled the whole buffer twice running, and again once its steps have become small.

/// The choice for one direction of a stream; its state after each step.
struct SpliceChoice {
    /// Whether the next step is better spliced.
    private(set) var isSplice = false
    /// Steps running that spoke against the present way.
    private var contrary: UInt8 = 0
    private var isAvailable = true

    /// Steps running that it takes to change the way.
    private static let changeAfter: UInt8 = 2
    /// Below so many bytes a step copying is cheaper.
    static let smallestSplice = 16_384

    /// A step received `count` bytes into a buffer for `capacity`.
    mutating func noteReceived(_ count: Int, of capacity: Int) {
        note(isContrary: count == capacity && isAvailable)
    }

    /// A step spliced `count` bytes.
    mutating func noteSpliced(_ count: Int) {
        note(isContrary: count < Self.smallestSplice)
    }

    /// There was no pipe to be had: others need them more.
    mutating func noteUnavailable() {
        isSplice = false
        isAvailable = false
    }

    private mutating func note(isContrary: Bool) {
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
