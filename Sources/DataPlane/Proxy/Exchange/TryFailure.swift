// TryFailure: what can go wrong with a try, and all that follows from it: whether the request may
// have run, whether a rule sends it again, and how it ends where there is no other try.
//
//   failure                 exposure      sent again if the rule has   else the request ends as
//   dial                    nothing sent  connect                      notConnected
//   shortage                nothing sent  any attempts                 shortage
//   refused                 nothing sent  connect                      noResponse
//   noResponse              may have run  reset                        noResponse
//   withdrawn               may have run  reset                        requestExpired
//   silent                  may have run  silence                      noResponse
//   tryTimeout              may have run  any attempts                 noResponse
//   timeout                 may have run  timeout                      backendTimeout
//   slow                    answered      any attempts                 noResponse
//   status                  answered      the status                   noResponse
//   unavailable             refused       grpc-unavailable             noResponse
//
// After `silent`, `tryTimeout` and `slow` the try goes on if there is no other, and the answer with
// a `status`, or of `unavailable`, is passed on: so these end no request.

internal import Routing

/// What went wrong with a try.
package enum TryFailure: Equatable, Sendable {
    /// No connection was made: nothing was sent.
    case dial
    /// This machine had nothing left to make a connection with (`Errno.isShortage`).
    case shortage
    /// The backend has done nothing with the request, and says so, as HTTP/2 lets it (RFC 9113,
    /// section 8.7).
    case refused
    /// The connection broke or closed before the first byte of a response.
    case noResponse
    /// Fairlead took the request back before a response began, since the time for the backend's
    /// drain was over. It may have run there.
    case withdrawn
    /// The backend is silent while others answer.
    case silent
    /// The response has not begun after the time after which a second try is made beside the first.
    case slow
    /// The try had a time of its own, and it is over.
    case tryTimeout
    /// No response in time: the backend may still be at work on it.
    case timeout
    /// A response with this status.
    case status(Int)
    /// A call of gRPC has got UNAVAILABLE in place of an answer.
    case unavailable
}

extension TryFailure {
    /// What a backend may have done with the request of a try that failed.
    enum Exposure {
        /// Nothing of the request was sent, or nothing was done with it: any can be sent elsewhere.
        case nothingSent
        /// The request may have run: one that is idempotent can be sent elsewhere (RFC 9110,
        /// section 9.2.2).
        case mayHaveRun
        /// The request has an answer, or is under way and to be sent a second time: one that is
        /// safe can be sent elsewhere (section 9.2.1).
        case answered
        /// The server says that it did not serve the request, or could not go on: any can be sent
        /// elsewhere, since nobody but an operator who knows the calls names this failure.
        case refused
    }

    /// What the backend may have done with the request.
    var exposure: Exposure {
        switch self {
        case .dial, .shortage, .refused: .nothingSent
        case .noResponse, .withdrawn, .silent, .tryTimeout, .timeout: .mayHaveRun
        case .slow, .status: .answered
        case .unavailable: .refused
        }
    }

    /// Whether a request that failed so is sent again by a rule that names `failures`.
    func isAmong(_ failures: RetryRule.Failures) -> Bool {
        switch self {
        case .dial, .refused: failures.conditions.contains(.connect)
        // It is no backend's failure that a rule could name, and nothing was sent.
        case .shortage: true
        case .noResponse, .withdrawn: failures.conditions.contains(.reset)
        case .silent: failures.conditions.contains(.silence)
        // An operator who sets these times wants another try.
        case .tryTimeout, .slow: true
        case .timeout: failures.conditions.contains(.timeout)
        case .status(let status): failures.statuses.contains(status)
        case .unavailable: failures.conditions.contains(.grpcUnavailable)
        }
    }

    /// How the request ends if this was its last try.
    var ending: Ending {
        switch self {
        case .dial: .notConnected
        case .shortage: .shortage
        case .withdrawn: .requestExpired
        case .timeout: .backendTimeout
        case .refused, .noResponse, .silent, .slow, .tryTimeout, .status, .unavailable:
            .noResponse
        }
    }
}
