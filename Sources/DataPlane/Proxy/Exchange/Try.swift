// Try: one sending of a request to one backend. An exchange has one at a time, or two when it is
// hedged. Effort: what an exchange's tries came to so far, which bounds those that follow.

internal import Evidence

/// What an exchange knows of a try. Value type, worker thread only.
struct Try {
    /// The connection; none before it is dialled and after it is let go.
    var link = Link<BackendConnection>()
    /// Whether the request's head was written to it.
    var isHeadSent = false
    /// What it holds at its backend.
    var hold = BackendRecord.Hold.request
    /// Whether its client has closed its side, and it counts among those of its backend.
    var hasClientLeft = false
    /// Whether it came from a backend that was silent.
    var isMoved = false
    /// How many bear witness that it is not this request that silences backends.
    var witnesses = 0

    // MARK: Times, in the loop's nanoseconds

    /// When the request was written.
    var sentAt: UInt64 = 0
    /// When the backend had all of it.
    var awaitedSince: UInt64 = 0
    /// When a byte of a body last moved.
    var movedAt: UInt64 = 0

    // MARK: For the access log

    /// When it began, and when there was a connection; nil for what has not happened.
    var begunAt: UInt64?
    var connectedAt: UInt64?
    /// Its backend; nil without a log.
    var backend: PooledBackend?
}

/// What the tries of an exchange came to so far. Value type, worker thread only.
struct Effort {
    /// Tries that sent the request, or a part of it. One that broke on a kept connection is not
    /// among them, the first time: the connection may just have been too old.
    var sent = 0
    /// For how long dials went on that failed, in nanoseconds.
    var dialsFailedFor: UInt64 = 0
    /// How often the request has left a backend for its silence.
    var silentMoves = 0
    /// Whether a kept connection broke before a response: then the next ones are made again, since
    /// others that are kept may have broken as well.
    var hasBroken = false
    /// Until when it waits for this machine to have room for a connection, in the loop's
    /// nanoseconds; 0 as long as it had.
    var shortUntil: UInt64 = 0
    /// Whether a dial of it has met a shortage of this machine.
    var isShort = false
    /// Whether that was one of descriptors: the client's own makes room when this request is over.
    var closesClient = false
    /// Whether it has waited for that to end.
    var hasAwaitedRoom = false
}
