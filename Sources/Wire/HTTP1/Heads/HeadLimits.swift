// How much of a head is listened to, and what came of listening.

/// Bounds on one head. They hold while the head is still incomplete too: a parse never asks for
/// more than `bytesMax` bytes.
package struct HeadLimits: Sendable, Equatable {
    /// Bytes of a whole head with its empty line; more is 431. Between 1 and 2^30.
    package var bytesMax: Int
    /// Field lines in a head; more is 431.
    package var fieldsMax: Int
    /// Bytes of a request line or status line without its CRLF; more is 414.
    package var requestLineBytesMax: Int

    /// - Precondition: all are positive, `bytesMax` is at most 2^30.
    package init(
        bytesMax: Int = 16 * 1024, fieldsMax: Int = 100, requestLineBytesMax: Int = 8 * 1024
    ) {
        precondition((1...(1 << 30)).contains(bytesMax), "bytesMax must be 1 to 2^30")
        precondition(fieldsMax > 0 && requestLineBytesMax > 0, "limits of a head must be positive")
        self.bytesMax = bytesMax
        self.fieldsMax = fieldsMax
        self.requestLineBytesMax = requestLineBytesMax
    }

    /// The limits of answers to requests that have these: four times as much, and no less than 64
    /// KiB and 1,000 fields. A backend is the operator's own, and one that says more than may be
    /// passed on fails the request of a client who can't help it.
    package var ofAnswers: HeadLimits {
        HeadLimits(
            bytesMax: min(max(4 * bytesMax, 64 * 1024), 1 << 30),
            fieldsMax: max(4 * fieldsMax, 1000),
            requestLineBytesMax: max(4 * requestLineBytesMax, 8 * 1024))
    }

    /// Whether a first line that has not come to its end is too long already. A CR that came
    /// without its LF is not of the line: a line of just the limit must not depend on where it is
    /// cut.
    func isTooLong(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Bool {
        let excess = end - start - requestLineBytesMax
        return excess > 1 || excess == 1 && bytes[end - 1] != Characters.carriageReturn
    }
}

/// What a parse attempt came to.
package enum HeadOutcome: Equatable, Sendable {
    /// The head is whole: it is the first `length` bytes, its empty line included.
    case complete(length: Int)
    /// The head is valid so far; call again when there are more bytes.
    case needMore
    /// The head must be refused, and the connection closed: where its body ends is not to be
    /// trusted.
    case bad(HeadError)
}
