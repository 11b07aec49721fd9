// PickRequest: what a policy may know of a request, and what it answers.

/// What a backend is wanted for. Value type that allocates nothing.
package struct PickRequest {
    /// Where the request has been already.
    package var tried = TriedBackends()
    /// Stands for what the service hashes by, such as the client's address (`HashKey`); only
    /// consistent hashing looks at it.
    package var key: UInt64 = 0
    /// Whether it may be sent again should the backend fail: such a request is risked on a backend
    /// that is on probation.
    package var isRepeatable = true
    /// Whether it is a call of gRPC. It is risked there too: none of a service's calls may be sent
    /// again as far as HTTP knows, and the backend would be on probation for ever.
    package var isCall = false
    /// Whether it is, or asks to become, a stream: a TCP connection, a tunnel, a WebSocket. Streams
    /// are weighed among streams, other requests among those that wait for an answer.
    package var isStream = false
    /// Whether there will be no other try after this one: it goes to a tier where the request was
    /// not yet, if there is one.
    package var isLast = false

    /// A request that has been nowhere.
    package init() {}
}

/// What a policy answers.
package enum Pick: Equatable, Sendable {
    /// The backend at this place of the rotation, its tiers laid end to end.
    case backend(Int)
    /// Some were not tried, and each of those has as many requests in flight as it may have.
    case full
    /// There is none that was not tried.
    case none
}
