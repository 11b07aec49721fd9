// Try: one sending of a request to one backend. An exchange has one at a time, or two when it is hedged.

/// What an exchange knows of a try. Value type, worker thread only.
struct Try {
    /// The connection; none before it is dialled and after it is let go.
    var link = Link<BackendConnection>()
    /// Whether the request's head was written to it.
    var isHeadSent = false

    // MARK: Times, in the loop's nanoseconds

    /// When the request was written.
    var sentAt: UInt64 = 0
    /// When the backend had all of it.
    var awaitedSince: UInt64 = 0

    // MARK: For the access log

    /// When it began, and when there was a connection; nil for what has not happened.
    var begunAt: UInt64?
    var connectedAt: UInt64?
    /// Its backend; nil without a log.
    var backend: PooledBackend?
}
