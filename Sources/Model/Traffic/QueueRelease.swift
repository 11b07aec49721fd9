// QueueRelease: how fast the requests that waited for a backend go to the first that come. All at
// once they would overrun the listen queue of one that has just started, whose connections are then
// made a second later, when the kernel asks again. So it is as with TCP's slow start (RFC 5681): a
// few go at first, and each answer, whoever gets it, makes room for two more. What answers in
// milliseconds has all of them within tens of milliseconds; what does not answer gets no more.

/// One release of waiting requests. Value type.
package struct QueueRelease: Sendable, Equatable {
    private let first: Int
    private let answeredBefore: Int
    private var released = 0

    /// Begins one to so many backends, which have sent so many answers so far; `perBackend` go to
    /// each at first.
    ///
    /// - Precondition: `perBackend` is at least 1.
    package init(to backends: Int, perBackend: Int, answered: Int) {
        precondition(perBackend > 0, "nothing would ever be released")
        first = perBackend * backends
        answeredBefore = answered
    }

    /// Whether one more may go, now that the backends have sent `answered` in all.
    package func allowsMore(answered: Int) -> Bool {
        released < first + 2 * max(answered - answeredBefore, 0)
    }

    /// One goes.
    package mutating func countReleased() { released += 1 }
}
