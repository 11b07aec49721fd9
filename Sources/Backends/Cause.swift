// Cause: why a backend changed its state, as a small value that is put into words only when someone
// reads it.

/// Why a check did not pass. Any thread.
package enum CheckFailure: Sendable, Hashable, CustomStringConvertible {
    /// The port is closed.
    case refused
    /// No connection, or no answer, in time.
    case timeout
    /// The connection broke before the answer was complete.
    case reset
    /// There is no way to the host.
    case unreachable
    /// An answer with a status that is not the expected one.
    case status(Int)
    /// An answer that is no HTTP, or not what was expected.
    case malformed
    /// Any other error, by errno; 0 when there is none.
    case other(Int32)

    /// A phrase: `connection refused`.
    package var description: String {
        switch self {
        case .refused: "connection refused"
        case .timeout: "timed out"
        case .reset: "connection reset"
        case .unreachable: "host unreachable"
        case .status(let code): "status \(code)"
        case .malformed: "malformed answer"
        case .other(let errno): "error \(errno)"
        }
    }
}

/// Why a worker could not connect to a backend for a live request. One byte, so that a worker's
/// report is small. Any thread.
package enum DialFailure: UInt8, Sendable, Hashable, CustomStringConvertible {
    case refused, timeout, reset, unreachable, other

    /// A phrase: `connection refused`.
    package var description: String {
        switch self {
        case .refused: "connection refused"
        case .timeout: "timed out"
        case .reset: "connection reset"
        case .unreachable: "host unreachable"
        case .other: "could not connect"
        }
    }
}

/// Why a backend is in the state in which it is. Any thread.
package enum Cause: Sendable, Hashable, CustomStringConvertible {
    /// A good answer names it for the first time.
    case named
    /// A good answer names it again while it drains.
    case namedAgain
    /// It turned out to be lost with most others within seconds, and is held.
    case recalled
    /// Its first check has begun.
    case checkBegun
    /// Its service has no checks, so the source's word is enough.
    case unchecked
    /// So many checks passed in a row.
    case checksPassed(Int)
    /// So many checks failed in a row, the last of them so.
    case checksFailed(Int, last: CheckFailure)
    /// A live request could not connect.
    case dialFailed(DialFailure)
    /// Live requests failed after they had connected.
    case liveFailed(LiveFailure)
    /// The time that its ejection lasts is over.
    case ejectionEnded
    /// So many good answers in a row did not name it.
    case missing(answers: Int)
    /// It was lost with most others in one answer, and the evidence is against it too.
    case massLossConfirmed
    /// A hold of this kind ended and nothing spoke for the backend.
    case holdEnded(HoldKind)
    /// An operator wants no new requests on it.
    case drainedByOperator
    /// The operator lets it have requests again.
    case drainLifted
    /// It drained until no request was in flight.
    case idle
    /// It drained for as long as a drain may take.
    case drainLimit

    /// A sentence without its full stop: `3 checks failed in a row, the last: timed out`.
    package var description: String {
        switch self {
        case .named: "named by discovery"
        case .namedAgain: "named by discovery again"
        case .recalled: "lost with most others within seconds, which is no reason to let it go"
        case .checkBegun: "first check begun"
        case .unchecked: "named by discovery, and checks are off"
        case .checksPassed(1): "a check passed"
        case .checksPassed(let count): "\(count) checks passed in a row"
        case .checksFailed(1, let last): "a check failed: \(last)"
        case .checksFailed(let count, let last):
            "\(count) checks failed in a row, the last: \(last)"
        case .dialFailed(let failure): "a request could not connect: \(failure)"
        case .liveFailed(let failure): failure.description
        case .ejectionEnded: "the time of its ejection is over"
        case .missing(1): "missing from a good answer"
        case .missing(let answers): "missing from \(answers) good answers in a row"
        case .massLossConfirmed: "lost with most others in one answer, and not passing its checks"
        case .holdEnded(.massLoss): "lost with most others in one answer, and the hold ended"
        case .holdEnded(let kind):
            "discovery failed (\(kind.rawValue)) for longer than the hold, and no check speaks for it"
        case .drainedByOperator: "drained by an operator"
        case .drainLifted: "an operator's drain was lifted"
        case .idle: "drained: no request in flight"
        case .drainLimit: "drained for as long as a drain may take"
        }
    }
}
