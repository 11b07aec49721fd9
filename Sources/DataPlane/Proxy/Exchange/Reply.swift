// Reply: the answers that Fairlead gives by itself, each with a sentence for whoever reads it.

internal import HTTP1

/// An answer of Fairlead's own.
enum Reply: Equatable {
    /// The request was refused as it stands (400, 408, 413, 414, 431, 501, 505).
    case refused(HeadError)
    /// The request's body was malformed.
    case malformedBody
    /// The client was too slow with its request.
    case clientTimeout
    /// OPTIONS that may go no further (RFC 9110, section 7.6.2).
    case optionsAtLastHop
    /// TRACE that may go no further. It is not reflected: a head can hold what its client's scripts
    /// may not read, and what the hops before this one have added.
    case traceAtLastHop
    /// No route is for the request.
    case noRoute
    /// The path means different things to different servers.
    case ambiguousPath
    /// No backend is in the rotation.
    case noBackend
    /// No connection to any backend could be made.
    case notConnected
    /// Every backend, or the service, has as many requests as it may have, and no more may wait.
    case overLimit
    /// This machine had nothing left to connect to a backend with (`Errno.isShortage`).
    case shortage
    /// The backend closed or broke the connection instead of answering.
    case noResponse
    /// The backend's answer was not HTTP/1.
    case badResponse
    /// The backend sent more interim responses (1xx) than one request may get.
    case tooManyInterim
    /// The backend did not answer in time.
    case backendTimeout
    /// The time of the request, or of its backend's drain, was over before a response began, and
    /// that was not the backend's doing.
    case outOfTime

    var status: Int {
        switch self {
        case .refused(let error): error.status
        case .malformedBody, .ambiguousPath: 400
        case .noRoute: 404
        case .clientTimeout: 408
        case .optionsAtLastHop: 200
        case .traceAtLastHop: 405
        case .noBackend, .notConnected, .overLimit, .shortage: 503
        case .noResponse, .badResponse, .tooManyInterim: 502
        case .backendTimeout, .outOfTime: 504
        }
    }

    /// Whether the connection can be used again: after a refusal what follows on it can't be told
    /// from an attack.
    var keepsConnection: Bool {
        switch self {
        case .refused, .malformedBody, .clientTimeout, .ambiguousPath: false
        case .optionsAtLastHop, .traceAtLastHop, .noRoute, .noBackend, .notConnected, .overLimit,
            .shortage, .noResponse, .badResponse, .tooManyInterim, .backendTimeout, .outOfTime:
            true
        }
    }

    /// One line of text; `service` is the name of the service that the request was for.
    func body(service: String) -> String {
        switch self {
        case .refused(let error): "\(error)\n"
        case .malformedBody: "The request's body is malformed: check its chunked framing.\n"
        case .clientTimeout: "The request did not arrive in time.\n"
        case .optionsAtLastHop: ""
        case .traceAtLastHop: "This hop answers no TRACE.\n"
        case .noRoute: "Nothing is served here under this host and path.\n"
        case .ambiguousPath:
            "The path has dot segments, backslashes or encoded slashes: write it without them.\n"
        case .noBackend: "No healthy backend for service \(service).\n"
        case .notConnected:
            "No healthy backend for service \(service): none accepted a connection.\n"
        case .overLimit:
            "Service \(service) has as many requests as it may have: try again in a moment.\n"
        case .shortage:
            "The proxy has no room for a connection to a backend of service \(service): try again "
                + "in "
                + "a moment.\n"
        case .noResponse:
            "A backend of service \(service) closed the connection without an answer.\n"
        case .badResponse: "A backend of service \(service) sent an answer that is not HTTP/1.1.\n"
        case .tooManyInterim:
            """
            A backend of service \(service) sent more than \(HTTPExchange.interimMax) interim \
            responses (1xx) and no final one.\n
            """
        case .backendTimeout: "No backend of service \(service) answered in time.\n"
        case .outOfTime: "The request to service \(service) took longer than it may.\n"
        }
    }
}
