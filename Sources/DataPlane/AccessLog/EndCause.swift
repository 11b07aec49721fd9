// EndCause: why a request, or a connection, ended, in two letters: enough to group lines by, and to
// tell at a glance whose fault it was. The first letter is the side: B backend, C client, F
// Fairlead.

/// What ended a request or a TCP connection.
package enum EndCause: UInt8, Sendable, CaseIterable {
    /// The request was answered to the end, with whatever status the backend chose.
    case complete
    /// No backend was in the rotation.
    case noBackend
    /// None of the backends accepted a connection.
    case notConnected
    /// Every backend, or the service, had as many requests as it may have.
    case overLimit
    /// The backend closed or reset the connection without an answer.
    case backendClosed
    /// The backend's answer was not HTTP/1.
    case backendProtocol
    /// The backend did not answer in time.
    case backendTimeout
    /// The backend broke the connection after its response had begun.
    case backendCut
    /// The client went away.
    case clientGone
    /// The client was too slow with its request, or in taking the response.
    case clientTimeout
    /// The client's head was refused; the status says why.
    case clientHead
    /// The client's body was malformed.
    case clientBody
    /// Fairlead answered by itself, as it was told to: a redirect, a fixed response, the last hop.
    case answered
    /// No route leads anywhere for this request.
    case noRoute
    /// This machine had no descriptor, local port or memory left for a connection to a backend.
    case shortage
    /// Nothing moved for as long as nothing may.
    case idle
    /// The request or connection had lasted as long as it may, or its backend's drain had. The
    /// backend is not to blame.
    case expired
    /// Fairlead was stopping, and could wait no longer.
    case stopped

    /// Whether the request failed for a reason that is the backends' or Fairlead's, whatever its
    /// status. What the client did is none, nor is an end that was set for a stream.
    package var isFailure: Bool {
        switch self {
        case .noBackend, .notConnected, .overLimit, .backendClosed, .backendProtocol,
            .backendTimeout, .backendCut, .shortage:
            true
        case .complete, .clientGone, .clientTimeout, .clientHead, .clientBody, .answered, .noRoute,
            .idle, .expired, .stopped:
            false
        }
    }

    /// The code in the line.
    package var code: StaticString {
        switch self {
        case .complete: "--"
        case .noBackend: "BN"
        case .notConnected: "BR"
        case .overLimit: "BL"
        case .backendClosed: "BC"
        case .backendProtocol: "BP"
        case .backendTimeout: "BT"
        case .backendCut: "BX"
        case .clientGone: "CG"
        case .clientTimeout: "CT"
        case .clientHead: "CH"
        case .clientBody: "CB"
        case .answered: "FA"
        case .noRoute: "FN"
        case .shortage: "FR"
        case .idle: "FI"
        case .expired: "FX"
        case .stopped: "FS"
        }
    }
}
